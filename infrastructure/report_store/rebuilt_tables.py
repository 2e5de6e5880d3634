"""The tables in which a read model is built again, and their exchange with the live ones.

Both are made by functions of the schema's owner: a projector may write rows, and make no tables.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, LiteralString
from uuid import UUID

import psycopg
from psycopg import sql
from psycopg.errors import LockNotAvailable

from infrastructure.databases.logins import conninfo
from infrastructure.databases.migrate import check
from infrastructure.secrets import Secrets
from infrastructure.settings import Settings
from projections.checkpoints import Checkpoint, read_checkpoints
from projections.contract import Projection

# Any two numbers will do that no other lock of the reports database has.
CLAIM = 1380270677
"""The first half of the advisory locks that rebuilds hold; the second is the read model's name."""

REBUILDING: LiteralString = """
    SELECT c.projection FROM checkpoint c JOIN pg_locks l
        ON l.objid = (hashtext(current_schema() || '.' || c.projection)::bigint & 4294967295)::oid
    WHERE l.locktype = 'advisory' AND l.granted AND l.classid = 1380270677 AND l.objsubid = 2
        AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
        AND c.state IN ('following', 'catching-up')"""
"""Which read models are well and being rebuilt at this moment; a rebuild that was killed is not."""

OLDER_SECONDS = 1.0
"""How long an exchange waits for transactions that began before it; projectors wait meanwhile."""

LOOK_SECONDS = 0.005
HOLD = "SELECT position FROM checkpoint WHERE projection = %s FOR UPDATE"
OPEN_TRANSACTIONS = """
    SELECT l.virtualtransaction
    FROM pg_locks l JOIN pg_stat_activity a ON a.pid = l.pid
    WHERE l.locktype = 'virtualxid' AND l.mode = 'ExclusiveLock'
        AND a.datname = current_database() AND a.usename <> current_user"""


class RebuiltTables:
    """One read model's new tables, over a connection whose search_path leads to the live ones."""

    def __init__(self, connection: psycopg.Connection[Any], projection: Projection) -> None:
        """Take a connection in autocommit; nothing is made yet."""
        self._connection = connection
        self._projection = projection
        self._tables = list(projection.tables)

    def claim(self) -> bool:
        """Become the only one who rebuilds this read model, until the connection closes."""
        ((claimed,),) = self._connection.execute(
            "SELECT pg_try_advisory_lock(%s, hashtext(current_schema() || '.' || %s))",
            [CLAIM, self._projection.name],
        )
        return bool(claimed)

    def live(self, store: UUID, epoch: int) -> Checkpoint:
        """Return where the live tables stand; what has not begun stands at 0 of this store."""
        known = read_checkpoints(self._connection, [self._projection], store, epoch)
        return known[self._projection.name]

    def version(self) -> int:
        """Return the version whose rows serve, 0 where there are none yet."""
        rows = self._connection.execute(
            "SELECT version FROM checkpoint WHERE projection = %s", [self._projection.name]
        ).fetchall()
        return int(rows[0][0]) if rows else 0

    def begin(self, *, afresh: bool) -> str:
        """Make the new tables, or find those of a rebuild that was cut off; return their schema."""
        ((schema,),) = self._connection.execute(
            "SELECT begin_rebuild(%s, %s, %s, %s)",
            [self._projection.name, self._tables, list(self._projection.walked), afresh],
        )
        return str(schema)

    def complete(self) -> None:
        """Make the indexes that the new tables still lack."""
        self._connection.execute(
            "SELECT complete_rebuild(%s, %s)", [self._projection.name, self._tables]
        )

    def exchange(self, follow: Callable[[int], bool], lock_seconds: float) -> bool:
        """Put the new tables in the place of the live ones in one transaction, or change nothing.

        While it lasts no projector moves the checkpoint: `follow` brings the new rows to its
        position, or says that it is too far. False where that is so, where a transaction that
        began before does not end, or where a table is not free in time.
        """
        try:
            with self._connection.transaction():
                self._connection.execute(
                    sql.SQL("SET LOCAL lock_timeout = {}").format(round(lock_seconds * 1000))
                )
                ((position,),) = self._connection.execute(HOLD, [self._projection.name])
                if not follow(position) or not self._alone():
                    return False
                self._connection.execute(
                    "SELECT switch_rebuild(%s, %s)", [self._projection.name, self._tables]
                )
        except LockNotAvailable:
            return False
        return True

    def drop(self) -> list[str]:
        """Drop what an exchange or a rebuild that was cut off has left: `old`, `new`, or both."""
        ((dropped,),) = self._connection.execute("SELECT drop_rebuild(%s)", [self._projection.name])
        return list(dropped)

    def _alone(self) -> bool:
        """Wait until every transaction has ended that may have looked before the last rows came.

        A query finds a table by its name when it first asks for it, but rows as they were when it
        began: one that began too early would find the new table without its last rows.
        """
        deadline = time.monotonic() + OLDER_SECONDS
        older = self._others()
        while older := older & self._others():
            if time.monotonic() >= deadline:
                return False
            time.sleep(LOOK_SECONDS)
        return True

    def _others(self) -> set[str]:
        return {name for (name,) in self._connection.execute(OPEN_TRANSACTIONS)}


@contextmanager
def rebuilt_tables(
    settings: Settings, secrets: Secrets, projection: Projection
) -> Iterator[RebuiltTables]:
    """Connect as the projector does; raises `MigrationRefused` and psycopg's `Error`."""
    with _connect(settings, secrets) as connection:
        check(connection, settings, "reports")
        yield RebuiltTables(connection, projection)


@contextmanager
def connection_to(
    settings: Settings, secrets: Secrets, schema: str
) -> Iterator[psycopg.Connection[Any]]:
    """Give a connection that finds the tables of one schema only, and no live ones.

    Its commits do not wait for the disk: the exchange does, and with it all that came before.
    """
    with _connect(settings, secrets) as connection:
        connection.execute(sql.SQL("SET search_path = {}").format(sql.Identifier(schema)))
        connection.execute("SET synchronous_commit = off")
        yield connection


def _connect(settings: Settings, secrets: Secrets) -> psycopg.Connection[Any]:
    login = conninfo(settings, secrets, "projector", "reports", application="rebuild")
    connection = psycopg.connect(login, autocommit=True)
    # Indexes of millions of rows take longer than any other statement may; what nobody waits for
    # any more ends at once, so that the next rebuild need not wait for it.
    connection.execute("SET statement_timeout = 0")
    connection.execute("SET client_connection_check_interval = '500ms'")
    connection.execute("SET maintenance_work_mem = '128MB'")
    return connection
