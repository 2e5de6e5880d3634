"""Compares the read models with the checker's own fold, row by row while the events pass."""

from collections.abc import Iterator
from typing import Any

import psycopg
from psycopg.conninfo import make_conninfo

from tests.faults.book import MOST_FAULTS, Book, Row

ENTRIES = """
    SELECT position, version, amount, posted_after, held_after, recorded_at, effective_at,
        wallet_id, payment_id, counterparty, direction, currency, description
    FROM "{schema}".entries ORDER BY position"""
PAYMENTS = """
    SELECT position, payment_id, amount, available, recorded_at, effective_at, source_wallet_id,
        destination_wallet_id, kind, status, currency, failure_code, description, reference,
        metadata
    FROM "{schema}".payments ORDER BY position"""
BALANCES = """
    SELECT wallet_id, posted, held, overdraft_limit, frozen_by_member, frozen_by_operator, closed,
        position, opened_position, opened_at, kind, account_class, currency, owner, name, reference
    FROM "{schema}".balances"""
DAYS = 'SELECT date, currency, kind, count, volume, declined FROM "{schema}".daily_totals'
TRIAL = 'SELECT opened_position, wallet_id, currency FROM "{schema}".trial_balance'


class Tables:
    """The five read models of a ledger; all of them must have come as far as the events."""

    def __init__(self, reports_url: str, schema: str = "reports_main") -> None:
        """Take the URL of the reports database; connects at once."""
        self.faults: list[str] = []
        self.rows = 0
        self._schema = schema
        # One snapshot would be better still, but nothing writes any more when this is read.
        self._connections = [psycopg.connect(reports_url) for _ in range(3)]
        self._entries = self._rows(0, ENTRIES)
        self._payments = self._rows(1, PAYMENTS)

    def watch(self, book: Book, _row: Row) -> None:
        """Compare the rows that the last event adds."""
        if book.entry is not None:
            self._compare("entries", book.entry, next(self._entries, None))
        if book.payment is not None:
            self._compare("payments", book.payment, next(self._payments, None))

    def finish(self, book: Book) -> None:
        """Compare what is known at the end only, and close."""
        for name, rows in (("entries", self._entries), ("payments", self._payments)):
            left = next(rows, None)
            if left is not None:
                self._fault(f"{name} has a row that no event tells of: {left}")
        self._sets("balances", BALANCES, set(_balances(book)))
        self._sets("daily_totals", DAYS, {(*day, *total) for day, total in book.days.items()})
        opened = {
            (wallet.row["opened_position"], name, wallet.row["currency"])
            for name, wallet in book.wallets.items()
        }
        self._sets("trial_balance", TRIAL, opened)
        for connection in self._connections:
            connection.close()

    def _rows(self, place: int, statement: str) -> Iterator[tuple[Any, ...]]:
        with self._connections[place].cursor(f"rows{place}") as cursor:
            cursor.itersize = 5_000
            cursor.execute(statement.format(schema=self._schema))
            yield from cursor

    def _compare(self, name: str, expected: tuple[Any, ...], found: tuple[Any, ...] | None) -> None:
        self.rows += 1
        if found != expected:
            self._fault(f"{name} has {found} where the events say {expected}")

    def _sets(self, name: str, statement: str, expected: set[tuple[Any, ...]]) -> None:
        rows = self._connections[2].execute(statement.format(schema=self._schema))
        found = set(rows.fetchall())
        self.rows += len(expected)
        for row in list(found - expected)[:5]:
            self._fault(f"{name} has {row}, which the events do not say")
        for row in list(expected - found)[:5]:
            self._fault(f"{name} lacks {row}")

    def _fault(self, text: str) -> None:
        if len(self.faults) < MOST_FAULTS:
            self.faults.append(text)


def _balances(book: Book) -> Iterator[tuple[Any, ...]]:
    for name, wallet in book.wallets.items():
        row = wallet.row
        yield (
            name,
            wallet.balance,
            0,
            wallet.limit,
            wallet.frozen.get("member", False),
            wallet.frozen.get("operate", False),
            wallet.closed,
            wallet.position,
            row["opened_position"],
            row["opened_at"],
            row["kind"],
            row["class"],
            row["currency"],
            row["owner"],
            row["name"],
            row["reference"],
        )


def reports_of(ledger_url: str, name: str = "reports") -> str:
    """Return the URL of the reports database beside that of the ledger."""
    return make_conninfo(ledger_url, dbname=name)
