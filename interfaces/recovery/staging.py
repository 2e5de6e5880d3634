"""Builds restored databases beside those in use, and puts them in their place in one step."""

import shutil
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import psycopg
from psycopg import sql

from infrastructure.databases.logins import DATABASES, OWNER, Database, database_name
from infrastructure.databases.migrate import MIGRATIONS, migrate, read_migrations
from infrastructure.databases.provision import connect_as_admin, provision
from infrastructure.secrets import Secrets
from infrastructure.settings import Settings
from interfaces.cli.failure import CHECK_FAILED, DEPENDENCY_MISSING, Failure
from interfaces.recovery.archive import Archive
from interfaces.recovery.manifest import Manifest, Schema
from interfaces.recovery.tables import copy_in

STAGED = "restoring_"
REPLACED = "_replaced"


def staged(settings: Settings) -> Settings:
    """Return settings whose databases bear names that nothing but a restore uses."""
    return replace(settings, database_prefix=f"{STAGED}{settings.database_prefix}")


def check_migrations(manifest: Manifest) -> None:
    """Refuse tables that this version cannot make; raises `Failure`."""
    for schema in manifest.schemas:
        known = read_migrations(MIGRATIONS / schema.database)
        applied = [(step.number, step.sha256) for step in schema.migrations]
        if applied != [(step.number, step.sha256) for step in known[: len(applied)]]:
            raise Failure(
                f"The backup was written by FalconPay {manifest.version}, whose migrations of"
                f" {schema.name} this version does not have: restore it with that version or a"
                " later one; nothing was changed.",
                CHECK_FAILED,
            )


def build(admin: str, settings: Settings, secrets: Secrets, archive: Archive) -> None:
    """Make the staged databases, with the tables of the backup, its rows, and today's migrations.

    Raises `ProvisioningRefused`, `MigrationRefused` and `Failure`.
    """
    manifest = archive.manifest
    drop(admin, staged(settings), DATABASES)
    for ledger in manifest.ledgers:
        place = replace(staged(settings), ledger=ledger.ledger)
        provision(admin, place, secrets)
        with _migrations_of(_made_with(ledger, manifest)) as folder:
            migrate(admin, place, folder)
    for schema in manifest.schemas:
        name = database_name(staged(settings), schema.database)
        with connect_as_admin(admin, name) as connection:
            connection.execute(sql.SQL("SET ROLE {}").format(sql.Identifier(OWNER)))
            copy_in(connection, schema, archive)
    for ledger in manifest.ledgers:
        migrate(admin, replace(staged(settings), ledger=ledger.ledger))


def put_in_place(admin: str, settings: Settings, databases: Sequence[Database]) -> None:
    """Rename the staged databases to those in use, all in one transaction.

    What they replace is kept under a name of its own until the next restore. Raises `Failure`
    while anybody is connected to them.
    """
    for database in databases:
        _drop(admin, f"{database_name(settings, database)}{REPLACED}")
    with connect_as_admin(admin) as connection:
        try:
            with connection.transaction():
                for database in databases:
                    name = database_name(settings, database)
                    if _exists(connection, name):
                        _rename(connection, name, f"{name}{REPLACED}")
                    _rename(connection, database_name(staged(settings), database), name)
        except psycopg.errors.ObjectInUse:
            raise Failure(
                "Somebody is connected to the databases that are to be replaced, so nothing was"
                " changed: stop all roles of FalconPay and whatever else looks in, then try again.",
                DEPENDENCY_MISSING,
            ) from None


def drop(admin: str, settings: Settings, databases: Iterable[Database]) -> None:
    """Drop databases where they are, whoever is connected."""
    for database in databases:
        _drop(admin, database_name(settings, database))


def _drop(admin: str, name: str) -> None:
    with connect_as_admin(admin) as connection:
        connection.execute(
            sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name))
        )


def _exists(connection: psycopg.Connection, name: str) -> bool:
    found = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name])
    return found.fetchone() is not None


def _rename(connection: psycopg.Connection, old: str, new: str) -> None:
    connection.execute(
        sql.SQL("ALTER DATABASE {} RENAME TO {}").format(sql.Identifier(old), sql.Identifier(new))
    )


def _made_with(ledger: Schema, manifest: Manifest) -> list[Schema]:
    """Return the schemas that are made together with a ledger's, this one included."""
    return [
        schema
        for schema in manifest.schemas
        if schema.database == "identity" or schema.ledger == ledger.ledger
    ]


@contextmanager
def _migrations_of(schemas: Iterable[Schema]) -> Iterator[Path]:
    """Give a folder with only those migrations that the backup's tables were made by."""
    counts = {schema.database: len(schema.migrations) for schema in schemas}
    with tempfile.TemporaryDirectory(prefix="falconpay-restore-") as folder:
        for database in DATABASES:
            place = Path(folder) / database
            place.mkdir()
            for path in sorted((MIGRATIONS / database).glob("*.sql"))[: counts.get(database)]:
                shutil.copyfile(path, place / path.name)
        yield Path(folder)
