"""Opens a read-only snapshot of a database that stays as it is for as long as it is read."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
from psycopg import IsolationLevel

from infrastructure.databases.logins import Database, conninfo
from infrastructure.databases.migrate import check
from infrastructure.secrets import Secrets
from infrastructure.settings import Settings


@contextmanager
def snapshot(
    settings: Settings, secrets: Secrets, database: Database
) -> Iterator[psycopg.Connection[Any]]:
    """Give a connection of the read-only login in one REPEATABLE READ transaction.

    The snapshot is taken by its first statement. Raises `SecretMissing`, `MigrationRefused` and
    `psycopg.OperationalError`.
    """
    where = conninfo(settings, secrets, "reader", database)
    with psycopg.connect(where) as connection:
        check(connection, settings, database)
        # A snapshot may be left alone while another one is read.
        connection.execute("SET idle_in_transaction_session_timeout = 0")
        connection.commit()
        connection.isolation_level = IsolationLevel.REPEATABLE_READ
        connection.read_only = True
        yield connection
