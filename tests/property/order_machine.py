"""The ledger as those see it who pay on dates or when asked: a clock, a worker, and a model."""

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any, cast

import psycopg
from hypothesis import strategies as st
from hypothesis.stateful import initialize, rule

from application.clock import ClockGuard
from application.commands import Answer, ClockUnsure, Outcome, Submission, Work
from application.ledger import Ledger
from application.occurrences import run_of
from application.ports import LedgerStore
from domain.identifiers import ScheduleId
from domain.occurrences import RunOccurrence
from domain.payment_events import PaymentDeclined
from domain.payment_requests import AcceptPaymentRequest
from domain.recorded import RecordedEvent
from domain.schedule_events import Day
from interfaces.workers.due_work import AGAIN_SECONDS, DueWork
from tests.given import ISO
from tests.property.cast import ANNA
from tests.property.drawn_orders import Orders
from tests.property.drawn_requests import CHANCES
from tests.property.ledger_machine import LedgerMachine
from tests.property.model_parts import DAY as MIDNIGHTS
from tests.property.model_parts import End
from tests.property.sent_orders import is_due
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

JUMPS = (*(0,) * 12, -90_000, -HOUR, -61, -60, 59, 60, 61, HOUR, DAY, 3 * DAY)
Shown = Mapping[str, tuple[str, str, int]]
"""What a read model shows of the schedules: the day that each is due on, its date, and the try."""


class Due(DueWork):
    """The worker's job over a read model in memory, which may lag."""

    name = "schedules of a model"

    def __init__(
        self, execute: Callable[[Sequence[Work]], list[Outcome]], monotonic: Callable[[], float]
    ) -> None:
        # Its read model is in memory, so that there is nothing to connect to.
        nowhere = cast("psycopg.Connection[Any]", None)
        super().__init__(execute, nowhere, threading.Event(), monotonic)
        self.shown: Shown = {}
        self.most: int | None = None

    def pages(
        self, reports: psycopg.Connection[Any], now: datetime
    ) -> Iterator[Sequence[Submission]]:
        today = now.date().isoformat()
        due = sorted(self.shown.items(), key=lambda each: each[1])
        yield [
            run_of(ScheduleId(name), Day(on), attempt)
            for name, (day, on, attempt) in due
            if day <= today
        ][: self.most]


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

    @rule(data=st.data(), writer=st.integers(0, 1), later=st.sampled_from(STEPS))
    def execute(self, data: st.DataObject, writer: int, later: int) -> None:
        self.pass_by(later)
        self.execute_exactly(self.ledgers[writer], self.draw_works(data))

    @rule(data=st.data(), step=st.sampled_from([1, HOUR, HOUR, DAY]))
    def cut_in(self, data: st.DataObject, step: int) -> None:
        """Let a batch be decided before the end of a day, or of a request, and stored after it."""
        works = self.draw_works(data)
        self.step, self.late = step, [self.requests.open(f"late {len(self.book.rows)}", ANNA)]
        # The model hears when something was recorded, not when it was decided.
        self.pass_by(0)
        self.decided, self.comparison.slack = self.model.book.now, step * 1_000_000
        self.execute_exactly(self.ledgers[0], works)
        self.decided, self.comparison.slack = None, 0
        self.meddle()

    @rule(
        later=st.sampled_from(STEPS),
        which=st.integers(0, 1),
        lag=st.sampled_from([1, 1, 2, 3]),
        off=st.integers(-1, 1),
        most=st.integers(1, 6),
    )
    def work(self, later: int, which: int, lag: int, off: int, most: int) -> None:
        """Let one of two workers do what a read model that may lag shows to be due by its clock."""
        self.pass_by(later)
        self.views.append(self.due())
        worker = self.workers[which]
        worker.shown, worker.most = self.views[-lag:][0], most
        worker.run_once(self.here() + timedelta(days=off))

    @rule(data=st.data(), by=st.sampled_from(JUMPS), returns=st.booleans())
    def jump(self, data: st.DataObject, by: int, returns: bool) -> None:
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

    def _expect(self, work: Work, outcome: Outcome) -> None:
        book = self.model.book
        recorded = book.now
        if self.decided is not None and self._left_open(work, outcome):
            # Why an open request was not paid is on record as it was decided, though the request
            # may have run out before the record: nothing has come of it.
            book.now = self.decided
        super()._expect(work, outcome)
        book.now = recorded

    def _left_open(self, work: Work, outcome: Outcome) -> bool:
        """Whether a payment was refused on the day of its record, but not for the request's end."""
        assert self.decided is not None
        return (
            isinstance(work, Submission)
            and isinstance(work.command, AcceptPaymentRequest)
            and isinstance(outcome, Answer)
            and isinstance(outcome.event, PaymentDeclined)
            and outcome.event.code != "request-closed"
            and self.decided // MIDNIGHTS == self.model.book.now // MIDNIGHTS
        )

    def run_by_worker(self, works: Sequence[Work]) -> list[Outcome]:
        return self.execute_exactly(self.ledgers[1], works)

    def class_of(self, work: Submission, end: End, repeat: bool) -> str:
        """Tell what came of a date, and how a request had ended."""
        found, command = super().class_of(work, end, repeat), work.command
        if found == "done" and isinstance(command, RunOccurrence):
            return self.model.book.plans[command.schedule_id].told
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


def _no_fault_is_expected(fault: Exception) -> None:
    raise AssertionError("a command ended as a defect") from fault
