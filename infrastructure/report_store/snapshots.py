"""A bounded pool of connections on which each query is one read-only snapshot."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, TypeVar

import psycopg
from psycopg import sql
from psycopg.errors import IdleInTransactionSessionTimeout, QueryCanceled
from psycopg_pool import AsyncConnectionPool, TooManyRequests

from projections.contract import Snapshot

Found = TypeVar("Found")

PATIENCE_SECONDS = 2.0
"""How long a query may wait for a connection, one that was lost on the way included."""

RECONNECT_SECONDS = 1.0
"""How long a pool goes on by itself to connect; its pauses grow, and callers make it begin anew."""

WAIT_SECONDS = 0.5
MAX_WAITING = 500


class StoreUnavailable(Exception):
    """The database is away, overloaded or too slow; it is safe to ask again."""


class Snapshots:
    """Runs queries of one login, each in a REPEATABLE READ READ ONLY transaction of its own."""

    def __init__(self, conninfo: str, *, connections: int, statement_seconds: float) -> None:
        """Take where to connect, how often at most, and how long a statement may take."""
        self._statement_seconds = statement_seconds
        self._pool: AsyncConnectionPool[Snapshot] = AsyncConnectionPool(
            conninfo,
            min_size=1,
            max_size=connections,
            max_waiting=MAX_WAITING,
            reconnect_timeout=RECONNECT_SECONDS,
            open=False,
            configure=self._configure,
            kwargs={"autocommit": True},
        )

    async def open(self) -> None:
        """Begin to connect, without waiting for it."""
        await self._pool.open()

    async def close(self) -> None:
        """Close all connections."""
        await self._pool.close()

    async def run(self, query: Callable[[Snapshot], Awaitable[Found]]) -> Found:
        """Return what a query finds; it may run twice where a connection is lost.

        Raises `StoreUnavailable`.
        """

        async def in_transaction(snapshot: Snapshot) -> Found:
            async with snapshot.transaction():
                return await query(snapshot)

        return await self._with_connection(in_transaction)

    async def row(self, statement: str, parameters: Sequence[Any] = ()) -> tuple[Any, ...] | None:
        """Return the first row of one statement, which is a snapshot without a transaction.

        Raises `StoreUnavailable`.
        """

        async def alone(snapshot: Snapshot) -> tuple[Any, ...] | None:
            return await (await snapshot.execute(statement, parameters)).fetchone()

        return await self._with_connection(alone)

    async def rows(
        self, statement: sql.SQL | sql.Composed, parameters: Sequence[Any] | Mapping[str, Any] = ()
    ) -> list[tuple[Any, ...]]:
        """Return all rows of one statement, in PostgreSQL's binary form where it has one.

        Raises `StoreUnavailable`.
        """

        async def alone(snapshot: Snapshot) -> list[tuple[Any, ...]]:
            return await (await snapshot.execute(statement, parameters, binary=True)).fetchall()

        return await self._with_connection(alone)

    async def _with_connection(self, work: Callable[[Snapshot], Awaitable[Found]]) -> Found:
        deadline = time.monotonic() + PATIENCE_SECONDS
        while True:
            try:
                async with self._pool.connection(WAIT_SECONDS) as snapshot:
                    return await work(snapshot)
            except (TooManyRequests, QueryCanceled, IdleInTransactionSessionTimeout) as fault:
                raise StoreUnavailable from fault
            except psycopg.OperationalError as fault:
                # After a restart of the server every connection of the pool is found dead once,
                # and a pool that gave up to connect tries again only when it is asked again.
                if time.monotonic() >= deadline:
                    raise StoreUnavailable from fault
                await asyncio.sleep(0.01)

    async def _configure(self, connection: Snapshot) -> None:
        milliseconds = round(self._statement_seconds * 1000)
        await connection.execute(f"SET statement_timeout = {milliseconds}")
        await connection.set_isolation_level(psycopg.IsolationLevel.REPEATABLE_READ)
        await connection.set_read_only(True)
