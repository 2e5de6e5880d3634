"""Watches what a ledger does with one batch, by what the world did to it meanwhile."""

from collections import Counter
from collections.abc import Callable, Sequence

from application.commands import Answer, ClockUnsure, Defect, Outcome, Unanswered, Work
from application.ports import OutcomeUnknown, StoreUnavailable
from tests.simulation.requests import commands
from tests.simulation.scheduler import Scheduler
from tests.simulation.server import Connection, Poisoned, Server

PATIENCE_SECONDS = 5.0
"""What waits longer is dropped undone."""

LEDGER_SECONDS = 4.0
"""After that the ledger does not try again, whatever has failed."""

LONGEST_SECONDS = 12.0
"""A batch takes no longer, since one try has its own time-outs."""

UNSURE_STEP, UNSURE_SECONDS = 60.0, 60.0
TRIES = 2
TROUBLE = (
    "away", "conflict", "lost before", "lost after", "in flight", "lock time-out",
    "idle too long", "server crash", "clock step",
)  # fmt: skip


class Watcher:
    """The eyes on one process."""

    def __init__(self, server: Server, connection: Connection, name: str) -> None:
        """Take where it writes, and its name for the trace."""
        self._server = server
        self._connection = connection
        self._scheduler: Scheduler = server.scheduler
        self._name = name
        self._trusted: float | None = None
        self.paused = False

    def report(self, fault: Exception) -> None:
        """Take the exception that ends a command as a defect; only poison may do that."""
        if isinstance(fault, StoreUnavailable | OutcomeUnknown):
            return
        self._scheduler.counts["poisoned"] += 1
        self._scheduler.expect(isinstance(fault, Poisoned), f"{self._name}: {fault!r}")

    def watched(
        self, execute: Callable[[Sequence[Work]], list[Outcome]], works: Sequence[Work]
    ) -> list[Outcome]:
        """Execute a batch and note what must not have been."""
        scheduler, server = self._scheduler, self._server
        before, begun, stored = Counter(scheduler.counts), scheduler.now, len(server.book.rows)
        offset, self.paused = server.clock_offset, False
        outcomes = execute(works)
        trouble = [what for what in TROUBLE if scheduler.counts[what] > before[what]]
        expect, name = scheduler.expect, self._name
        expect(self._connection.idle, f"{name}: locks are kept after a batch")
        taken = scheduler.now - begun
        expect(self.paused or taken < LONGEST_SECONDS, f"{name}: a batch took {taken:.0f} s")
        if not trouble and taken < LEDGER_SECONDS:
            for work, outcome in zip(works, outcomes, strict=True):
                expect(self._sound(work, outcome), f"{name}: {outcome!r} without any trouble")
        if self._unsure and offset == server.clock_offset:
            fresh = sum(isinstance(o, Answer) and o.position > stored for o in outcomes)
            expect(not fresh, f"{name}: {fresh} decided by a clock that has jumped")
        elif offset == server.clock_offset and any(not isinstance(o, Unanswered) for o in outcomes):
            self._trusted = offset
        self._count(works, outcomes, before)
        return outcomes

    def _sound(self, work: Work, outcome: Outcome) -> bool:
        """Whether an outcome is as it should be when nothing disturbed the batch."""
        if not self._server.poison.isdisjoint(item.stream for item in commands(work)):
            return True
        if isinstance(outcome, ClockUnsure):
            return self._server.steps_ahead
        return not isinstance(outcome, Unanswered | Defect)

    @property
    def _unsure(self) -> bool:
        """Whether the clock is another one than before, and has not kept its pace for long."""
        server, moved = self._server, 0.0
        if self._trusted is not None:
            moved = abs(server.clock_offset - self._trusted)
        lately = self._scheduler.now - server.stepped_at < UNSURE_SECONDS - 1
        return moved > UNSURE_STEP + 1 and lately

    def _count(
        self, works: Sequence[Work], outcomes: Sequence[Outcome], before: Counter[str]
    ) -> None:
        counts = self._scheduler.counts
        if len(works) > 1 and counts["conflict"] - before["conflict"] >= TRIES:
            counts["bisected"] += 1
        streams = Counter(answer.stream for answer in outcomes if isinstance(answer, Answer))
        counts["replayed in its batch"] += sum(times - 1 for times in streams.values())
        for answer in outcomes:
            if not isinstance(answer, Answer):
                continue
            if answer.replayed:
                elsewhere = self._server.stored_by.get(answer.stream) != self._name
                counts["replayed at another process"] += elsewhere
            elif answer.stream in self._server.untold:
                counts["found after a lost COMMIT"] += 1
