"""Answers about payment requests are in exactly these bytes, for ever."""

from pathlib import Path

import pytest

from application.commands import Answer, RecordedAnswer
from domain.events import Event, RequestAccepted, RequestRefused
from domain.identifiers import bits
from domain.money import Currencies
from domain.recorded import EventMetadata
from interfaces.command_api.answers import encode
from interfaces.command_api.outcomes import Outcomes
from tests.given import LATER, NOW, OWNER
from tests.requested import ASKED, CANCELLED, DECLINED, created

GOLDEN = Path(__file__).parent / "golden_requests"
OUTCOMES = Outcomes(Currencies({}))
PATH = "/v1/payment-requests"
ON_RECORD: dict[str, Event] = {
    "request": created(),
    "request-of-somebody": created(OWNER.subject),
    "declined": RequestAccepted(
        action="decline-request", payment_request_id=ASKED, request_standing=DECLINED.standing
    ),
    "cancelled": RequestAccepted(
        action="cancel-request", payment_request_id=ASKED, request_standing=CANCELLED.standing
    ),
    "request-closed": RequestRefused(
        action="cancel-request", code="request-closed", payment_request_id=ASKED
    ),
}


@pytest.mark.parametrize("name", ON_RECORD)
def test_what_is_on_record_is_answered_in_these_bytes(name: str) -> None:
    """Field by field, in this order, and the picture of the code with every line of it."""
    opening = RecordedAnswer(created(), EventMetadata(ASKED, 0, 1), 3, NOW)
    answer = Answer(bits(ASKED), ON_RECORD[name], 103, LATER, 1, replayed=False, opening=opening)
    status, document = OUTCOMES.answered(answer, PATH)
    written = str(status).encode() + b"\n" + encode(document) + b"\n"
    assert (GOLDEN / f"{name}.txt").read_bytes() == written


def test_every_golden_answer_is_asked_for() -> None:
    """No file stays behind that nothing compares with."""
    assert {path.stem for path in GOLDEN.iterdir()} == set(ON_RECORD)
