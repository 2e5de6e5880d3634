"""The ledger as those see it who pay on dates or when asked: a clock, a worker, and a model."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from random import Random

from hypothesis import strategies as st
from hypothesis.stateful import initialize, rule

from application.clock import ClockGuard
from application.commands import ClockUnsure, Command, Outcome, Submission, Work
from application.ledger import Ledger
from application.ports import LedgerStore
from domain.occurrences import RunOccurrence
from domain.payment_requests import (
    AcceptPaymentRequest,
    CancelPaymentRequest,
    DeclinePaymentRequest,
    RequestPayment,
)
from domain.recorded import RecordedEvent
from domain.schedules import CreateSchedule, DeleteSchedule, PauseSchedule, ResumeSchedule
from interfaces.workers.due_work import AGAIN_SECONDS
from tests.given import ISO
from tests.property.cast import ANNA, BEN
from tests.property.drawn_orders import Orders
from tests.property.drawn_requests import CHANCES
from tests.property.due_worker import Due, Shown
from tests.property.ledger_machine import LedgerMachine
from tests.property.model_parts import End
from tests.property.sent_orders import accepting, asking, is_due
from tests.simulated_store import SimulatedBook, SimulatedStore

HOUR, DAY = 3_600, 86_400
STEPS = (0, 1, HOUR, HOUR, DAY, DAY, DAY, 2 * DAY, 3 * DAY)
"""How many seconds pass between two batches; it is an hour before a midnight in the beginning."""

STARTS = st.sampled_from(
    [
        datetime(year, month, day, 23, tzinfo=UTC)
        for year, month, day in [
            *((2027, 2, 27), (2028, 2, 27), (2027, 4, 29), (2027, 12, 30), (2028, 1, 29)),
            *((2096, 2, 28), (2100, 2, 27), (2028, 7, 30)),
        ]
    ]
)
"""Before the ends of months of 28 to 31 days, and before a day that some years do not have."""

TURNS = (60, 18, 3, 12, 4)
"""How often something is asked for, so that some of it is stored late, or a request runs out in
between, and how often a worker goes to work, or a clock jumps."""

MOST = (1, 2, 3, 6)
"""How much of what is due a worker gets to see at once."""

JUMPS = (-90_000, -HOUR, -61, -60, 59, 60, 61, HOUR, DAY, 3 * DAY)


class OrderMachine(LedgerMachine):
    """Two writers that take turns on one book, and two workers that use one of them."""

    def __init__(self) -> None:
        super().__init__()
        self.clock = self.monotonic = 0.0
        self.late: list[Work] = []
        self.step = 0
        self.decided: int | None = None
        """When the batch was decided that something comes in between of, in microseconds."""

        self.book = SimulatedBook(clock=lambda: self.clock)
        stores = [SimulatedStore(self.book, between=self.meddle), SimulatedStore(self.book)]
        self.ledgers = [
            Ledger(
                store,
                ClockGuard(lambda: self.monotonic),
                digits=ISO.digits,
                report=_no_fault_is_expected,
                pause=lambda _seconds: None,
            )
            for store in stores
        ]
        self.workers = [Due(self.run_by_worker, lambda: self.monotonic) for _ in range(2)]
        self.views: list[Shown] = [{}]

    def sender(self) -> Orders:
        return Orders(self.model)

    def rows(self, after: int) -> Sequence[RecordedEvent]:
        return self.book.rows[after:]

    def store(self) -> LedgerStore:
        return SimulatedStore(self.book)

    @initialize(chance=CHANCES, start=STARTS)
    def begin(self, chance: Random, start: datetime) -> None:
        self.clock = start.timestamp()
        self.pass_by(0)
        self.set_up(self.ledgers[0], chance)
        # A writer takes the first clock that it sees for the right one.
        self.execute_exactly(self.ledgers[1], [self.requests.open("another", ANNA)])
        self.ended.clear()

    def pass_by(self, seconds: float) -> None:
        """Let time pass for every clock; what is drawn then is drawn for that time."""
        self.clock += seconds
        self.monotonic += seconds
        self.model.book.now = max(self.model.book.now, round(self.clock * 1_000_000))

    def meddle(self) -> None:
        """Between locks and COMMIT: time passes, and another writer stores something."""
        self.clock, self.monotonic = self.clock + self.step, self.monotonic + self.step
        self.step = 0
        works, self.late = self.late, []
        if works:
            self.execute_unchecked(self.ledgers[1], works)

    @rule(data=st.data())
    def take_turns(self, data: st.DataObject) -> None:
        """Let somebody do something; Hypothesis has its favourites, here each has their turns."""
        chance = self.requests.chance
        self.pass_by(chance.choice(STEPS))
        match chance.choices(["execute", "cut in", "run out", "work", "jump"], TURNS)[0]:
            case "execute":
                self.execute_exactly(chance.choice(self.ledgers), self.draw_works(data))
            case "cut in":
                self.interrupted(self.draw_works(data), chance.choice([1, HOUR, HOUR, DAY]))
            case "run out":
                kind = chance.choice(["accept", "decline", "cancel"])
                self.run_out_in_between(kind, chance.choice([4, 5]))
            case "work":
                self.work(chance)
            case _:
                self.jump(data, chance.choice(JUMPS), returns=chance.random() < 0.5)

    def run_out_in_between(self, kind: str, step: int) -> None:
        """Let a request run out, or nearly, between the locks of what would end it and COMMIT."""
        asked = asking(self.requests, BEN, "shop", 1, None, 5)
        self.execute_exactly(self.ledgers[1], [asked])
        assert isinstance(asked.command, RequestPayment)
        name = asked.command.payment_request_id
        match kind:
            case "accept":
                work = accepting(self.requests, ANNA, name, "rich")
            case "decline":
                work = self.requests.submit(ANNA, DeclinePaymentRequest(name))
            case _:
                work = self.requests.submit(BEN, CancelPaymentRequest(name))
        self.interrupted([work], step)

    def interrupted(self, works: Sequence[Work], step: int) -> None:
        """Execute a batch while time passes and another writer stores something in between."""
        self.step, self.late = step, [self.requests.open(f"late {len(self.book.rows)}", ANNA)]
        # The model hears when something was recorded, not when it was decided.
        self.pass_by(0)
        self.decided, self.comparison.slack = self.model.book.now, step * 1_000_000
        self.execute_exactly(self.ledgers[0], works)
        self.decided, self.comparison.slack = None, 0
        self.meddle()

    def work(self, chance: Random) -> None:
        """Let one of two workers do what a read model that may lag shows to be due by its clock."""
        self.views.append(self.due())
        worker = chance.choice(self.workers)
        worker.shown, worker.most = (
            self.views[-chance.choice([1, 1, 2, 3]) :][0],
            chance.choice(MOST),
        )
        worker.run_once(self.here() + timedelta(days=chance.choice([-1, 0, 0, 1])))

    def jump(self, data: st.DataObject, by: int, *, returns: bool) -> None:
        """Let the database's clock jump: nothing is decided until it is trusted again."""
        works = self.draw_works(data, 1)
        self.clock += by
        if abs(by) > 60:
            self.turned_away(works)
            if returns:
                self.clock -= by
            else:
                self.pass_by(59)
                self.turned_away(works)
                self.pass_by(1)
        self.execute_exactly(self.ledgers[0], works)
        self.execute_exactly(self.ledgers[1], self.draw_works(data, 1))

    def turned_away(self, works: Sequence[Work]) -> None:
        """Expect that no writer decides anything."""
        for ledger in self.ledgers:
            assert all(isinstance(each, ClockUnsure) for each in ledger.execute(works))
        assert len(self.book.rows) == self.fold.position
        self.ended["clock-unsure"] += 1

    def due(self) -> Shown:
        """Return what a read model shows that has followed."""
        found = {name: each.due for name, each in self.fold.schedules.items()}
        return {name: due for name, due in found.items() if due is not None}

    def here(self) -> datetime:
        """Return what the machine's clock shows."""
        return datetime.fromtimestamp(self.clock, UTC)

    def run_by_worker(self, works: Sequence[Work]) -> list[Outcome]:
        return self.execute_exactly(self.ledgers[1], works)

    def class_of(self, work: Submission, end: End, repeat: bool) -> str:
        """Tell what came of a date, and how a request had ended."""
        found, command = super().class_of(work, end, repeat), work.command
        if found == "done" and isinstance(command, RunOccurrence):
            return self.model.book.plans[command.schedule_id].told
        if found == "role-missing":
            return f"{found}: {_KINDS.get(type(command), 'other')}"
        if found == "request-closed":
            name = command.payment_request_id  # type: ignore[union-attr]  # only these end so
            return f"closed: {self.model.book.askings[name].ended_by or 'expired'}"
        return found

    def teardown(self) -> None:
        """Let the worker catch up: nothing that is due may be left, and it comes to an end."""
        super().teardown()
        if self.fold.position < len(self.book.rows):
            return
        # A clock that went back has first to come to where the ledger's time stands still.
        self.pass_by(max(0.0, self.model.book.now / 1_000_000 - self.clock))
        while self.catch_up():
            pass
        plans = self.model.book.plans.values()
        assert not [each for each in plans if is_due(self.requests, each)], "left undone"

    def catch_up(self) -> int:
        self.pass_by(AGAIN_SECONDS)
        worker = self.workers[0]
        worker.shown, worker.most = self.due(), None
        return worker.run_once(self.here())


_KINDS: dict[type[Command], str] = {
    **dict.fromkeys((RequestPayment, AcceptPaymentRequest, CancelPaymentRequest), "request"),
    **dict.fromkeys((CreateSchedule, PauseSchedule, ResumeSchedule, DeleteSchedule), "schedule"),
}
"""What a command is on, where its giver may lack a role that other commands ask for, too."""


def _no_fault_is_expected(fault: Exception) -> None:
    raise AssertionError("a command ended as a defect") from fault
