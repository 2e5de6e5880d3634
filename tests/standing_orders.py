"""Schedules over real databases: a scene whose days go by, and workers that may die at any step."""

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, TypeVar

import psycopg

from application.clock import ClockGuard
from application.commands import Answer, Outcome, Work
from application.ledger import Ledger
from application.ports import Appended, Changes, LedgerStore, Loaded
from application.recurrences import next_date
from domain.identifiers import ScheduleId, schedule_id
from domain.instants import Instant, moment
from domain.payment_events import Leg
from domain.schedule_events import Day, ScheduleEvent
from domain.schedules import CreateSchedule, Plan
from domain.wallets import Caller
from infrastructure.ledger_store.opening import suspended_too
from interfaces.workers.schedules_job import Schedules
from tests.books import project, replay
from tests.given import ISO
from tests.scene import ANN, Scene, advance
from tests.written import Written

Result = TypeVar("Result")
RENT = 10


class Died(BaseException):
    """The worker is gone, in the middle of something."""


class Dying:
    """A writer's real store, whose process dies before or after one of its steps."""

    def __init__(self, writer: Written, after: int) -> None:
        """Take the writer, and after how many steps it dies."""
        self._store = writer.store
        self._left = after
        self.steps = 0

    def beginnings(self, streams: Any) -> Any:
        """Read the first events."""
        return self._step(lambda: self._store.beginnings(streams))

    def load(self, wallets: Any, streams: Any, goes_on: Any = ()) -> Loaded:
        """Lock and load."""
        return self._step(lambda: self._store.load(wallets, streams, goes_on))

    def commit(self, changes: Changes) -> Appended:
        """Store."""
        return self._step(lambda: self._store.commit(changes))

    def release(self) -> None:
        """End the transaction."""
        self._store.release()

    def _step(self, call: Callable[[], Result]) -> Result:
        self._live()
        result = call()
        self._live()
        return result

    def _live(self) -> None:
        self.steps += 1
        if self._left == 0:
            # As after a kill, the server ends what the process had begun.
            self._store.close()
            raise Died
        self._left -= 1


@dataclass
class StandingOrders:
    """A scene with schedules, whose time goes ahead by what other processes record."""

    scene: Scene
    today: date

    @property
    def first(self) -> Day:
        """The first of next month, which is no day on which the test runs."""
        return self.month_after(self.today.isoformat())

    @staticmethod
    def month_after(day: str) -> Day:
        """Return the first of the next month."""
        following = date.fromisoformat(day).replace(day=1) + timedelta(days=32)
        return Day(following.replace(day=1).isoformat())

    def leg(self, amount: int) -> Leg:
        """Return a movement from Ann's wallet to the shop."""
        return Leg(self.scene.home, self.scene.shop, amount, "EUR")

    def make(self, by: Caller = ANN, **fields: Any) -> ScheduleId:
        """Make a schedule of ten cents from Ann's wallet to the shop; return its id."""
        writer = self.scene.one
        stream = writer.stream(None)
        plan = Plan(**{"starts_on": self.first, **fields.pop("plan", {})})
        assert next_date(plan, None) is not None
        leg = fields.pop("leg", self.leg(RENT))
        command = CreateSchedule(
            schedule_id=schedule_id(stream), leg=leg, plan=plan, **{"if_missed": "run", **fields}
        )
        assert isinstance(writer.one(writer.submission(command, stream, by)), Answer)
        return schedule_id(stream)

    def go_on_to(self, day: str, time: str = "09:00:00.000000") -> Instant:
        """Let the ledger's time go ahead; return it."""
        at = Instant(f"{day}T{time}Z")
        advance(self.scene.other, at)
        return at

    def worker(self, writer: Written | None = None, store: LedgerStore | None = None) -> Schedules:
        """Return the job as a new process makes it."""
        writer = writer or self.scene.one
        ledger = writer.ledger if store is None else over(store, writer)
        return self.job(ledger.execute)

    def job(self, execute: Callable[[Sequence[Work]], list[Outcome]]) -> Schedules:
        """Return the job over what executes its commands."""
        reports: psycopg.Connection[Any] = self.scene.databases.connect("query", "reports")
        return Schedules(execute, reports, threading.Event())

    def run(self, at: Instant) -> int:
        """Let the read models follow and a new worker do all that is due, until nothing is."""
        ran = 0
        while True:
            project(self.scene.databases)
            done = self.worker().run_once(moment(at))
            if done == 0:
                return ran
            ran += done

    def told(self, schedule: ScheduleId) -> list[str]:
        """Return the types of a schedule's events after its first, with the day they are about."""
        return [
            f"{kind} {getattr(event, 'on', '')[5:]}".strip()
            for kind, event in stored_schedule(self.scene, schedule)[1:]
        ]

    def paid(self) -> int:
        """Return what the shop has, in cents; the books must be right, too."""
        found = self.scene.after().wallets[self.scene.shop].posted
        project(self.scene.databases)
        assert replay(self.scene.databases).findings.kept == []
        return found


def stored_schedule(scene: Scene, schedule: ScheduleId) -> list[tuple[str, ScheduleEvent]]:
    """Return a schedule's events with their types, as they are stored."""
    found = []
    after = scene.after()
    for row in after.rows:
        if str(row.stream_id) == schedule:
            event = after.codec.decode(row.type, row.data)
            assert isinstance(event, ScheduleEvent)
            kind = row.type.removeprefix("schedule.").removesuffix(".v1")
            found.append((kind.removeprefix("occurrence_"), event))
    return found


def over(store: LedgerStore, writer: Written) -> Ledger:
    """Return a ledger over another store than the writer's own."""
    guard = ClockGuard(suspended_too)
    return Ledger(store, guard, digits=ISO.digits, report=writer.faults.append)
