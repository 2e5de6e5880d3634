"""Others in the way of a writer: who holds a head's lock, who waits for it, who stores first."""

import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar
from uuid import uuid4

import psycopg

from domain.identifiers import WalletId, bits
from tests.servers import FreshDatabases

Result = TypeVar("Result")
TOMORROW = "(date_trunc('day', clock_timestamp()) + interval '1 day')"


class Holder:
    """Another transaction that has a wallet's head locked."""

    def __init__(self, databases: FreshDatabases, wallet: WalletId) -> None:
        """Lock it."""
        self.connection = databases.connect_admin()
        self.connection.execute("SET search_path = ledger_main")
        self.connection.execute("BEGIN")
        self.connection.execute(
            "SELECT 1 FROM wallet_head WHERE id = %s FOR UPDATE", (bits(wallet),)
        )

    def commit(self, statement: str = "SELECT 1", *values: object) -> None:
        """Change something under the lock, then give it back."""
        self.connection.execute(statement.encode(), values)
        self.connection.execute("COMMIT")
        self.connection.close()


def until_waiting(connection: psycopg.Connection, sessions: int) -> None:
    """Return when so many sessions wait for locks."""
    for _ in range(300):
        found = connection.execute(
            "SELECT count(DISTINCT pid) FROM pg_locks WHERE NOT granted"
        ).fetchone()
        if found is not None and found[0] >= sessions:
            return
        time.sleep(0.005)
    raise AssertionError("nobody waits for the locks")


def in_background(call: Callable[[], Result]) -> Future[Result]:
    """Run a call in a thread of its own."""
    pool = ThreadPoolExecutor(1)
    future = pool.submit(call)
    pool.shutdown(wait=False)
    return future


def in_line(
    databases: FreshDatabases, wallet: WalletId, calls: Sequence[Callable[[], Result]]
) -> list[Result]:
    """Let calls wait for a wallet's head, one behind the other, and return what comes of them.

    Who waits first gets the lock first.
    """
    holder = Holder(databases, wallet)
    waiting = []
    for number, call in enumerate(calls, 1):
        waiting.append(in_background(call))
        until_waiting(holder.connection, number)
    holder.commit()
    return [each.result(20) for each in waiting]


def append_opening(connection: psycopg.Connection, at: str, valid_before: str) -> None:
    """Store one event as another process would, decided at a time given in SQL."""
    connection.execute(
        "SELECT * FROM append(ARRAY[%s::uuid], ARRAY[1::bigint], ARRAY['wallet.opened.v1'],"
        ' ARRAY[\'{"kind":"personal","class":"liability","owner":"x","name":"x",'
        '"reference":null,"currency":"EUR","overdraft_limit":0}\'::bytea],'
        ' ARRAY[\'{"command_id":"x","index":0,"count":1}\'::bytea],'
        f" {at}, {valid_before})".encode(),
        (uuid4(),),
    )
