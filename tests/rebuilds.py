"""What tests of rebuilds look at: tables with all that belongs to them, and who waits for what."""

import hashlib
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any, LiteralString

import psycopg

from interfaces.rebuilding.run import Rebuilt, rebuild
from interfaces.replay.findings import Difference
from projections.catalogue import CATALOGUE
from projections.contract import Projection
from tests.books import replay
from tests.fan_out import FanOut, drain, until
from tests.servers import FreshDatabases

LIVE = "reports_main"
SHAPES: tuple[LiteralString, ...] = (
    "SELECT c.relname, a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull,"
    " pg_get_expr(d.adbin, d.adrelid), a.attstorage, a.attcollation FROM {tables}"
    " JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped"
    " LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum",
    "SELECT c.relname, c.relowner::regrole::text, c.reloptions, c.relpersistence FROM {tables}",
    "SELECT c.relname, g.grantee::regrole::text, g.grantor::regrole::text, g.privilege_type,"
    " g.is_grantable FROM {tables}, aclexplode(c.relacl) AS g",
    "SELECT c.relname, i.indexrelid::regclass::text, pg_get_indexdef(i.indexrelid), i.indisvalid,"
    " i.indisprimary FROM {tables} JOIN pg_index i ON i.indrelid = c.oid",
    "SELECT c.relname, k.conname, k.contype, pg_get_constraintdef(k.oid) FROM {tables}"
    " JOIN pg_constraint k ON k.conrelid = c.oid",
    # A rebuild would leave these behind, so there may be none of a read model's tables.
    "SELECT c.relname, t.tgname FROM {tables} JOIN pg_trigger t ON t.tgrelid = c.oid"
    " WHERE NOT t.tgisinternal",
    "SELECT c.relname, r.ev_class::regclass::text FROM {tables}"
    " JOIN pg_depend d ON d.refobjid = c.oid AND d.classid = 'pg_rewrite'::regclass"
    " JOIN pg_rewrite r ON r.oid = d.objid",
)
TABLES: LiteralString = (
    "(SELECT * FROM pg_class WHERE relkind = 'r' AND relnamespace = 'reports_main'::regnamespace"
    " AND relname NOT LIKE 'copy_of_%') AS c"
)


def projection(name: str) -> Projection:
    """Return a projection of the catalogue."""
    return next(each for each in CATALOGUE if each.name == name)


def followed(databases: FreshDatabases) -> FanOut:
    """Bring all read models to the head."""
    with FanOut(databases).worker() as worker:
        worker.begin()
        drain(worker)
    return FanOut(databases)


def rebuilt(databases: FreshDatabases, model: Projection | str, progress: Any = None) -> Rebuilt:
    """Rebuild a read model in this process."""
    chosen = projection(model) if isinstance(model, str) else model
    told = progress or (lambda _doing, _done, _last: None)
    return rebuild(databases.settings, databases.secrets, chosen, told)


def wrong_rows(databases: FreshDatabases) -> list[Difference]:
    """Return what `replay verify` finds wrong in the read models, and nowhere else."""
    others = {"events", "wallet_head"}
    return [found for found in replay(databases).findings.kept if found.where not in others]


def shapes(databases: FreshDatabases) -> list[tuple[Any, ...]]:
    """Return columns, owners, rights, indexes and constraints of all live tables."""
    with databases.connect_admin("reports") as admin:
        return sorted(
            (row for shape in SHAPES for row in admin.execute(shape.replace("{tables}", TABLES))),
            key=repr,
        )


def fingerprints(databases: FreshDatabases) -> dict[str, str]:
    """Return a hash over all rows of each table of every read model, in a fixed order."""
    found = {}
    with databases.connect("reader", "reports") as connection:
        for table in (table for each in CATALOGUE for table in each.tables):
            rows = connection.execute(f"SELECT to_json(t)::text FROM {table} t ORDER BY 1")
            found[table] = hashlib.sha256("\n".join(row for (row,) in rows).encode()).hexdigest()
    return found


def identities(databases: FreshDatabases) -> dict[str, int]:
    """Return which table of the server is known by the name of each read model's table."""
    with databases.connect_admin("reports") as admin:
        return {
            table: admin.execute(f"SELECT '{LIVE}.{table}'::regclass::oid::int").fetchall()[0][0]
            for each in CATALOGUE
            for table in each.tables
        }


def schemas(databases: FreshDatabases) -> list[str]:
    """Return the schemas that rebuilds have made."""
    with databases.connect_admin("reports") as admin:
        rows = admin.execute(
            r"SELECT nspname FROM pg_namespace WHERE nspname LIKE 'reports\_main\_\_%' ORDER BY 1"
        )
        return [name for (name,) in rows]


@contextmanager
def locked(databases: FreshDatabases, table: str, mode: str) -> Iterator[psycopg.Connection[Any]]:
    """Hold a table of the reports in a mode that keeps somebody waiting.

    Whoever only reads does it as a projector, whose transactions an exchange does not wait for.
    """
    connect = databases.connect_admin
    if mode == "ACCESS SHARE":
        connect = partial(databases.connect, "projector")
    with connect("reports") as connection, connection.transaction():
        connection.execute(f"LOCK TABLE {table} IN {mode} MODE".encode())
        yield connection


def wait_until_blocked(
    databases: FreshDatabases, by: psycopg.Connection[Any], process: subprocess.Popen[bytes]
) -> None:
    """Wait until somebody waits for a lock that a connection holds."""
    with databases.connect_admin("reports") as admin:

        def blocked() -> bool:
            assert process.poll() is None, "it has ended without coming to the place"
            time.sleep(0.01)
            rows = admin.execute(
                "SELECT pid FROM pg_stat_activity WHERE %s = ANY (pg_blocking_pids(pid))",
                [by.info.backend_pid],
            )
            return bool(rows.fetchall())

        until(blocked)
