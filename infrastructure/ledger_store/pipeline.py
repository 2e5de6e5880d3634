"""A pipeline whose last message is Sync, so that the server's time-out for idle locks holds.

PostgreSQL arms `idle_in_transaction_session_timeout` when it answers Sync, and disarms it at the
next message of any kind. The driver may send a Flush after the last Sync: then a process that
stops with locks held would keep them for ever.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
from psycopg.abc import PQGen


class _SyncLast(psycopg.Pipeline):
    _gathers = False

    def gather(self) -> None:
        """Send what follows in one go at the end; before it nothing can be fetched."""
        # Each sending of its own wakes the server for little and costs two system calls.
        self._gathers = True

    def _communicate_gen(self) -> PQGen[None]:
        if not self._gathers:
            yield from super()._communicate_gen()

    def _exit_gen(self) -> PQGen[None]:
        self._gathers = False
        self._enqueue_sync()
        fault: psycopg.Error | None = None
        # A fault may have come before the last statements were sent; what answers those is read
        # nevertheless, or the connection could not be used any more.
        for step in (self._communicate_gen(), self._fetch_gen(flush=False)):
            try:
                yield from step
            except psycopg.Error as later:
                fault = fault or later
        if fault is not None:
            raise fault


@contextmanager
def pipeline(connection: psycopg.Connection[Any]) -> Iterator[_SyncLast]:
    """Send statements without waiting for each one's result; ends with Sync and nothing after."""
    assert connection._pipeline is None, "pipelines are not nested here"
    connection._pipeline = made = _SyncLast(connection)
    try:
        with made:
            yield made
    finally:
        connection._pipeline = None
