"""Transactions of the worker: each statement by itself, or all of them in a pipeline."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg

from projections.contract import Cursor

FEW = 2_000
"""Of how many events it costs more to wait for each answer than it would to copy their rows."""


@contextmanager
def transaction(connection: psycopg.Connection[Any], *, pipelined: bool) -> Iterator[Cursor]:
    """Give a cursor whose statements are committed at the end, or rolled back with an exception.

    In a pipeline statements wait for no answer but those that are fetched, and nothing can be
    copied; an error of a statement is raised by the next fetch or at the end.
    """
    if not pipelined:
        with connection.transaction(), connection.cursor() as cursor:
            yield cursor
        return
    try:
        with connection.pipeline() as line:
            cursor = _SyncFirst(connection, line)
            cursor.execute("BEGIN")
            yield cursor
            cursor.execute("COMMIT")
    except BaseException:
        if not connection.broken:
            connection.rollback()
        raise


class _SyncFirst(psycopg.Cursor[tuple[Any, ...]]):
    """Fetches after a Sync, where the driver would send a Flush: projections use `fetchall` alone.

    Only after a Sync does the server end a transaction whose process stopped with its locks.
    """

    def __init__(self, connection: psycopg.Connection[Any], line: psycopg.Pipeline) -> None:
        super().__init__(connection)
        self._line = line

    def fetchall(self) -> list[tuple[Any, ...]]:
        self._line.sync()
        return super().fetchall()
