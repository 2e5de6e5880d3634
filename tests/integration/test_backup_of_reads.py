"""The log of who has read what goes through backup and restore: it is only ever added to."""

from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from msgspec.structs import replace as replace_fields

from infrastructure.report_store.rebuilt_tables import rebuilt_tables
from interfaces.recovery.archive import open_archive
from interfaces.recovery.copied import rows
from tests.backups import (
    as_owner,
    database_names,
    elsewhere,
    look,
    looks,
    rewritten,
    some_book,
)
from tests.rebuilds import projection
from tests.servers import FreshDatabases
from tests.written import Written

pytestmark = pytest.mark.timeout(180)


@pytest.fixture
def place(databases: FreshDatabases, tmp_path: Path) -> Iterator[FreshDatabases]:
    """Give an empty home on the same server."""
    found = elsewhere(databases, tmp_path / "place")
    yield found
    with psycopg.connect(found.admin, autocommit=True) as admin:
        for name in database_names(found):
            admin.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


def test_the_logs_of_reads_are_in_it_and_no_read_model(
    databases: FreshDatabases, writer: Written, tmp_path: Path
) -> None:
    """No event tells of them; read models, also those being rebuilt, are derived."""
    some_book(writer, transfers=2)
    look(databases, "ada")
    with rebuilt_tables(databases.settings, databases.secrets, projection("entries")) as tables:
        tables.begin(afresh=False)
        assert as_owner(databases, "backup", tmp_path / "book.backup").returncode == 0
    with open_archive(tmp_path / "book.backup") as archive:
        (log,) = archive.manifest.logs
        assert [table.name for table in log.tables] == ["access_log"]
        with archive.part(log.tables[0].part) as source:
            assert list(rows(source, log.tables[0], ["number", "sub"])) == [(1, "ada")]


def test_the_log_of_reads_comes_back_and_is_only_added_to(
    databases: FreshDatabases, writer: Written, place: FreshDatabases, tmp_path: Path
) -> None:
    """With the times and numbers of before, and nobody changes it there either."""
    some_book(writer, transfers=2)
    look(databases, "ada", "ben")
    assert as_owner(databases, "backup", tmp_path / "book.backup").returncode == 0
    done = as_owner(place, "restore", tmp_path / "book.backup")
    assert done.returncode == 0, done.stderr
    assert looks(place) == looks(databases)
    look(place, "cyd")
    assert [(row[0], row[2]) for row in looks(place)] == [(1, "ada"), (2, "ben"), (3, "cyd")]
    with place.connect_admin("reports") as admin:
        admin.execute("SET session_replication_role = replica")
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            admin.execute("DELETE FROM reports_main.access_log")


def test_a_log_that_is_there_keeps_its_reads_and_gets_those_of_the_backup(
    databases: FreshDatabases, writer: Written, place: FreshDatabases, tmp_path: Path
) -> None:
    """What both have is there once, however often it is restored."""
    some_book(writer, transfers=2)
    files = [tmp_path / name for name in ("first.backup", "second.backup")]
    look(databases, "ada")
    assert as_owner(databases, "backup", files[0]).returncode == 0
    assert as_owner(place, "restore", files[0]).returncode == 0
    look(databases, "ben", "ben")
    assert as_owner(databases, "backup", files[1]).returncode == 0
    look(place, "cyd")
    for _ in range(2):
        done = as_owner(place, "restore", files[1], "--replace")
        assert done.returncode == 0, done.stderr
        assert [row[2] for row in looks(place)] == ["ada", "cyd", "ben", "ben"]
    told = {row[1:] for row in looks(databases)}
    assert told <= {row[1:] for row in looks(place)}


def test_a_log_of_before_it_was_backed_up_stays(databases: FreshDatabases, tmp_path: Path) -> None:
    """A file of an older version has none; what is in place is as it was."""
    writer = Written(databases.settings, databases.secrets)
    some_book(writer, transfers=2)
    writer.close()
    look(databases, "ada")
    assert as_owner(databases, "backup", tmp_path / "book.backup").returncode == 0
    rewritten(
        tmp_path / "book.backup",
        tmp_path / "older.backup",
        lambda manifest: replace_fields(
            manifest, schemas=tuple(each for each in manifest.schemas if each.database != "reports")
        ),
    )
    before = looks(databases)
    done = as_owner(databases, "restore", tmp_path / "older.backup", "--replace")
    assert done.returncode == 0, done.stderr
    assert looks(databases) == before
