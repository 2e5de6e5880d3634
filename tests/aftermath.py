"""What a ledger has stored, read from its events alone, beside what its heads say."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from application.commands import Answer, Outcome
from domain.events import WalletEvent, WalletOpened
from domain.identifiers import PaymentId, WalletId
from domain.payment_events import PaymentEvent
from domain.payment_state import standing_after
from domain.recorded import RecordedEvent
from domain.refusals import Rejection
from domain.wallets import Wallet, evolve, opened
from infrastructure.event_codec import EventCodec
from infrastructure.event_log.reader import EventReader
from tests.servers import FreshDatabases
from tests.written import Written

_POSTED = {"wallet.credited.v1": 1, "wallet.debited.v1": -1, "wallet.hold_captured.v1": -1}
_HELD = {"wallet.funds_held.v1": 1, "wallet.hold_captured.v1": -1, "wallet.hold_released.v1": -1}


@dataclass
class Aftermath:
    """All events of a ledger, folded; money by the table of types that outsiders go by."""

    rows: list[RecordedEvent]
    codec: EventCodec = field(default_factory=EventCodec)
    wallets: dict[WalletId, Wallet] = field(default_factory=dict)
    money: dict[str, tuple[int, int]] = field(default_factory=dict)
    stories: dict[str, list[PaymentEvent]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Fold the rows."""
        for row in self.rows:
            event = self.codec.decode(row.type, row.data)
            if isinstance(event, WalletEvent):
                self._move(row, event)
            elif isinstance(event, PaymentEvent):
                self.stories.setdefault(row.stream_id, []).append(event)
                assert row.version == len(self.stories[row.stream_id])

    def story(self, payment: PaymentId) -> list[str]:
        """Return the types of a payment's events, without their version."""
        return [
            row.type.removeprefix("payment.").removesuffix(".v1")
            for row in self.rows
            if str(row.stream_id) == payment
        ]

    def _move(self, row: RecordedEvent, event: WalletEvent) -> None:
        name = WalletId(row.stream_id)
        if isinstance(event, WalletOpened):
            self.wallets[name] = opened(name, event)
        else:
            self.wallets[name] = evolve(self.wallets[name], event, row.recorded_at[:10])
        assert self.wallets[name].version == row.version
        amount = getattr(event, "amount", 0)
        posted, held = self.money.get(name, (0, 0))
        posted += _POSTED.get(row.type, 0) * amount
        self.money[name] = (posted, held + _HELD.get(row.type, 0) * amount)


def aftermath(databases: FreshDatabases, writer: Written) -> Aftermath:
    """Return what is stored; every head must say the same, and nothing may be lost or made.

    What is held in all wallets is what all payments that are open have left.
    """
    with databases.connect("audit") as connection:
        found = Aftermath(list(EventReader(connection).all()))
    heads = writer.store.load(list(found.wallets), []).wallets
    writer.store.release()
    assert heads == found.wallets
    assert {name: (head.posted, head.held) for name, head in heads.items()} == found.money
    assert sum(posted for posted, _ in found.money.values()) == 0
    standings = [standing_after(story[-1]) for story in found.stories.values()]
    waiting = sum(each.amount for each in standings if each.status == "awaiting-approval")
    left = sum(each.left for each in standings)
    assert sum(held for _, held in found.money.values()) == waiting + left
    assert writer.faults == []
    return found


def told(outcome: Outcome) -> str:
    """Return what a caller hears: `done`, the code of a refusal, or the name of a rejection."""
    if isinstance(outcome, Answer):
        return str(getattr(outcome.event, "code", "done"))
    assert isinstance(outcome, Rejection), outcome
    return type(outcome).__name__


def counted(outcomes: Sequence[Outcome]) -> Counter[str]:
    """Return how often callers hear what."""
    return Counter(told(outcome) for outcome in outcomes)
