"""The worker's transactions and the rows added in them, copied and in a pipeline."""

import time
from collections.abc import Iterator

import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st
from psycopg import errors

from projections.rows import Row, Rows
from projections.transactions import transaction
from tests.servers import FreshDatabases

PIPELINED = pytest.mark.parametrize("pipelined", [False, True], ids=["copied", "pipelined"])
THINGS = Rows(
    "things",
    {"bigint": "id", "text": "told", "text[]": "many", "json": "kept", "timestamptz": "at"},
)
Connection = psycopg.Connection[tuple[object, ...]]


@pytest.fixture(scope="module")
def connection(module_databases: FreshDatabases) -> Iterator[Connection]:
    """Give a connection in autocommit that has a table of its own."""
    with module_databases.connect_admin("reports") as connection:
        connection.execute(
            "CREATE TEMPORARY TABLE things (id bigint PRIMARY KEY DEFERRABLE, told text,"
            " many text[], kept json, at timestamptz)"
        )
        yield connection


@pytest.fixture(autouse=True)
def empty(connection: Connection) -> None:
    connection.execute("TRUNCATE things")


def stored(connection: Connection) -> list[Row]:
    return connection.execute(
        "SELECT id, told, many, kept #>> '{}', at::text FROM things ORDER BY id"
    ).fetchall()


TEXTS = st.text(
    st.characters(exclude_characters="\0", exclude_categories=["Cs"])
) | st.sampled_from(
    ["", "NULL", "null", "\\N", "\\", '"', "{}", '{"a"}', "a,b", " ", "\t\n\r", "\\.", "'"]
)


@given(rows=st.lists(st.tuples(st.none() | TEXTS, st.none() | st.lists(TEXTS))))
def test_rows_are_stored_alike(
    connection: Connection, rows: list[tuple[str | None, list[str] | None]]
) -> None:
    made: list[Row] = [
        (number, told, many, None if told is None else '"kept"', "2026-11-26T12:00:00.123456Z")
        for number, (told, many) in enumerate(rows)
    ]
    found = []
    for pipelined in (False, True):
        connection.execute("TRUNCATE things")
        with transaction(connection, pipelined=pipelined) as cursor:
            THINGS.add(cursor, made)
        found.append(stored(connection))
    assert found[0] == found[1]
    assert [(row[1], row[2]) for row in found[0]] == rows


def add(connection: Connection, pipelined: bool, *numbers: int | None, fault: bool = False) -> None:
    """Add two rows in a transaction whose constraints are looked at when it is committed."""
    with transaction(connection, pipelined=pipelined) as cursor:
        cursor.execute("SET CONSTRAINTS ALL DEFERRED")
        for number in numbers:
            THINGS.add(cursor, [(number, None, None, None, None)])
        if fault:
            raise KeyError


@PIPELINED
def test_what_an_exception_ends_is_rolled_back(connection: Connection, pipelined: bool) -> None:
    with pytest.raises(KeyError):
        add(connection, pipelined, 1, 2, fault=True)
    assert stored(connection) == []


@PIPELINED
def test_an_error_that_nobody_fetched_is_raised(connection: Connection, pipelined: bool) -> None:
    """Before it is, nothing is taken for committed; afterwards the connection can be used."""
    with pytest.raises(errors.NotNullViolation):
        add(connection, pipelined, 1, None)
    assert stored(connection) == []


@PIPELINED
def test_an_error_of_the_commit_is_raised(connection: Connection, pipelined: bool) -> None:
    with pytest.raises(errors.UniqueViolation):
        add(connection, pipelined, 1, 1)
    assert stored(connection) == []


@PIPELINED
def test_a_process_that_stops_keeps_no_locks(
    module_databases: FreshDatabases, pipelined: bool
) -> None:
    """The server ends the transaction of who does not go on after an answer."""

    def stop(stopping: Connection) -> None:
        with transaction(stopping, pipelined=pipelined) as cursor:
            assert cursor.execute("SELECT pg_advisory_xact_lock(7)").fetchall()
            time.sleep(0.6)
            cursor.execute("SELECT 1")

    with module_databases.connect_admin("reports") as stopping:
        stopping.execute("SET idle_in_transaction_session_timeout = '200ms'")
        with pytest.raises(psycopg.Error, match=r"idle-in-transaction|server closed"):
            stop(stopping)
