"""How payments began is remembered for the latest ones only."""

from uuid import UUID

from application.commands import RecordedAnswer
from application.ports import Appended, PlannedEvent
from domain.payment_events import PaymentAuthorized, PaymentCompleted, PaymentStanding
from domain.recorded import EventMetadata
from infrastructure.ledger_store.known_beginnings import KnownBeginnings
from tests.given import NOW, OURS, THEIRS

METADATA = EventMetadata("pay_x", 0, 2)
HELD = PaymentAuthorized(
    kind="hold",
    amount=5,
    currency="EUR",
    source_wallet_id=OURS,
    destination_wallet_id=THEIRS,
    effective_at=None,
    standing=PaymentStanding(status="authorized", amount=5, left=5),
)
PAID = PaymentCompleted(
    kind="transfer",
    amount=5,
    currency="EUR",
    source_wallet_id=OURS,
    destination_wallet_id=THEIRS,
    effective_at=NOW,
)


def stream(number: int) -> UUID:
    return UUID(int=number)


def began(number: int) -> RecordedAnswer:
    return RecordedAnswer(HELD, METADATA, number, NOW)


def test_the_latest_are_kept() -> None:
    """What was asked for last stays longest."""
    known = KnownBeginnings(kept=2)
    known.read({stream(1): began(1), stream(2): began(2)})
    assert known.among([stream(1)]) == {stream(1): began(1)}
    known.read({stream(3): began(3)})
    assert set(known.among(map(stream, (1, 2, 3)))) == {stream(1), stream(3)}


def test_what_is_stored_is_known_where_it_stands() -> None:
    """Of a batch only what lives on is kept, with the place that it has got."""
    known = KnownBeginnings()
    planned = [
        PlannedEvent(stream(1), 1, PAID, METADATA),
        PlannedEvent(stream(2), 1, HELD, METADATA),
        PlannedEvent(stream(3), 2, HELD, METADATA),
    ]
    known.stored(planned, Appended(101, NOW))
    assert known.among(map(stream, (1, 2, 3))) == {
        stream(2): RecordedAnswer(HELD, METADATA, 102, NOW)
    }


def test_all_can_be_forgotten() -> None:
    """A new connection may lead to another past."""
    known = KnownBeginnings()
    known.read({stream(1): began(1)})
    known.forget()
    assert known.among([stream(1)]) == {}
