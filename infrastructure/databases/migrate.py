"""Numbered SQL files bring the databases forward from any earlier version, never back."""

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path

import psycopg
from psycopg import sql

from infrastructure.databases.logins import (
    DATABASES,
    LOGINS,
    OWNER,
    Database,
    database_name,
    schema_name,
    user_name,
)
from infrastructure.databases.provision import LOCK, connect_as_admin
from infrastructure.settings import Settings

MIGRATIONS = Path(__file__).parent / "migrations"
FILE_NAME = re.compile(r"(\d{4})_([a-z0-9_]+)\.sql")


class MigrationRefused(RuntimeError):
    """Database and code do not fit each other; the message is one sentence with the remedy."""


@dataclass(frozen=True, slots=True)
class Migration:
    """One step forward: its number from 1, its name and the SQL of its file."""

    number: int
    name: str
    statements: bytes

    @property
    def sha256(self) -> str:
        """Return the checksum by which a changed file is noticed, in hexadecimal."""
        return hashlib.sha256(self.statements).hexdigest()


def read_migrations(folder: Path) -> tuple[Migration, ...]:
    """Return the migrations of a folder in order; numbers run 1, 2, 3 without a gap."""
    found = []
    for path in sorted(folder.glob("*.sql")):
        match = FILE_NAME.fullmatch(path.name)
        assert match, f"{path.name} is not named NNNN_name.sql"
        found.append(Migration(int(match[1]), match[2], path.read_bytes()))
    numbers = [migration.number for migration in found]
    assert numbers == list(range(1, len(found) + 1)), f"numbers in {folder.name}/ are {numbers}"
    return tuple(found)


def migrate(admin: str, settings: Settings, folder: Path = MIGRATIONS) -> tuple[str, ...]:
    """Bring the three databases forward; return what was applied, as `database/number_name`.

    `admin` is the connection string that `provision` was called with. Each file is one
    transaction of the owner with the schema as search path; two callers take turns. Raises
    `MigrationRefused` and `ProvisioningRefused`; what was applied before stays.
    """
    applied: list[str] = []
    for database in DATABASES:
        schema = schema_name(settings, database)
        migrations = read_migrations(folder / database)
        with connect_as_admin(admin, database_name(settings, database)) as connection:
            connection.execute(sql.SQL("SET ROLE {}").format(sql.Identifier(OWNER)))
            # Held until the connection closes, over all transactions.
            connection.execute("SELECT pg_advisory_lock(%s)", [LOCK])
            _make_record(connection, schema, database)
            known = _recorded(connection, schema)
            _compare(known, migrations, database)
            for migration in migrations[len(known) :]:
                _apply(connection, schema, migration, database)
                applied.append(f"{database}/{migration.number:04}_{migration.name}")
    return tuple(applied)


def check(
    connection: psycopg.Connection,
    settings: Settings,
    database: Database,
    folder: Path = MIGRATIONS,
) -> None:
    """Refuse to work with a database that is not exactly as this code's migrations leave it.

    For a role's start, with the role's own connection. Raises `MigrationRefused`.
    """
    migrations = read_migrations(folder / database)
    try:
        with connection.transaction():
            known = _recorded(connection, schema_name(settings, database))
    except (
        psycopg.errors.UndefinedTable,
        psycopg.errors.InvalidSchemaName,
        psycopg.errors.InsufficientPrivilege,
    ):
        known = []
    _compare(known, migrations, database)
    if len(known) < len(migrations):
        raise MigrationRefused(
            f"The database {database} is at migration {len(known)} and this version needs"
            f" {len(migrations)}: run ./falcon up, which migrates."
        )


def _make_record(connection: psycopg.Connection, schema: str, database: Database) -> None:
    table = sql.Identifier(schema, "schema_migration")
    logins = [user_name(login) for login, rules in LOGINS.items() if database in rules.databases]
    with connection.transaction():
        connection.execute(
            sql.SQL(
                "CREATE TABLE IF NOT EXISTS {} (number integer PRIMARY KEY, name text NOT NULL,"
                " sha256 text NOT NULL, applied_at timestamptz NOT NULL DEFAULT clock_timestamp())"
            ).format(table)
        )
        connection.execute(
            sql.SQL("GRANT SELECT ON {} TO {}").format(
                table, sql.SQL(", ").join(map(sql.Identifier, logins))
            )
        )


def _recorded(connection: psycopg.Connection, schema: str) -> list[tuple[int, str, str]]:
    rows = connection.execute(
        sql.SQL("SELECT number, name, sha256 FROM {} ORDER BY number").format(
            sql.Identifier(schema, "schema_migration")
        )
    )
    return [(int(number), str(name), str(digest)) for number, name, digest in rows]


def _compare(
    known: list[tuple[int, str, str]], migrations: tuple[Migration, ...], database: Database
) -> None:
    if len(known) > len(migrations):
        raise MigrationRefused(
            f"The database {database} is of a newer version (migration {known[-1][0]}) than this"
            f" code (migration {len(migrations)}): bring that version or a later one."
        )
    for (number, name, digest), migration in zip(known, migrations, strict=False):
        if (number, digest) != (migration.number, migration.sha256):
            raise MigrationRefused(
                f"Migration {number:04}_{name} of the database {database} was applied with another"
                " text than its file has: restore the file and add a new one instead."
            )


def _apply(
    connection: psycopg.Connection, schema: str, migration: Migration, database: Database
) -> None:
    try:
        with connection.transaction():
            # FROM CURRENT in a function takes this path: pg_temp last, so nobody's temporary
            # table is mistaken for one of ours.
            connection.execute(
                sql.SQL("SET LOCAL search_path = {}, pg_temp").format(sql.Identifier(schema))
            )
            connection.execute(migration.statements)
            connection.execute(
                sql.SQL("INSERT INTO {} (number, name, sha256) VALUES (%s, %s, %s)").format(
                    sql.Identifier(schema, "schema_migration")
                ),
                [migration.number, migration.name, migration.sha256],
            )
    except psycopg.errors.DiskFull:
        raise
    except psycopg.Error as error:
        reason = str(error).strip().splitlines()[0]
        raise MigrationRefused(
            f"Migration {migration.number:04}_{migration.name} of the database {database} failed"
            f" and was undone: {reason}"
        ) from error
