"""What is stored of a command on something that exists: its answer, and nothing beside it."""

import pytest

from domain import payment_events as payments
from domain.events import Event, RequestAccepted, RequestRefused
from infrastructure.event_codec import EventCodec
from tests.given import PAID

CODEC = EventCodec()

_CAPTURED = RequestAccepted(
    action="capture",
    role="payee",
    payment_id=PAID,
    standing=payments.PaymentStanding(status="completed", amount=5, captured=5, refundable=5),
)
_REFUSED = RequestRefused(action="capture", code="hold-expired", payment_id=PAID)
_STANDING = (
    '{"status":"completed","ended_by":null,"amount":5,"captured":5,"left":0,"refunded":0,'
    '"refundable":5,"expires_at":null,"counted_on":null,"counted":0,"approved_by":[]}'
)
ONE_BY_ONE = [
    (
        _CAPTURED,
        '{"action":"capture","wallet_id":null,"status":null,"overdraft_limit":null,'
        '"role":"payee","per_payment":null,"per_day":null,"member":null,"approvals":null,'
        f'"payment_id":"{PAID}","standing":{_STANDING},"payment_request_id":null,'
        '"request_standing":null,"schedule_id":null,"schedule_standing":null,"shown_legs":null}',
        '{"action":"capture","wallet_id":null,"status":null,"overdraft_limit":null,'
        f'"role":"payee","payment_id":"{PAID}","standing":{_STANDING}}}',
    ),
    (
        _REFUSED,
        '{"action":"capture","wallet_id":null,"code":"hold-expired",'
        f'"payment_id":"{PAID}","available":null,"currency":null,"payment_request_id":null}}',
        f'{{"action":"capture","wallet_id":null,"code":"hold-expired","payment_id":"{PAID}"}}',
    ),
]
"""Events as they were stored before, with every field that is not set, and as they are now."""


@pytest.mark.parametrize(("event", "before", "now"), ONE_BY_ONE)
def test_answers_are_stored_without_what_does_not_concern_them(
    event: Event, before: str, now: str
) -> None:
    """What was stored with nulls is read as before, and what is written has none of them."""
    type_name, state = CODEC.encode(event)
    assert state == now.encode()
    assert CODEC.decode(type_name, before.encode()) == CODEC.decode(type_name, state) == event
