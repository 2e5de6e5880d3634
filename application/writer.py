"""Gathers work into batches: while one batch commits, the next one fills; nothing ever waits."""

import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from application.commands import AtomicBatch, Outcome, Overloaded, Work

Ticket = TypeVar("Ticket")
"""Whatever the asker wants to find their outcome by, such as a future."""

Execute = Callable[[Sequence[Work]], list[Outcome]]


@dataclass(frozen=True, slots=True)
class _Queued(Generic[Ticket]):
    ticket: Ticket
    work: Work
    weight: int
    deadline: float


class Writer(Generic[Ticket]):
    """One thread that executes what is submitted, in order of arrival, at most one batch at once.

    `capacity` and `batch` count commands, an atomic batch by its items. What has waited longer
    than `patience_seconds` is dropped as `Overloaded` before anything is done for it.
    """

    def __init__(
        self,
        execute: Execute,
        deliver: Callable[[list[tuple[Ticket, Outcome]]], None],
        *,
        capacity: int = 4_000,
        batch: int = 250,
        patience_seconds: float = 5.0,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """Take what executes a batch, and what is told all outcomes of it, in the thread."""
        self._execute = execute
        self._deliver = deliver
        self._capacity = capacity
        self._batch = batch
        self._patience = patience_seconds
        self._monotonic = monotonic
        self._queue: deque[_Queued[Ticket]] = deque()
        self._weight = 0
        self._wake = threading.Condition()
        self._stopping = False
        self._thread = threading.Thread(target=self._run, name="writer", daemon=True)

    @property
    def queued(self) -> int:
        """How many commands wait now."""
        return self._weight

    @property
    def alive(self) -> bool:
        """Whether the thread is there to execute anything."""
        return self._thread.is_alive()

    def start(self) -> None:
        """Begin to execute."""
        self._thread.start()

    def submit(self, work: Work, ticket: Ticket) -> None:
        """Queue work; raise `Overloaded` at once when the queue is full or the writer stops."""
        weight = len(work.items) if isinstance(work, AtomicBatch) else 1
        queued = _Queued(ticket, work, weight, self._monotonic() + self._patience)
        with self._wake:
            if self._stopping or self._weight + weight > self._capacity:
                raise Overloaded
            self._queue.append(queued)
            self._weight += weight
            self._wake.notify()

    def stop(self) -> None:
        """Take nothing more, execute what is queued, and return when all of it is delivered."""
        with self._wake:
            self._stopping = True
            self._wake.notify()
        self._thread.join()

    def _run(self) -> None:
        while gathered := self._gather():
            now = self._monotonic()
            late = [queued for queued in gathered if queued.deadline < now]
            ready = [queued for queued in gathered if queued.deadline >= now]
            if late:
                self._deliver([(queued.ticket, Overloaded()) for queued in late])
            if ready:
                outcomes = self._execute([queued.work for queued in ready])
                tickets = (queued.ticket for queued in ready)
                self._deliver(list(zip(tickets, outcomes, strict=True)))

    def _gather(self) -> list[_Queued[Ticket]]:
        """Wait until there is work and return up to a batch of it; nothing when stopped."""
        gathered: list[_Queued[Ticket]] = []
        weight = 0
        with self._wake:
            while not self._queue and not self._stopping:
                self._wake.wait()
            while self._queue and (not gathered or weight + self._queue[0].weight <= self._batch):
                gathered.append(self._queue.popleft())
                weight += gathered[-1].weight
            self._weight -= weight
        return gathered
