"""Gathers work into batches: while one batch commits, the next one fills; nothing ever waits."""

import threading
import time
from collections.abc import Callable
from typing import Generic

from application.backlog import Backlog, Execute, Ticket, Waiting, serve
from application.commands import Outcome, Work


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
        broken: Callable[[BaseException], None] = lambda _fault: None,
        capacity: int = 4_000,
        batch: int = 250,
        patience_seconds: float = 5.0,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """Take what executes a batch, and what is told all outcomes of it, in the thread.

        `broken` is told of what ends the thread before `stop`: nothing is executed after it.
        """
        self._execute = execute
        self._deliver = deliver
        self._broken = broken
        self._monotonic = monotonic
        self._backlog: Backlog[Ticket] = Backlog(
            capacity=capacity, batch=batch, patience_seconds=patience_seconds
        )
        self._wake = threading.Condition()
        self._thread = threading.Thread(target=self._run, name="writer", daemon=True)

    @property
    def queued(self) -> int:
        """How many commands wait now."""
        return self._backlog.weight

    @property
    def alive(self) -> bool:
        """Whether the thread is there to execute anything."""
        return self._thread.is_alive()

    def start(self) -> None:
        """Begin to execute."""
        self._thread.start()

    def submit(self, work: Work, ticket: Ticket) -> None:
        """Queue work; raise `Overloaded` at once when the queue is full or the writer stops."""
        with self._wake:
            self._backlog.add(work, ticket, self._monotonic())
            self._wake.notify()

    def stop(self) -> None:
        """Take nothing more, execute what is queued, and return when all of it is delivered."""
        with self._wake:
            self._backlog.close()
            self._wake.notify()
        self._thread.join()

    def _run(self) -> None:
        try:
            while taken := self._take():
                serve(taken, self._monotonic(), self._execute, self._deliver)
        except BaseException as fault:
            self._broken(fault)
            raise

    def _take(self) -> list[Waiting[Ticket]]:
        """Wait until there is work and return up to a batch of it; nothing when stopped."""
        with self._wake:
            while self._backlog.idle:
                self._wake.wait()
            return self._backlog.take()
