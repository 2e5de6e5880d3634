"""The pipeline of the write path: what fails in it is told as it is, and the connection goes on."""

import time

import psycopg
import pytest

from infrastructure.ledger_store.pipeline import pipeline
from tests.servers import FreshDatabases

SOON = 0.2


@pytest.mark.parametrize("pause", [0, SOON])
def test_a_refusal_is_told_whenever_it_comes(databases: FreshDatabases, pause: float) -> None:
    """Before the end is sent or behind it: the first fault is raised, and all results are read."""
    with databases.connect("command") as connection:
        with pytest.raises(psycopg.errors.DivisionByZero):
            divide(connection, pause)
        connection.execute("ROLLBACK")
        assert connection.execute("SELECT 1").fetchone() == (1,)


def divide(connection: psycopg.Connection, pause: float) -> None:
    with pipeline(connection) as line:
        connection.execute("BEGIN")
        connection.execute("SELECT 1 / 0")
        time.sleep(pause)
        line.gather()
        connection.execute("COMMIT")


def test_a_lost_connection_is_told(databases: FreshDatabases) -> None:
    """The server has ended the session before anything was sent."""
    connection = databases.connect("command")
    with databases.connect_admin() as admin:
        admin.execute("SELECT pg_terminate_backend(%s)", [connection.info.backend_pid])
    with pytest.raises(psycopg.OperationalError), pipeline(connection):
        connection.execute("SELECT 1")
    assert connection.closed
