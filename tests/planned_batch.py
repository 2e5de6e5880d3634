"""One batch as the ledger plans it, for tests of what comes of the work in it."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from application.batch import BatchPlan
from application.commands import (
    Answer,
    BatchOutcome,
    Command,
    Outcome,
    RecordedAnswer,
    Submission,
    Work,
)
from application.ports import Appended, Changes, Loaded
from domain.events import Event
from domain.identifiers import bits, payment_id, wallet_id
from domain.recorded import EventMetadata
from domain.wallet_rules import OpenWallet
from domain.wallets import Caller, Wallet
from tests.given import ISO, LATER, NOW, OURS, OWNER, THEIRS, credited, opening, transfer_of, wallet

FIRST_POSITION = 101
OURS_WITH_100 = wallet(credited(100))
THEIRS_EMPTY = wallet(name=THEIRS, first=opening(owner="usr_payee"))
OURS_OPENED = RecordedAnswer(opening(), EventMetadata("wal_1", 0, 1), 1, NOW)


def key(number: int) -> UUID:
    """Return the stream of the caller's key of this number."""
    return UUID(int=1000 + number)


def pay(number: int, amount: int, content: str = "", by: Caller = OWNER, **more: Any) -> Submission:
    """Return a transfer from our wallet to theirs with the key of this number."""
    command = transfer_of(amount, payment_id=payment_id(key(number)), **more)
    return Submission(command, by, key(number), content or f"pay {amount}")


def on_wallet(number: int, command: Command) -> Submission:
    """Return a command on a wallet with the key of this number."""
    return Submission(command, OWNER, key(number), f"{command}")


def opens(number: int) -> Submission:
    """Return the opening of the wallet that the key of this number begins."""
    command = OpenWallet(
        wallet_id=wallet_id(key(number)),
        kind="personal",
        account_class="liability",
        name="New",
        reference=None,
        currency="EUR",
        overdraft_limit=0,
    )
    return Submission(command, OWNER, key(number), f"{command}")


class Batch:
    """A batch with what was planned in it and what came of each piece of work."""

    def __init__(
        self,
        *works: Work,
        answers: Mapping[UUID, RecordedAnswer] | None = None,
        attempted: frozenset[UUID] = frozenset(),
        wallets: tuple[Wallet, ...] = (OURS_WITH_100, THEIRS_EMPTY),
        streams: Mapping[UUID, list[Event]] | None = None,
    ) -> None:
        """Plan a batch; `streams` are those that it goes on, with all their events."""
        goes_on = streams or {}
        loaded = Loaded(
            wallets={each.wallet_id: each for each in wallets},
            answers={bits(OURS): OURS_OPENED, **(answers or {})},
            lasts={name: (len(events), events[-1]) for name, events in goes_on.items()},
            clock=0.0,
            decided_at=NOW,
        )
        firsts = {name: stored(events[0], "begun") for name, events in goes_on.items()}
        plan = BatchPlan(loaded, set(attempted), ISO.digits, firsts)
        for work in works:
            plan.add(work)
        self.changes: Changes | None = plan.changes()
        appended = None if self.changes is None else Appended(FIRST_POSITION, LATER)
        self.outcomes: list[Outcome] = plan.outcomes(appended)

    @property
    def planned(self) -> list[tuple[UUID, int, type]]:
        """Stream, version and class of every event planned."""
        events = [] if self.changes is None else self.changes.events
        return [(each.stream, each.version, type(each.event)) for each in events]

    def answer(self, index: int) -> Answer:
        outcome = self.outcomes[index]
        assert isinstance(outcome, Answer), outcome
        return outcome

    def batch(self, index: int) -> BatchOutcome:
        outcome = self.outcomes[index]
        assert isinstance(outcome, BatchOutcome), outcome
        return outcome

    def posted(self) -> dict[str, int]:
        assert self.changes is not None
        return {each.wallet_id: each.posted for each in self.changes.changed}


def stored(event: Any, content: str, index: int = 0, count: int = 3) -> RecordedAnswer:
    """Return what the store has for a key."""
    metadata = EventMetadata("pay_x", index, count, None, 1, content)
    return RecordedAnswer(event, metadata, 51, NOW)
