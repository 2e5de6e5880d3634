"""The role `payments`: does what falls due in a ledger without anybody asking for it."""

import threading
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

import psycopg
import structlog
from prometheus_client import CollectorRegistry, Counter

from application.backlog import Execute
from application.clock import ClockGuard
from application.commands import Outcome, Unanswered, Work
from application.ledger import Ledger
from domain.money import Currencies
from infrastructure.databases.logins import Database, Login, conninfo
from infrastructure.databases.migrate import check
from infrastructure.event_log.currencies import stored_currencies
from infrastructure.ledger_store.opening import open_ledger, suspended_too
from infrastructure.ledger_store.store import PostgresLedgerStore
from infrastructure.operation_notes import Notes
from infrastructure.secrets import Secrets
from infrastructure.settings import Settings
from interfaces.workers.expiring import ExpiringPayments
from interfaces.workers.operations_job import Operations
from interfaces.workers.role import Condition
from interfaces.workers.schedules_job import Schedules

PAUSE_SECONDS = 1.0
"""Between two rounds: what is due waits for so long, and for the read model, at most."""

CLOCK = "SELECT clock_timestamp()"

_LOG = structlog.get_logger("payments")


class Job(Protocol):
    """Something that falls due in one ledger; made anew whenever a database was away.

    A worker may end between any two of its steps and another may work beside it, so the commands
    that it gives are derived from what they react to.
    """

    name: str

    def run_once(self, now: datetime) -> int:
        """Do what is due at `now`, in bounded time; return how much this worker has done."""
        ...


@dataclass(frozen=True, slots=True)
class Workplace:
    """What a job of one ledger is given to work with.

    `notes` are what operators have done, to be recorded.
    `execute` raises `Unanswered` instead of returning it. `reports` may only read, each statement
    a transaction of its own. After `stop` no other batch is begun.
    """

    ledger: str
    currencies: Currencies
    execute: Execute
    reports: psycopg.Connection[Any]
    stop: threading.Event
    notes: Notes


JOBS: Sequence[Callable[[Workplace], Job]] = (
    lambda place: ExpiringPayments(place.execute, place.reports, place.stop),
    lambda place: Schedules(place.execute, place.reports, place.stop),
    lambda place: Operations(place.execute, place.notes, place.ledger),
)
"""Makes the jobs of a ledger; each round does all of them in this order."""


class PaymentsFigures:
    """The figures of the payment workers of one process, each with its ledger."""

    def __init__(self, registry: CollectorRegistry) -> None:
        """Register the figures."""
        labels = ["job", "ledger"]
        self.done = Counter(
            "falconpay_payments_done", "What this process has done.", labels, registry=registry
        )
        self.rounds = Counter(
            "falconpay_payments_rounds", "Rounds of all jobs.", ["ledger"], registry=registry
        )


class Payments:
    """Does the jobs of one ledger, round after round; several may do so side by side."""

    name = "payments"

    def __init__(
        self,
        settings: Settings,
        secrets: Secrets,
        figures: PaymentsFigures,
        jobs: Sequence[Callable[[Workplace], Job]] = JOBS,
    ) -> None:
        """Take where everything is and where its figures go; nothing is connected yet."""
        self._settings = settings
        self._secrets = secrets
        self._figures = figures
        self._jobs = jobs
        self.condition = Condition()
        # Both remember the database's clock, so they outlive whatever was away.
        self._clock = ClockGuard(suspended_too)
        self._opened: tuple[Ledger, PostgresLedgerStore, Currencies] | None = None

    def attempt(self, stop: threading.Event) -> None:
        """Do round after round until `stop`; raises whatever is away or wrong."""
        with closing(self._connect("query", "reports")) as reports:
            ledger, store, currencies = self._open()

            def execute(works: Sequence[Work]) -> list[Outcome]:
                outcomes = ledger.execute(works)
                for outcome in outcomes:
                    if isinstance(outcome, Unanswered):
                        raise outcome
                return outcomes

            notes = Notes(self._settings)
            place = Workplace(self._settings.ledger, currencies, execute, reports, stop, notes)
            jobs = [make(place) for make in self._jobs]
            with closing(store):
                while not stop.is_set():
                    self._round(jobs, reports)
                    self.condition.reason = None
                    stop.wait(PAUSE_SECONDS)

    def _round(self, jobs: Sequence[Job], reports: psycopg.Connection[Any]) -> None:
        ((now,),) = reports.execute(CLOCK).fetchall()
        # A clock that has jumped ahead would make everything due.
        self._clock.check(now.timestamp())
        for job in jobs:
            done = job.run_once(now)
            self._figures.done.labels(job.name, self._settings.ledger).inc(done)
        self._figures.rounds.labels(self._settings.ledger).inc()

    def _connect(self, login: Login, database: Database) -> psycopg.Connection[Any]:
        where = conninfo(self._settings, self._secrets, login, database, application=self.name)
        connection = psycopg.connect(where, autocommit=True)
        try:
            check(connection, self._settings, database)
        except BaseException:
            connection.close()
            raise
        return connection

    def _open(self) -> tuple[Ledger, PostgresLedgerStore, Currencies]:
        """Return the ledger, as it was opened first; it connects again by itself."""
        with closing(self._connect("command", "ledger")) as connection:
            currencies = stored_currencies(connection)
        if self._opened is None:
            ledger, store = open_ledger(
                self._settings, self._secrets, currencies, self._report, application=self.name
            )
            self._opened = ledger, store, currencies
        return self._opened

    def _report(self, fault: Exception) -> None:
        _LOG.error("a command failed", ledger=self._settings.ledger, exc_info=fault)
