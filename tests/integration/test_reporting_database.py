"""The reports are a database of their own: what its logins reach, asked of the server itself."""

from collections.abc import Iterator

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from infrastructure.databases.logins import (
    DATABASES,
    LOGINS,
    Database,
    Login,
    conninfo,
    database_name,
    schema_name,
    user_name,
)
from projections.catalogue import CATALOGUE
from tests.servers import FreshDatabases

CHANGES = ("INSERT", "UPDATE", "DELETE", "TRUNCATE", "REFERENCES", "TRIGGER")
RIGHTS = ("SELECT", *CHANGES)
READ_MODELS = {"checkpoint", *(table for each in CATALOGUE for table in each.tables)}
OF_REPORTS: tuple[Login, ...] = ("query", "projector", "accesslog", "reader")


def held(databases: FreshDatabases, login: Login, database: Database) -> dict[str, set[str]]:
    """Return the rights that a login has on any column of each table of a database."""
    with databases.connect_admin(database) as connection:
        rows = connection.execute(
            "SELECT c.relname, r.name FROM pg_class c, unnest(%s::text[]) AS r (name)"
            " WHERE c.relnamespace = %s::regnamespace AND c.relkind IN ('r', 'p', 'v', 'm')"
            " AND (has_table_privilege(%s, c.oid, r.name) OR (r.name NOT IN"
            " ('DELETE', 'TRUNCATE', 'TRIGGER') AND has_any_column_privilege(%s, c.oid, r.name)))",
            [
                list(RIGHTS),
                schema_name(databases.settings, database),
                user_name(login),
                user_name(login),
            ],
        )
        found: dict[str, set[str]] = {}
        for table, right in rows:
            found.setdefault(table, set()).add(right)
    return found


def test_the_queries_read_reports_and_no_more(databases: FreshDatabases) -> None:
    """Every table can be read, and none can be written."""
    rights = held(databases, "query", "reports")
    assert set(rights) >= READ_MODELS | {"access_log"}
    assert {name: found for name, found in rights.items() if found != {"SELECT"}} == {}


def test_the_projector_builds_read_models_and_reads_events(databases: FreshDatabases) -> None:
    """It changes what can be rebuilt, not the log of reads, and nothing of the ledger."""
    rights = held(databases, "projector", "reports")
    writable = {name for name, found in rights.items() if found & set(CHANGES)}
    assert writable == READ_MODELS
    assert all(rights[name] == {"SELECT", "INSERT", "UPDATE", "DELETE"} for name in writable)
    assert "access_log" not in rights
    ledger = held(databases, "projector", "ledger")
    assert set(ledger) >= {"events", "store", "epoch"}
    assert {name: found for name, found in ledger.items() if found != {"SELECT"}} == {}
    assert "wallet_head" not in ledger


def test_the_log_of_reads_is_only_added_to(databases: FreshDatabases) -> None:
    rights = held(databases, "accesslog", "reports")
    assert rights == {"access_log": {"INSERT"}, "schema_migration": {"SELECT"}}


def connects(databases: FreshDatabases, login: Login, database: Database) -> bool:
    """Return whether the server lets a login into a database, whatever our own code allows."""
    allowed = LOGINS[login].databases[0]
    own = conninfo(databases.settings, databases.secrets, login, allowed)
    where = make_conninfo(own, dbname=database_name(databases.settings, database))
    try:
        psycopg.connect(where).close()
    except psycopg.OperationalError as refusal:
        # Anything else that goes wrong is no refusal.
        if "permission denied for database" not in str(refusal):
            raise
        return False
    return True


@pytest.mark.parametrize("login", OF_REPORTS)
def test_which_databases_a_login_reaches(databases: FreshDatabases, login: Login) -> None:
    """Neither what answers queries nor what logs reads can connect to the ledger at all."""
    reached = {database for database in DATABASES if connects(databases, login, database)}
    assert reached == set(LOGINS[login].databases)
    if login in {"query", "accesslog"}:
        assert reached == {"reports"}


@pytest.fixture
def bridges(databases: FreshDatabases) -> Iterator[list[str]]:
    """Give what a login of reports could reach another database by."""
    with databases.connect_admin("reports") as connection:
        rows = connection.execute("SELECT extname FROM pg_extension")
        yield [name for (name,) in rows]


def test_there_is_no_bridge_to_the_ledger(bridges: list[str]) -> None:
    """No extension is installed by which SQL reaches into another database."""
    assert set(bridges) == {"plpgsql"}


def test_no_report_is_compiled(databases: FreshDatabases) -> None:
    """Whatever the server is set to: that would take longer than most reports may."""
    with databases.connect("query", "reports") as connection:
        row = connection.execute("SELECT setting, source FROM pg_settings WHERE name = 'jit'")
        assert row.fetchone() == ("off", "client")
