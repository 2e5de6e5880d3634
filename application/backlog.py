"""Work that waits for its batch: in order of arrival, within bounds, each with a deadline."""

from collections import deque
from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

from application.commands import AtomicBatch, Outcome, Overloaded, Work
from domain.values import dataclass

Ticket = TypeVar("Ticket")
"""Whatever the asker wants to find their outcome by, such as a future."""

Execute = Callable[[Sequence[Work]], list[Outcome]]


@dataclass(frozen=True, slots=True)
class Waiting(Generic[Ticket]):
    """Work with its ticket; `weight` counts commands, `deadline` is of the monotonic clock."""

    ticket: Ticket
    work: Work
    weight: int
    deadline: float


class Backlog(Generic[Ticket]):
    """What has been submitted and is in no batch yet; not safe against threads by itself.

    `capacity` and `batch` count commands, an atomic batch by its items.
    """

    def __init__(self, *, capacity: int, batch: int, patience_seconds: float) -> None:
        """Take how much may wait, how much is a batch, and how long anything waits at most."""
        self._capacity = capacity
        self._batch = batch
        self._patience = patience_seconds
        self._queue: deque[Waiting[Ticket]] = deque()
        self._weight = 0
        self._closed = False

    @property
    def weight(self) -> int:
        """How many commands wait now."""
        return self._weight

    @property
    def idle(self) -> bool:
        """Whether nothing waits, but something may come."""
        return not self._queue and not self._closed

    def add(self, work: Work, ticket: Ticket, now: float) -> None:
        """Queue work; raise `Overloaded` when that is too much, or after `close`."""
        weight = len(work.items) if isinstance(work, AtomicBatch) else 1
        if self._closed or self._weight + weight > self._capacity:
            raise Overloaded
        self._queue.append(Waiting(ticket, work, weight, now + self._patience))
        self._weight += weight

    def close(self) -> None:
        """Take nothing more; what waits still gets its batch."""
        self._closed = True

    def take(self) -> list[Waiting[Ticket]]:
        """Return the next batch, none when nothing waits; at least one piece of work whole."""
        taken: list[Waiting[Ticket]] = []
        weight = 0
        while self._queue and (not taken or weight + self._queue[0].weight <= self._batch):
            taken.append(self._queue.popleft())
            weight += taken[-1].weight
        self._weight -= weight
        return taken


def serve(
    taken: Sequence[Waiting[Ticket]],
    now: float,
    execute: Execute,
    deliver: Callable[[list[tuple[Ticket, Outcome]]], None],
) -> None:
    """Execute a batch and deliver its outcomes; what is past its deadline is dropped undone."""
    late = [waiting for waiting in taken if waiting.deadline < now]
    ready = [waiting for waiting in taken if waiting.deadline >= now]
    if late:
        deliver([(waiting.ticket, Overloaded()) for waiting in late])
    if ready:
        outcomes = execute([waiting.work for waiting in ready])
        deliver(list(zip((waiting.ticket for waiting in ready), outcomes, strict=True)))
