"""The whole ledger as a state machine beside its model, over whatever store it is given."""

from collections import Counter
from collections.abc import Sequence
from random import Random
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
    Outcome,
    Submission,
    Work,
)
from application.ledger import Ledger
from application.ports import LedgerStore
from domain.money import Currencies
from domain.occurrences import RunOccurrence
from domain.recorded import RecordedEvent
from interfaces.command_api.answers import encode
from interfaces.command_api.outcomes import Outcomes
from tests.property.comparison import Comparison
from tests.property.drawn_requests import Requests
from tests.property.ends import end_of
from tests.property.fold import Fold
from tests.property.model import Model
from tests.property.model_parts import NOT_FOUND, End, microseconds

OUTCOMES = Outcomes(Currencies({}))


class LedgerMachine(RuleBasedStateMachine):
    """What all machines share: what is sent, what is expected, and what must hold after it."""

    reached: ClassVar[Counter[str]]
    patient: ClassVar[bool] = False
    """Whether nothing that is held runs out, since the clock is not the machine's own."""

    def __init__(self) -> None:
        super().__init__()
        self.model = Model()
        self.requests = self.sender()
        # What is drawn hangs on what has been reached.
        self.ended: Counter[str] = self.requests.dealer.reached
        self.fold = Fold()
        self.comparison = Comparison(self.model, self.fold)
        self.answers: dict[UUID, tuple[Answer, bytes]] = {}

    def sender(self) -> Requests:
        """Return what draws requests for the model."""
        return Requests(self.model, patient=self.patient)

    def rows(self, after: int) -> Sequence[RecordedEvent]:
        """Return what is stored behind a position."""
        raise NotImplementedError

    def store(self) -> LedgerStore:
        """Return a store that fails at nothing, to look in."""
        raise NotImplementedError

    def time(self, new: Sequence[RecordedEvent]) -> int:
        """Return when a batch was decided, in microseconds: all that it stored is of one time."""
        if new:
            return microseconds(new[-1].recorded_at)
        store = self.store()
        decided_at = store.load((), ()).decided_at
        store.release()
        return microseconds(decided_at)

    def set_up(self, ledger: Ledger, chance: Random) -> None:
        """Make the wallets; how that ends is nothing that was drawn, so it is not counted."""
        self.requests.chance = chance
        self.execute_exactly(ledger, self.requests.setting())
        self.execute_exactly(ledger, self.requests.endings())
        self.ended.clear()

    def teardown(self) -> None:
        """Add up what was reached."""
        self.reached.update(self.ended)

    def draw_works(self, data: st.DataObject, at_most: int = 6) -> list[Work]:
        """Draw what one batch is to hold."""
        return [self.requests.draw(data) for _ in range(data.draw(st.integers(1, at_most)))]

    def execute_exactly(self, ledger: Ledger, works: Sequence[Work]) -> list[Outcome]:
        """Execute a batch that nobody disturbs, and expect of each work what the model says."""
        outcomes = self.execute_unchecked(ledger, works)
        self.check_balances()
        return outcomes

    def execute_unchecked(self, ledger: Ledger, works: Sequence[Work]) -> list[Outcome]:
        """Do so without a look at the store, which may be under somebody's locks."""
        outcomes = ledger.execute(works)
        new = list(self.rows(self.fold.position))
        self.model.book.now = self.time(new)
        for work, outcome in zip(works, outcomes, strict=True):
            self._expect(work, outcome)
        self.comparison.read(new)
        assert self.fold.keys == len(self.model.keys), "nothing but new keys has an answer"
        return outcomes

    def _expect(self, work: Work, outcome: Outcome) -> None:
        if isinstance(work, DryRun):
            assert end_of(outcome) == self.model.try_payment(work.command, work.caller)
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
        # The answer to an occurrence goes to a worker, not to anybody's screen.
        asked = not isinstance(work.command, RunOccurrence)
        shown = encode(OUTCOMES.answered(answer, "/v1/somewhere")[1]) if asked else b""
        first, bytes_shown = self.answers.setdefault(work.stream, (answer, shown))
        assert shown == bytes_shown
        assert (answer.event, answer.position) == (first.event, first.position)
        assert answer.recorded_at == first.recorded_at

    def check_balances(self) -> None:
        """Compare heads, payments, an outsider's fold of the events, and the model."""
        self.comparison.check(self.store())


def run(
    machine: type[LedgerMachine], examples: int, steps: int, *, backend: str = "hypothesis"
) -> Counter[str]:
    """Run a machine and return how often each class of ends was reached."""
    machine.reached = Counter()
    chosen = settings(max_examples=examples, stateful_step_count=steps, backend=backend)
    run_state_machine_as_test(machine, settings=chosen)
    return machine.reached
