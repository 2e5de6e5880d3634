"""A small book of every kind of event, and hands that may do everything to it."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, LiteralString
from uuid import UUID

import psycopg

from application.commands import Submission
from domain.identifiers import WalletId, key_stream, payment_id, wallet_id
from domain.money import Currencies
from domain.payments import transfer_money
from domain.wallet_rules import ChangeOverdraftLimit, FreezeWallet, OpenWallet
from domain.wallets import Caller
from infrastructure.ledger_store.opening import open_ledger
from tests.books import project, replay
from tests.servers import FreshDatabases

LEDGER_TABLES: tuple[LiteralString, ...] = (
    *("events", "wallet_head", "store"),
    *("seal", "seal_tile", "seal_key"),
)
REPORT_TABLES: tuple[LiteralString, ...] = (
    *("checkpoint", "balances", "members", "entries", "payments", "payment_legs"),
    *("payment_steps", "schedules", "schedule_occurrences", "payment_requests"),
    *("daily_totals", "trial_balance", "value_days", "late_entries", "declines"),
    "audit_trail",
)
OPERATOR = Caller("tests", "tests", operate=True)


def submit(databases: FreshDatabases, commands: list[Callable[[UUID], Any]], begin: int) -> None:
    """Have the ledger decide commands, each made from the stream that its key begins."""
    faults: list[Exception] = []
    ledger, store = open_ledger(
        databases.settings, databases.secrets, Currencies({}), faults.append
    )
    works = []
    for number, make in enumerate(commands, begin):
        stream = key_stream("main", "tests", "tests", str(number))
        works.append(Submission(make(stream), OPERATOR, stream, str(number)))
    outcomes = ledger.execute(works)
    store.close()
    assert not [*faults, *(outcome for outcome in outcomes if isinstance(outcome, Exception))]


def wallet_of(number: int) -> WalletId:
    return wallet_id(key_stream("main", "tests", "tests", str(number)))


def opening(limit: int | None, name: str) -> Callable[[UUID], Any]:
    return lambda stream: OpenWallet(
        wallet_id=wallet_id(stream),
        kind="personal",
        account_class="liability",
        name=name,
        reference=None,
        currency="EUR",
        overdraft_limit=limit,
    )


def paying(source: int, destination: int, amount: int) -> Callable[[UUID], Any]:
    return lambda stream: transfer_money(
        payment_id=payment_id(stream),
        source_wallet_id=wallet_of(source),
        destination_wallet_id=wallet_of(destination),
        amount=amount,
        currency="EUR",
        description=f"no. {amount}",
        metadata={"shelf": "7"},
    )


def write_book(databases: FreshDatabases) -> None:
    """Write the book that each test alters.

    1-3: wallets opened. 4-6: 500 from the first to the second. 7-9: 200 from the second to the
    third. 10: declined. 11-12: the third frozen. 13-14: the second's limit set to 1.00.
    15-17: 300 from the second to the third, which leaves it with nothing. 18-20: 1 back.
    """
    commands: list[Callable[[UUID], Any]] = [
        opening(None, "bank"),
        opening(0, "two"),
        opening(0, "three"),
        paying(1, 2, 500),
        paying(2, 3, 200),
        paying(2, 3, 5_000),
        lambda _: FreezeWallet(wallet_of(3), "lost"),
        lambda _: ChangeOverdraftLimit(wallet_of(2), 100, "agreed"),
        paying(2, 3, 300),
        paying(1, 2, 1),
    ]
    submit(databases, commands, begin=1)
    project(databases)


@contextmanager
def kept(databases: FreshDatabases) -> Iterator["Book"]:
    """Give a book that was written and projected, with a copy of every table beside it."""
    with databases.connect_admin() as ledger, databases.connect_admin("reports") as reports:
        ledger.execute("SET search_path = ledger_main")
        reports.execute("SET search_path = reports_main")
        for table in LEDGER_TABLES:
            ledger.execute(f"ALTER TABLE {table} DISABLE TRIGGER ALL")
        for connection, tables in ((ledger, LEDGER_TABLES), (reports, REPORT_TABLES)):
            for table in tables:
                connection.execute(f"CREATE TABLE copy_of_{table} AS TABLE {table}")
        yield Book(databases, ledger, reports)


@dataclass(frozen=True, slots=True)
class Book:
    """The book, and hands that may do everything to it."""

    databases: FreshDatabases
    ledger: psycopg.Connection[Any]
    reports: psycopg.Connection[Any]

    def place(self) -> tuple[int, str, str, str]:
        """Return position, place, stream and field of the first difference."""
        first = replay(self.databases).findings.first
        assert first is not None
        return first.position, first.where, first.stream, first.field

    def put_right(self) -> None:
        """Undo whatever was done to it."""
        for connection, tables in ((self.ledger, LEDGER_TABLES), (self.reports, REPORT_TABLES)):
            for table in tables:
                with connection.transaction():
                    connection.execute(f"DELETE FROM {table}")
                    connection.execute(f"INSERT INTO {table} SELECT * FROM copy_of_{table}")
