"""A command process in the simulated world: the real queue and the real ledger, and its deaths."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from application.backlog import Backlog, serve
from application.clock import ClockGuard
from application.commands import AtomicBatch, Outcome, Overloaded, Work
from application.ledger import Ledger
from tests.given import ISO
from tests.simulation.scheduler import Fiber, Scheduler
from tests.simulation.server import Connection, Server
from tests.simulation.watcher import PATIENCE_SECONDS, Watcher

Reply = Callable[[Outcome], None]


@dataclass(frozen=True)
class Size:
    """How much a process takes at once; small ones are full sooner."""

    capacity: int = 4000
    batch: int = 250


class Process:
    """One command process, which can be killed, drained, started again, and paused."""

    def __init__(self, server: Server, name: str, size: Size) -> None:
        """Start it."""
        self.name = name
        self._server = server
        self._scheduler: Scheduler = server.scheduler
        self._size = size
        self.alive = False
        self.start()

    def start(self) -> None:
        """Begin with an empty memory; does nothing while it lives."""
        if self.alive:
            return
        self.alive = True
        self._paused_until = 0.0
        self._asleep = False
        self._draining = False
        self._delivered = 0
        self._backlog: Backlog[Reply] = Backlog(
            capacity=self._size.capacity,
            batch=self._size.batch,
            patience_seconds=PATIENCE_SECONDS,
        )
        self._waiting: dict[Reply, tuple[float, int]] = {}
        self._connection = Connection(self._server, self.name)
        self._watcher = Watcher(self._server, self._connection, self.name)
        self._ledger = Ledger(
            self._connection,
            ClockGuard(self._monotonic),
            digits=ISO.digits,
            report=self._watcher.report,
            monotonic=self._monotonic,
            pause=self._pause,
        )
        self.life = object()
        self._fiber = Fiber(self._scheduler, self._write)

    def kill(self) -> None:
        """Lose everything that is not in the database."""
        if self.alive:
            self._scheduler.note(self.name, "is killed")
            self._scheduler.counts["kill"] += 1
            self.end()

    def end(self) -> None:
        """End whatever is left of it."""
        if self.alive:
            self.alive = False
            self._connection.abandon()
            self._fiber.kill()

    def pause(self, seconds: float) -> None:
        """Stand still, as after SIGSTOP, and go on as if nothing had been."""
        if self.alive:
            self._scheduler.note(self.name, f"is paused for {seconds:.1f} s")
            self._scheduler.counts["pause"] += 1
            self._paused_until = self._scheduler.now + seconds
            self._fiber.paused_until = self._paused_until
            self._watcher.paused = True

    def receive(self, work: Work, reply: Reply) -> None:
        """Take a request that has come over the network; a dead process answers nothing."""
        if not self.alive:
            return
        late = self._paused_until - self._scheduler.now
        if late > 0:
            self._scheduler.after(late, lambda: self.receive(work, reply))
            return
        weight = len(work.items) if isinstance(work, AtomicBatch) else 1
        queued = weight + sum(waiting for _, waiting in self._waiting.values())
        full = queued > self._size.capacity
        try:
            self._backlog.add(work, reply, self._scheduler.now)
        except Overloaded as refused:
            self._scheduler.counts["queue full"] += full
            self._scheduler.expect(full or self._draining, f"{self.name}: refuses with {queued}")
            reply(refused)
            return
        self._scheduler.expect(not full, f"{self.name}: {queued} wait")
        self._waiting[reply] = (self._scheduler.now, weight)
        self._wake()

    def drain(self) -> None:
        """Take nothing more and finish what waits, as after SIGTERM."""
        if self.alive:
            self._scheduler.note(self.name, f"drains, {len(self._waiting)} wait")
            if self._waiting:
                self._scheduler.counts["drained with work"] += 1
            self._draining = True
            self._backlog.close()
            self._wake()

    @property
    def drained(self) -> bool:
        """Whether nothing is left to do."""
        return not self.alive or (self._fiber.done and not self._waiting)

    def _wake(self) -> None:
        if self._asleep:
            self._asleep = False
            self._fiber.wake_after(self._scheduler.moment())

    def _write(self) -> None:
        while True:
            while self._backlog.idle:
                self._asleep = True
                fiber = self._scheduler.current
                assert fiber is not None
                fiber.rest()
            taken = self._backlog.take()
            if not taken:
                return
            self._scheduler.note(self.name, f"takes {len(taken)}")
            arrivals = [self._waiting.pop(waiting.ticket)[0] for waiting in taken]
            now, self._delivered = self._scheduler.now, 0
            fresh = sum(now - arrived <= PATIENCE_SECONDS for arrived in arrivals)

            def execute(works: Sequence[Work], fresh: int = fresh) -> list[Outcome]:
                self._scheduler.expect(len(works) <= fresh, f"{self.name}: late work was done")
                return self._watcher.watched(self._ledger.execute, works)

            serve(taken, now, execute, self._deliver)
            left = len(taken) - self._delivered
            self._scheduler.expect(left == 0, f"{self.name}: {left} have no outcome")

    def _deliver(self, pairs: list[tuple[Reply, Outcome]]) -> None:
        """Hand outcomes to the event loop, a moment later, if the process lives until then."""
        life = self.life
        self._delivered += len(pairs)
        if any(isinstance(outcome, Overloaded) for _, outcome in pairs):
            self._scheduler.counts["dropped late"] += 1

        def tell() -> None:
            if self.alive and self.life is life:
                for reply, outcome in pairs:
                    reply(outcome)

        self._scheduler.soon(tell)

    def _monotonic(self) -> float:
        return self._scheduler.now

    def _pause(self, seconds: float) -> None:
        fiber = self._scheduler.current
        assert fiber is not None
        fiber.sleep(seconds)
