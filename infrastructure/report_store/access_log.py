"""Writes down who has read what is not theirs, through a login that can only add to it."""

import asyncio
import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg_pool import AsyncConnectionPool

from infrastructure.report_store.snapshots import (
    PATIENCE_SECONDS,
    RECONNECT_SECONDS,
    WAIT_SECONDS,
    StoreUnavailable,
)

ADD = """
    INSERT INTO access_log (sub, client_id, route, asked, status)
    SELECT * FROM unnest(%s::text[], %s::text[], %s::text[], %s::json[], %s::smallint[])"""
MOST_AT_ONCE = 500
PAUSE_SECONDS = 0.01


@dataclass(frozen=True, slots=True)
class Access:
    """One read: who, by which client, on which route, for what, and the status of the answer."""

    sub: str
    client_id: str
    route: str
    asked: Mapping[str, Any]
    status: int


Waiting = tuple[Access, asyncio.Future[None]]


class AccessLog:
    """Adds to the log of one ledger; those who wait at the same time share a transaction.

    To be used from one event loop.
    """

    def __init__(self, conninfo: str) -> None:
        """Take the login that may add; nothing connects yet."""
        self._pool: AsyncConnectionPool[psycopg.AsyncConnection[Any]] = AsyncConnectionPool(
            conninfo,
            min_size=1,
            max_size=1,
            reconnect_timeout=RECONNECT_SECONDS,
            open=False,
            kwargs={"autocommit": True},
        )
        self._waiting: list[Waiting] = []
        self._writing: asyncio.Task[None] | None = None

    async def open(self) -> None:
        """Begin to connect, without waiting for it."""
        await self._pool.open()

    async def close(self) -> None:
        """Write what waits, and close the connection."""
        if self._writing is not None:
            await asyncio.wait([self._writing])
        await self._pool.close()

    async def add(self, access: Access) -> None:
        """Add a read and return when it is committed; raises `StoreUnavailable`.

        What was in doubt when a connection was lost is written again, so a read may stand in the
        log twice, and is never missing.
        """
        done = asyncio.get_running_loop().create_future()
        self._waiting.append((access, done))
        if self._writing is None or self._writing.done():
            self._writing = asyncio.create_task(self._write())
        await done

    async def _write(self) -> None:
        while self._waiting:
            taken, self._waiting = self._waiting[:MOST_AT_ONCE], self._waiting[MOST_AT_ONCE:]
            fault: Exception | None = None
            try:
                await self._add([access for access, _ in taken])
            except Exception as error:  # noqa: BLE001 (whoever waits is told, whatever it is)
                fault = StoreUnavailable()
                fault.__cause__ = error
            for _, done in taken:
                # Whoever has gone meanwhile has cancelled what they waited for.
                if not done.done():
                    done.set_result(None) if fault is None else done.set_exception(fault)

    async def _add(self, accesses: Sequence[Access]) -> None:
        columns = [
            [access.sub for access in accesses],
            [access.client_id for access in accesses],
            [access.route for access in accesses],
            [json.dumps(access.asked) for access in accesses],
            [access.status for access in accesses],
        ]
        deadline = time.monotonic() + PATIENCE_SECONDS
        while True:
            try:
                async with self._pool.connection(WAIT_SECONDS) as connection:
                    await connection.execute(ADD, columns)
                return
            except psycopg.OperationalError:
                # After a restart of the server the connection is found dead once.
                if time.monotonic() >= deadline:
                    raise
                await asyncio.sleep(PAUSE_SECONDS)
