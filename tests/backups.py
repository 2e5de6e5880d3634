"""Backups taken from and restored to databases of the session's server, as a person does it."""

import shutil
import subprocess
import uuid
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import psycopg
from msgspec.structs import replace as replace_fields

from application.commands import Answer
from domain.identifiers import WalletId
from infrastructure.secrets import Secrets
from interfaces.recovery.archive import ArchiveWriter, open_archive
from interfaces.recovery.manifest import Manifest, Schema
from tests.books import falcon
from tests.servers import FreshDatabases
from tests.written import Written

TABLES = ("asset", "epoch", "events", "schema_migration", "store", "wallet_head")
TRIGGERS = """
    SELECT tgrelid::regclass::text, tgname, tgenabled FROM pg_trigger
    WHERE NOT tgisinternal ORDER BY 1, 2"""


def as_owner(databases: FreshDatabases, *words: object) -> subprocess.CompletedProcess[str]:
    """Run a command with the login that owns the databases."""
    return falcon(databases, *words, "--database", databases.admin)


def some_book(writer: Written, transfers: int = 20) -> list[WalletId]:
    """Open two wallets and pay to and fro."""
    wallets = [writer.open(overdraft_limit=1_000_000) for _ in range(2)]
    for number in range(transfers):
        assert isinstance(writer.pay(wallets[number % 2], wallets[1 - number % 2], 7), Answer)
    return wallets


def elsewhere(databases: FreshDatabases, home: Path) -> FreshDatabases:
    """Return an empty home on the same server, which knows the passwords of its logins."""
    (home / "secrets").mkdir(parents=True)
    for password in (databases.settings.home / "secrets").glob("db_*"):
        shutil.copy(password, home / "secrets")
    settings = replace(databases.settings, home=home, database_prefix=f"t{uuid.uuid4().hex[:10]}_")
    return FreshDatabases(settings, Secrets(home, {}), databases.admin)


def content(databases: FreshDatabases, tables: Sequence[str] = TABLES) -> dict[str, Any]:
    """Return every row of a ledger, and how its triggers stand."""
    with databases.connect_admin() as connection:
        connection.execute(f'SET search_path = "{databases.settings.ledger_schema}"')
        rows: dict[str, Any] = {
            table: sorted(connection.execute(f"SELECT t::text FROM {table} t").fetchall())
            for table in tables
        }
        return {**rows, "triggers": connection.execute(TRIGGERS).fetchall()}


READ = """
    INSERT INTO access_log (sub, client_id, route, asked, status)
    VALUES (%s, 'c', '/v1', %s, 200)"""
READS = "SELECT number, accessed_at, sub, client_id, route, asked::text, status FROM access_log"


def look(databases: FreshDatabases, *subjects: str) -> None:
    """Write into the log of reads, as the query API does, that somebody has read something."""
    with databases.connect("accesslog", "reports") as connection:
        for subject in subjects:
            connection.execute(READ, [subject, '{"wallet_id": "wal_\u00e9"}'])


def looks(databases: FreshDatabases) -> list[tuple[Any, ...]]:
    """Return all of the log of reads, in its order."""
    with databases.connect("reader", "reports") as connection:
        return connection.execute(READS + " ORDER BY number").fetchall()


def database_names(databases: FreshDatabases) -> set[str]:
    """Return the names of the databases on the server that belong to these settings."""
    with psycopg.connect(databases.admin) as connection:
        found = connection.execute("SELECT datname FROM pg_database").fetchall()
    return {name for (name,) in found if databases.settings.database_prefix in name}


def rewritten(
    file: Path,
    target: Path,
    change: Callable[[Manifest], Manifest] = lambda manifest: manifest,
    alter: Callable[[str, bytes], bytes] = lambda _name, block: block,
) -> None:
    """Write a backup anew, whole in itself, with another manifest or altered parts."""
    with (
        target.open("wb") as output,
        ArchiveWriter(output) as writer,
        open_archive(file) as archive,
    ):
        manifest = archive.manifest
        parts = [table.part for schema in manifest.schemas for table in schema.tables]
        written = {}
        for part in [*parts, *manifest.secrets]:
            with writer.part(part.name) as draft:
                draft.write(alter(part.name, b"".join(archive.blocks(part))))
            written[part.name] = draft.part
        schemas = tuple(
            replace_fields(
                schema,
                tables=tuple(
                    replace_fields(table, part=written[table.part.name]) for table in schema.tables
                ),
            )
            for schema in manifest.schemas
        )
        writer.finish(change(replace_fields(manifest, schemas=schemas)))


BEFORE_LIMITS = {
    "wallet_head": "id, version, kind, currency, owner, posted, held, overdraft_limit,"
    " frozen_by_member, frozen_by_operator, closed",
    "schema_migration": "number, name, sha256, applied_at",
}
"""Columns of tables as they were at the ledger's second migration."""


def of_before_limits(databases: FreshDatabases, file: Path, target: Path) -> None:
    """Write the backup as it would have been when wallets had neither limits nor members."""
    copied = {}
    with databases.connect_admin() as admin:
        for table, columns in BEFORE_LIMITS.items():
            query = f"SELECT {columns} FROM ledger_main.{table}"
            if table == "schema_migration":
                query += " WHERE number <= 2"
            with admin.cursor().copy(f"COPY ({query}) TO STDOUT (FORMAT binary)") as copy:
                copied[table] = b"".join(copy)

    def older(schema: Schema) -> Schema:
        if schema.name != "ledger_main":
            return schema
        tables = []
        for table in schema.tables:
            if table.name not in TABLES:
                # Those for seals, holds and closed periods came later.
                continue
            names = BEFORE_LIMITS.get(table.name, "").split(", ")
            columns = tuple(column for column in table.columns if column.name in names)
            tables.append(replace_fields(table, columns=columns or table.columns))
        return replace_fields(
            schema, tables=tuple(tables), sequences=(), migrations=schema.migrations[:2]
        )

    rewritten(
        file,
        target,
        lambda manifest: replace_fields(
            manifest, schemas=tuple(older(schema) for schema in manifest.schemas)
        ),
        lambda name, block: copied.get(Path(name).stem, block) if "ledger_main" in name else block,
    )
