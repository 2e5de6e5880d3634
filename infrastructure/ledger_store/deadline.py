"""Cuts a connection whose server hangs, as a stopped server keeps no time-out of its own."""

import contextlib
import os
import socket
import threading
import time
from typing import Any

import psycopg

BATCH_SECONDS = 4.0
"""Longer than any time-out of the server; past it the connection is cut."""


class Deadline:
    """Watches the use of one connection at a time from a thread, and cuts it when overdue."""

    def __init__(self, seconds: float = BATCH_SECONDS) -> None:
        """Start the watch; it ends with `close` or the process."""
        self._seconds = seconds
        self._lock = threading.Lock()
        self._overdue_at: float | None = None
        self._descriptor = -1
        self._closed = threading.Event()
        threading.Thread(target=self._run, name="deadline", daemon=True).start()

    def watch(self, connection: psycopg.Connection[Any]) -> None:
        """Begin the time of one use of the connection."""
        with self._lock:
            self._descriptor = connection.fileno()
            self._overdue_at = time.monotonic() + self._seconds

    def unwatch(self) -> None:
        """End the time: the use is over."""
        with self._lock:
            self._overdue_at = None

    def close(self) -> None:
        """Stop watching."""
        self._closed.set()

    def _run(self) -> None:
        while not self._closed.wait(self._seconds / 8):
            with self._lock:
                if self._overdue_at is not None and time.monotonic() >= self._overdue_at:
                    self._overdue_at = None
                    _cut(self._descriptor)


def _cut(descriptor: int) -> None:
    with contextlib.suppress(OSError), socket.socket(fileno=os.dup(descriptor)) as duplicate:
        duplicate.shutdown(socket.SHUT_RDWR)
