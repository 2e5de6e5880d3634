"""Databases go forward from any earlier version, and code refuses one that does not fit it."""

import shutil
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import psycopg
import pytest

from infrastructure.databases.migrate import (
    MIGRATIONS,
    MigrationRefused,
    check,
    migrate,
    read_migrations,
)
from infrastructure.databases.provision import provision
from infrastructure.settings import Settings
from tests.servers import FreshDatabases

FIRST = "CREATE TABLE note (id int PRIMARY KEY, word text);\nINSERT INTO note VALUES (1, 'kept');\n"
SECOND = "ALTER TABLE note ADD COLUMN size int;\nUPDATE note SET size = 4;\n"


@pytest.fixture
def old(databases: FreshDatabases) -> FreshDatabases:
    """Give a second ledger on the databases, with its schemas made and nothing migrated."""
    settings = replace(databases.settings, ledger="old")
    provision(databases.admin, settings, databases.secrets)
    return replace(databases, settings=settings)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Give migrations whose ledger has one file of our own."""
    shutil.copytree(MIGRATIONS, tmp_path / "migrations")
    shutil.rmtree(tmp_path / "migrations" / "ledger")
    (tmp_path / "migrations" / "ledger").mkdir()
    (tmp_path / "migrations" / "ledger" / "0001_first.sql").write_text(FIRST)
    return tmp_path / "migrations"


def _check(databases: FreshDatabases, settings: Settings, folder: Path) -> None:
    with databases.connect("command", autocommit=False) as connection:
        check(connection, settings, "ledger", folder)


def _rows(databases: FreshDatabases, query: bytes) -> list[tuple[object, ...]]:
    with databases.connect("reader") as connection:
        return connection.execute(query).fetchall()


def test_a_database_goes_forward_from_an_earlier_version(old: FreshDatabases, folder: Path) -> None:
    """Only what is missing is applied; what is there stays; a role asks for it by name."""
    with pytest.raises(MigrationRefused, match=r"at migration 0 .* needs 1: run ./falcon up"):
        _check(old, old.settings, folder)
    assert "ledger/0001_first" in migrate(old.admin, old.settings, folder)
    _check(old, old.settings, folder)
    (folder / "ledger" / "0002_second.sql").write_text(SECOND)
    with pytest.raises(MigrationRefused, match=r"at migration 1 .* needs 2: run ./falcon up"):
        _check(old, old.settings, folder)
    assert migrate(old.admin, old.settings, folder) == ("ledger/0002_second",)
    _check(old, old.settings, folder)
    assert migrate(old.admin, old.settings, folder) == ()
    assert _rows(old, b"SELECT * FROM note") == [(1, "kept", 4)]
    recorded = _rows(old, b"SELECT number, name, sha256 FROM schema_migration ORDER BY number")
    files = read_migrations(folder / "ledger")
    assert recorded == [(file.number, file.name, file.sha256) for file in files]


def test_a_newer_database_is_refused(old: FreshDatabases, folder: Path) -> None:
    """Old code on a new database would write what the new code no longer reads."""
    (folder / "ledger" / "0002_second.sql").write_text(SECOND)
    migrate(old.admin, old.settings, folder)
    (folder / "ledger" / "0002_second.sql").unlink()
    with pytest.raises(MigrationRefused, match=r"newer version \(migration 2\) .* bring that"):
        _check(old, old.settings, folder)
    with pytest.raises(MigrationRefused, match="newer version"):
        migrate(old.admin, old.settings, folder)


@pytest.mark.parametrize("how", ["other text", "other number"])
def test_a_changed_file_is_refused(old: FreshDatabases, folder: Path, how: str) -> None:
    """What was applied is history; two databases made from one version must be alike."""
    migrate(old.admin, old.settings, folder)
    first = folder / "ledger" / "0001_first.sql"
    if how == "other text":
        first.write_text(FIRST + "-- a comment is a change too\n")
    else:
        first.rename(folder / "ledger" / "0002_first.sql")
        (folder / "ledger" / "0001_before.sql").write_text("SELECT 1;")
    with pytest.raises(MigrationRefused, match=r"0001_first .* restore the file"):
        _check(old, old.settings, folder)
    with pytest.raises(MigrationRefused, match=r"0001_first .* restore the file"):
        migrate(old.admin, old.settings, folder)


def test_a_failed_file_leaves_nothing_behind(old: FreshDatabases, folder: Path) -> None:
    """Each file is one transaction with its own record: all of it or nothing of it."""
    (folder / "ledger" / "0002_broken.sql").write_text(SECOND + "SELECT 1/0;\n")
    with pytest.raises(MigrationRefused, match=r"0002_broken .* was undone: division by zero"):
        migrate(old.admin, old.settings, folder)
    assert _rows(old, b"SELECT * FROM note") == [(1, "kept")]
    (folder / "ledger" / "0002_broken.sql").write_text(SECOND)
    assert migrate(old.admin, old.settings, folder)[0] == "ledger/0002_broken"


def test_two_callers_apply_a_file_once(old: FreshDatabases, folder: Path) -> None:
    """The second waits for the first; together they applied each file once."""
    slow = "CREATE TABLE slow (id int); SELECT pg_sleep(0.3);"
    (folder / "ledger" / "0002_slow.sql").write_text(slow)
    with ThreadPoolExecutor(3) as pool:
        runs = list(pool.map(lambda _: migrate(old.admin, old.settings, folder), range(3)))
    applied = [name for run in runs for name in run]
    assert sorted(applied) == sorted(set(applied))
    assert "ledger/0002_slow" in applied


def test_what_a_file_makes_belongs_to_the_owner(old: FreshDatabases, folder: Path) -> None:
    """No running role owns a table, so none can drop or change one."""
    migrate(old.admin, old.settings, folder)
    owners = _rows(old, b"SELECT tableowner FROM pg_tables WHERE schemaname = 'ledger_old'")
    assert owners == [("falconpay_owner",)] * 2
    with (
        old.connect("command") as connection,
        pytest.raises(psycopg.errors.InsufficientPrivilege),
    ):
        connection.execute("DROP TABLE note")


def test_a_migration_is_out_of_reach_of_temporary_tables(old: FreshDatabases, folder: Path) -> None:
    """A function that keeps the path of its migration looks into pg_temp last."""
    (folder / "ledger" / "0002_path.sql").write_text(
        "CREATE FUNCTION path() RETURNS text LANGUAGE sql SET search_path FROM CURRENT"
        " AS $$ SELECT current_setting('search_path') $$;"
    )
    migrate(old.admin, old.settings, folder)
    assert _rows(old, b"SELECT path()") == [("ledger_old, pg_temp",)]


@pytest.mark.parametrize("name", ["0003_gap.sql", "0001_twice.sql", "2_short.sql", "0002-dash.sql"])
def test_a_wrong_number_or_name_is_a_broken_invariant(folder: Path, name: str) -> None:
    (folder / "ledger" / name).write_text("SELECT 1;")
    with pytest.raises(AssertionError):
        read_migrations(folder / "ledger")


@pytest.mark.parametrize("database", ["ledger", "identity", "reports"])
def test_our_own_migrations_are_numbered_without_a_gap(database: str) -> None:
    assert read_migrations(MIGRATIONS / database)
