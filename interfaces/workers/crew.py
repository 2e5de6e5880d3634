"""The roles of every ledger in one process: each in a thread of its own, none waits for another."""

import contextlib
import threading
from collections.abc import Callable, Sequence

import psycopg
import structlog
from prometheus_client import CollectorRegistry, Gauge

from interfaces.workers.health import WorkerCheck
from interfaces.workers.role import DIVERGED, LONGEST_PAUSE_SECONDS, Role, keep_working

PAUSE_SECONDS = 0.7
"""How long a new ledger may go unseen."""

Engage = Callable[[str], Role]
"""Makes a role for a ledger; nothing connects yet."""

_LOG = structlog.get_logger("worker")


class Crew:
    """Threads by ledger and role; to be looked after by one thread."""

    def __init__(
        self,
        first: str,
        engages: Sequence[Engage],
        stop: threading.Event,
        registry: CollectorRegistry,
        rest_seconds: float = LONGEST_PAUSE_SECONDS,
    ) -> None:
        """Take the ledger that decides whether the process is ready, and what makes the roles.

        A role whose invariant is broken rests for so long, where it is not the only ledger's.
        """
        self._first = first
        self._engages = engages
        self._stop = stop
        self._rest = rest_seconds
        self._roles: dict[str, list[Role]] = {}
        self._threads: list[threading.Thread] = []
        self._works = Gauge(
            "falconpay_role_working",
            "Whether the role works for the ledger, or waits for something.",
            ["role", "ledger"],
            registry=registry,
        )
        self.checks: dict[str, WorkerCheck] = {}
        self.broken = False

    def engage(self, ledgers: Sequence[str]) -> None:
        """Begin to work for the ledgers that are new."""
        for ledger in ledgers:
            if ledger not in self._roles:
                self._roles[ledger] = [engage(ledger) for engage in self._engages]
                for role in self._roles[ledger]:
                    self._begin(role, ledger)

    def look(self, names: Callable[[], Sequence[str]]) -> None:
        """Engage what is new, unless the database is away, and say which roles work."""
        # While the database is away, the roles themselves say so.
        with contextlib.suppress(psycopg.Error):
            self.engage(names())
        for ledger, roles in self._roles.items():
            for role in roles:
                self._works.labels(role.name, ledger).set(role.condition.reason is None)

    def join(self) -> None:
        """Return when every thread has ended."""
        for thread in self._threads:
            while thread.is_alive():
                thread.join(0.2)

    def _begin(self, role: Role, ledger: str) -> None:
        if ledger == self._first:
            self.checks[role.name] = role.condition.check
        else:
            self.checks[f"{role.name} of {ledger}"] = lambda: _for_a_person(role)
        thread = threading.Thread(
            target=self._work, args=(role, ledger), name=f"{role.name}-{ledger}"
        )
        self._threads.append(thread)
        thread.start()

    def _work(self, role: Role, ledger: str) -> None:
        structlog.contextvars.bind_contextvars(ledger=ledger)
        while not self._stop.is_set():
            try:
                keep_working(role, self._stop)
            except BaseException as fault:  # noqa: BLE001 (whatever comes here ends the work)
                _LOG.critical("invariant-broken", role=role.name, exc_info=fault)
                if len(self._roles) == 1:
                    self.broken = True
                    self._stop.set()
                    return
                # The process serves other ledgers too, so what a new process would do after a
                # pause is done in this one: everything of the role is made anew.
                role.condition.reason = "an invariant is broken; the log tells more"
                self._stop.wait(self._rest)


def _for_a_person(role: Role) -> str | None:
    """Return what one of several ledgers waits for, when only a person can mend it.

    Anything else must not keep the other ledgers from being ready.
    """
    reason = role.condition.reason
    return reason if reason is not None and reason.startswith(DIVERGED) else None
