"""Writes everything of an installation that cannot be derived into one file, and checks it."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any, LiteralString

import msgspec
import psycopg
from psycopg import sql

from domain.instants import instant
from infrastructure.databases.logins import OWNER, Database, database_name
from infrastructure.databases.migrate import check
from infrastructure.databases.provision import connect_as_admin
from infrastructure.settings import Settings
from infrastructure.version import VERSION
from interfaces.cli.failure import CHECK_FAILED, DEPENDENCY_MISSING, Failure
from interfaces.recovery import manifest
from interfaces.recovery.archive import Archive, ArchiveWriter, open_archive
from interfaces.recovery.fold import Folded, fold
from interfaces.recovery.tables import copy_out, sequences
from interfaces.replay.verify import GAPS

SCHEMAS: dict[Database, LiteralString] = {
    "ledger": "SELECT nspname FROM pg_namespace WHERE nspname LIKE 'ledger\\_%' ORDER BY nspname",
    "identity": "SELECT nspname FROM pg_namespace WHERE nspname = 'identity'",
    # The schemas in which read models are rebuilt have more underscores, and no ledger's name any.
    "reports": "SELECT nspname FROM pg_namespace WHERE nspname ~ '^reports_[^_]+$'"
    " ORDER BY nspname",
}
KEPT: dict[Database, tuple[str, ...]] = {"reports": ("access_log",)}
"""The tables that are copied, where it is not all of them: read models are derived."""

MADE_ANEW = ("db_", "valkey")
"""How the names of secrets begin that belong to servers, and are made with these."""


def write_backup(admin: str, settings: Settings, file: IO[bytes]) -> manifest.Manifest:
    """Write a backup to an empty file while the system goes on.

    The identity database is seen a moment after the ledgers: so whoever the ledgers speak of is
    in it. Raises `Failure`, `MigrationRefused` and `ProvisioningRefused`.
    """
    created_at = instant(datetime.now(UTC))
    with ArchiveWriter(file) as writer:
        with (
            _standing_still(admin, settings, "ledger") as ledger,
            _standing_still(admin, settings, "identity") as identity,
        ):
            found = [
                *_schemas(ledger, settings, "ledger", writer),
                *_schemas(identity, settings, "identity", writer),
            ]
        # By itself and not for long, since rebuilds wait for whoever looks at the reports.
        with _standing_still(admin, settings, "reports") as reports:
            found += _schemas(reports, settings, "reports", writer)
        if not any(schema.database == "ledger" for schema in found):
            raise Failure(
                "There is no ledger in this database yet: start the system by ./falcon up first.",
                DEPENDENCY_MISSING,
            )
        secrets = tuple(_secrets(settings.home / "secrets", writer))
        written = manifest.Manifest(
            manifest.FORMAT, VERSION, created_at, settings.issuer, tuple(found), secrets
        )
        writer.finish(written)
    return written


def check_backup(path: Path) -> list[Folded]:
    """Read a backup back, compare every digest, and fold every ledger.

    Raises `Failure` when it could not be restored.
    """
    with open_archive(path) as archive:
        for schema in archive.manifest.schemas:
            for table in schema.tables:
                _read_through(archive, table.part)
        for secret in archive.manifest.secrets:
            _read_through(archive, secret)
        folded = [fold(archive, schema) for schema in archive.manifest.ledgers]
    for each in folded:
        if each.fault is not None:
            raise Failure(
                f"The ledger {each.ledger} is not as its events say, so this backup is not kept:"
                f" {each.fault} ./falcon replay verify tells more.",
                CHECK_FAILED,
            )
    return folded


@contextmanager
def _standing_still(
    admin: str, settings: Settings, database: Database
) -> Iterator[psycopg.Connection[Any]]:
    """Give a connection of the owner in one snapshot, which is taken before it is given."""
    with connect_as_admin(admin, database_name(settings, database)) as connection:
        connection.execute(sql.SQL("SET ROLE {}").format(sql.Identifier(OWNER)))
        connection.execute("SET idle_in_transaction_session_timeout = 0")
        connection.execute("SET statement_timeout = 0")
        connection.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
        connection.execute("SELECT")
        yield connection


def _schemas(
    connection: psycopg.Connection[Any],
    settings: Settings,
    database: Database,
    writer: ArchiveWriter,
) -> Iterator[manifest.Schema]:
    for (name,) in connection.execute(SCHEMAS[database]).fetchall():
        check(connection, replace(settings, ledger=name.removeprefix(f"{database}_")), database)
        applied = connection.execute(
            sql.SQL("SELECT number, name, sha256 FROM {}.schema_migration ORDER BY number").format(
                sql.Identifier(name)
            )
        ).fetchall()
        schema = manifest.Schema(
            database,
            name,
            tuple(manifest.Migration(*row) for row in applied),
            tuple(copy_out(connection, name, f"{database}/{name}", writer, KEPT.get(database))),
            tuple(sequences(connection, name)),
        )
        yield _standing(connection, schema) if database == "ledger" else schema


def _standing(connection: psycopg.Connection[Any], schema: manifest.Schema) -> manifest.Schema:
    """Return a ledger's schema with its identity and where it stands."""
    row = connection.execute(
        sql.SQL(
            "SELECT id::text, (SELECT max(number) FROM {0}.epoch),"
            " (SELECT coalesce(max(notification_id), 0) FROM {0}.events) FROM {0}.store"
        ).format(sql.Identifier(schema.name))
    ).fetchone()
    assert row is not None, "a migrated store has its identity"
    store, epoch, position = row
    _check_versions(connection, schema, position)
    return msgspec.structs.replace(schema, store=store, epoch=epoch, position=position)


def _check_versions(
    connection: psycopg.Connection[Any], schema: manifest.Schema, position: int
) -> None:
    """Look for gaps in streams other than wallets', which a fold of the file does not see."""
    connection.execute(sql.SQL("SET LOCAL search_path = {}").format(sql.Identifier(schema.name)))
    gap = connection.execute(GAPS, (position,)).fetchone()
    if gap is not None:
        raise Failure(
            f"The ledger {schema.ledger} is not as its events say, so this backup is not kept: at"
            f" position {gap[0]} a stream goes on behind an event that is missing. ./falcon replay"
            " verify tells more.",
            CHECK_FAILED,
        )


def _secrets(folder: Path, writer: ArchiveWriter) -> Iterator[manifest.Part]:
    for path in _kept(folder):
        with writer.part(f"secrets/{path.name}") as part:
            part.write(path.read_bytes())
        yield part.part


def _kept(folder: Path) -> Iterable[Path]:
    files = sorted(folder.iterdir()) if folder.is_dir() else []
    return [path for path in files if not path.name.startswith((".", *MADE_ANEW))]


def _read_through(archive: Archive, part: manifest.Part) -> None:
    for _ in archive.blocks(part):
        pass
