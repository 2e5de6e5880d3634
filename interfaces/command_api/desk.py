"""Between the event loop and the writer's thread: hands work over and outcomes back."""

import asyncio
import os
from collections.abc import Sequence

import structlog
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from application.backlog import Execute
from application.commands import Outcome, Work
from application.writer import Writer

Ticket = asyncio.Future[Outcome]
QUEUE_CAPACITY = 4_000
BROKEN = 70
"""The exit code after a fault in the software itself (EX_SOFTWARE of BSD's sysexits.h)."""


class DeskFigures:
    """The figures of the writers of one process, each with the ledger that it writes."""

    def __init__(self, registry: CollectorRegistry) -> None:
        """Register the figures."""
        self.sizes = Histogram(
            "falconpay_batch_commands",
            "Commands in one batch of the writer.",
            ("ledger",),
            buckets=(1, 2, 5, 10, 25, 50, 100, 250, 1000),
            registry=registry,
        )
        self.seconds = Histogram(
            "falconpay_batch_seconds",
            "Time from locks to COMMIT of one batch.",
            ("ledger",),
            registry=registry,
        )
        self.queued = Gauge(
            "falconpay_queue_commands",
            "Commands that waited for a batch when the last one began.",
            ("ledger",),
            registry=registry,
            multiprocess_mode="livesum",
        )
        self.outcomes = Counter(
            "falconpay_outcomes",
            "What became of commands, by kind.",
            ("kind", "ledger"),
            registry=registry,
        )


class Desk:
    """Where requests wait for their outcomes; to be used from one event loop."""

    def __init__(
        self, execute: Execute, figures: DeskFigures, ledger: str, capacity: int = QUEUE_CAPACITY
    ) -> None:
        """Take what executes a batch of a ledger, its figures, and how many commands may wait."""
        self._loop: asyncio.AbstractEventLoop | None = None
        self._execute = execute
        self._writer: Writer[Ticket] = Writer(
            self._timed, self._deliver, broken=self._end_process, capacity=capacity
        )
        self._ledger = ledger
        self._sizes = figures.sizes.labels(ledger)
        self._seconds = figures.seconds.labels(ledger)
        self._queued = figures.queued.labels(ledger)
        self._outcomes = figures.outcomes

    def start(self) -> None:
        """Begin; to be called in the event loop that will ask."""
        self._loop = asyncio.get_running_loop()
        self._writer.start()

    async def stop(self) -> None:
        """Finish what is queued and return when all of it is answered."""
        await asyncio.to_thread(self._writer.stop)

    async def ready(self) -> str | None:
        """Say what is missing before commands can be taken, or None (a readiness check)."""
        return None if self._writer.alive else "the writer has ended"

    def ask(self, work: Work) -> Ticket:
        """Hand work over; the future has its outcome. Raises `Overloaded` at once when full."""
        assert self._loop is not None, "the desk has been started"
        ticket: Ticket = self._loop.create_future()
        self._writer.submit(work, ticket)
        return ticket

    def _timed(self, works: Sequence[Work]) -> list[Outcome]:
        self._sizes.observe(len(works))
        self._queued.set(self._writer.queued)
        with self._seconds.time():
            return self._execute(works)

    def _deliver(self, pairs: list[tuple[Ticket, Outcome]]) -> None:
        assert self._loop is not None
        self._loop.call_soon_threadsafe(self._resolve, pairs)

    def _end_process(self, fault: BaseException) -> None:
        """End the process at once, for another to begin: without its writer it answers nothing.

        Whoever waits loses the connection, which says what is true: the outcome is not known.
        """
        log = structlog.get_logger("ledger").bind(ledger=self._ledger)
        log.critical("the writer has ended", exc_info=fault)
        os._exit(BROKEN)

    def _resolve(self, pairs: list[tuple[Ticket, Outcome]]) -> None:
        kinds: dict[str, int] = {}
        for ticket, outcome in pairs:
            name = type(outcome).__name__
            kinds[name] = kinds.get(name, 0) + 1
            if not ticket.done():
                ticket.set_result(outcome)
        for name, count in kinds.items():
            self._outcomes.labels(name, self._ledger).inc(count)
