"""The whole ledger as a state machine beside its model, over whatever store it is given."""

from collections import Counter
from collections.abc import Sequence
from typing import ClassVar
from uuid import UUID

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, run_state_machine_as_test

from application.commands import (
    Answer,
    AtomicBatch,
    BatchOutcome,
    DryRun,
    ItemOutcome,
    NotExecuted,
    Outcome,
    Submission,
    Work,
    WouldComplete,
)
from application.ledger import Ledger
from application.ports import LedgerStore
from domain.events import RequestRefused
from domain.identifiers import WalletId, bits
from domain.money import Currencies
from domain.payment_events import PaymentDeclined
from domain.recorded import RecordedEvent
from domain.refusals import InsufficientFunds, KeyReused, Refusal, WalletNotFound
from interfaces.command_api.answers import encode
from interfaces.command_api.outcomes import Outcomes
from tests.property.drawn_requests import Requests
from tests.property.fold import Fold
from tests.property.model import DONE, KEY_REUSED, NOT_FOUND, End, Model

OUTCOMES = Outcomes(Currencies({}))
OFTEN = (
    "done",
    "insufficient-funds",
    "repeat",
    "key-reused",
    "wallet-frozen",
    "wallet-closed",
    "foreign",
)
SOMETIMES = (
    "same-wallet",
    "currency-mismatch",
    "payee-unavailable",
    "balance-out-of-range",
    "wallet-not-empty",
    "overdraft-in-use",
    "not-found",
    "dry run",
    "atomic done",
    "atomic refused",
)


def end_of(outcome: Outcome | ItemOutcome) -> End:
    """Return how one command ended, in the model's words."""
    match outcome:
        case Answer(event=PaymentDeclined(code=code, available=available)):
            return (code, available)
        case Answer(event=RequestRefused(code=code)):
            return (code, None)
        case Answer() | WouldComplete():
            return DONE
        case InsufficientFunds(available=available):
            return ("insufficient-funds", available)
        case Refusal(code=code):
            return (code, None)
        case WalletNotFound():
            return NOT_FOUND
        case KeyReused():
            return KEY_REUSED
        case NotExecuted():
            return ("not-executed", None)
        case _:
            raise AssertionError(f"no end to be had: {outcome!r}")


class LedgerMachine(RuleBasedStateMachine):
    """What all machines share: what is sent, what is expected, and what must hold after it."""

    reached: ClassVar[Counter[str]]

    def __init__(self) -> None:
        super().__init__()
        self.ended: Counter[str] = Counter()
        self.model = Model()
        self.requests = Requests(self.model)
        self.fold = Fold()
        self.answers: dict[UUID, tuple[Answer, bytes]] = {}

    def rows(self, after: int) -> Sequence[RecordedEvent]:
        """Return what is stored behind a position."""
        raise NotImplementedError

    def store(self) -> LedgerStore:
        """Return a store that fails at nothing, to look in."""
        raise NotImplementedError

    def set_up(self, ledger: Ledger) -> None:
        """Make the wallets; how that ends is nothing that was drawn, so it is not counted."""
        self.execute_exactly(ledger, self.requests.setting())
        self.ended.clear()

    def teardown(self) -> None:
        """Add up what was reached."""
        self.reached.update(self.ended)

    def draw_works(self, data: st.DataObject, at_most: int = 6) -> list[Work]:
        """Draw what one batch is to hold."""
        return [self.requests.draw(data) for _ in range(data.draw(st.integers(1, at_most)))]

    def execute_exactly(self, ledger: Ledger, works: Sequence[Work]) -> None:
        """Execute a batch that nobody disturbs, and expect of each work what the model says."""
        keys = len(self.model.keys)
        outcomes = ledger.execute(works)
        for work, outcome in zip(works, outcomes, strict=True):
            self._expect(work, outcome)
        new = list(self.rows(self.fold.position))
        self.fold.read(new)
        begun = sum(row.version == 1 for row in new)
        assert begun == len(self.model.keys) - keys, "nothing but new keys begins a stream"
        self.check_balances()

    def _expect(self, work: Work, outcome: Outcome) -> None:
        if isinstance(work, DryRun):
            asked = Submission(work.command, work.caller, UUID(int=0), "")
            assert end_of(outcome) == self.model.try_transfer(work.command, asked)
            self.ended["dry run"] += 1
            return
        if isinstance(work, Submission):
            end, repeat = self.model.submit(work)
            assert end_of(outcome) == end
            self.ended[self.class_of(work, end, repeat)] += 1
            if isinstance(outcome, Answer):
                assert outcome.replayed is repeat
                self.keep(work, outcome)
            return
        assert isinstance(outcome, BatchOutcome)
        items = [item for item in work.items if item is not None]
        refused, ends = self.model.submit_all(items)
        assert (outcome.refused, [*map(end_of, outcome.results)]) == (refused, ends)
        self.ended["atomic refused" if refused else "atomic done"] += 1
        self.keep_all(work, outcome)

    def class_of(self, work: Submission, end: End, repeat: bool) -> str:
        """Return what a run is to reach often, of which this end is one."""
        if end == NOT_FOUND and self.requests.wishes.get(work.stream) == "foreign":
            return "foreign"
        return "repeat" if repeat else end[0]

    def keep_all(self, work: AtomicBatch, outcome: BatchOutcome) -> None:
        """Keep the answers of a batch, item by item."""
        for item, result in zip(work.items, outcome.results, strict=True):
            if item is not None and isinstance(result, Answer):
                self.keep(item, result)

    def keep(self, work: Submission, answer: Answer) -> None:
        """Expect for a key the same answer as ever, to the byte."""
        shown = encode(OUTCOMES.answered(answer, "/v1/somewhere")[1])
        first, bytes_shown = self.answers.setdefault(work.stream, (answer, shown))
        assert shown == bytes_shown
        assert (answer.event, answer.position) == (first.event, first.position)
        assert answer.recorded_at == first.recorded_at

    def check_balances(self) -> None:
        """Compare heads, an outsider's fold of the events, and the model, wallet by wallet."""
        names = [WalletId(name) for name in self.model.purses]
        store = self.store()
        heads = store.load(names, [bits(name) for name in names]).wallets
        store.release()
        assert heads.keys() == self.model.purses.keys() == self.fold.wallets.keys()
        for name, purse in self.model.purses.items():
            head, folded = heads[WalletId(name)], self.fold.wallets[name]
            assert head.posted == folded.posted == purse.balance
            assert head.overdraft_limit == folded.limit == purse.limit
            assert head.available == head.posted - head.held
            assert head.version == self.fold.versions[name]
            assert head.closed == purse.closed
            frozen = {"member": head.frozen_by_member, "operate": head.frozen_by_operator}
            assert {side for side, on in frozen.items() if on} == purse.frozen
        assert not any(self.fold.sums.values())


def run(machine: type[LedgerMachine], examples: int, steps: int) -> Counter[str]:
    """Run a machine and return how often each class of ends was reached."""
    machine.reached = Counter()
    run_state_machine_as_test(
        machine, settings=settings(max_examples=examples, stateful_step_count=steps)
    )
    return machine.reached


def check_reach(reached: Counter[str]) -> None:
    """Fail a run whose requests no longer reach a class of ends."""
    total = reached.total()
    shares = {name: reached[name] / total for name in (*OFTEN, *SOMETIMES)}
    assert [name for name in OFTEN if shares[name] < 0.05] == [], shares
    assert [name for name in SOMETIMES if shares[name] < 0.001] == [], shares
