"""What other people's programs find in an exported book, and what the ledger itself holds."""

import csv
import io
from collections.abc import Callable, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
from beancount import loader
from beancount.core.data import Transaction

from tests.books import falcon
from tests.outside_programs import output_of
from tests.read_model_fold import crockford, folded_rows
from tests.servers import FreshDatabases

DIGITS = {"EUR": 2, "USD": 2, "CZK": 2, "GBP": 2, "JPY": 0, "KWD": 3, "ETH": 18}
Balances = Mapping[str, Decimal]
"""What each wallet has, by its id, where it is not nothing."""


def heads(databases: FreshDatabases) -> Balances:
    """Return the balances of the ledger's own heads."""
    with databases.connect("reader") as connection:
        rows = connection.execute("SELECT id::text, currency, posted FROM wallet_head").fetchall()
    return {
        crockford("wal", uuid): Decimal(posted).scaleb(-DIGITS[currency])
        for uuid, currency, posted in rows
        if posted
    }


def balances_at(databases: FreshDatabases, position: int = 2**40) -> Balances:
    """Return what wallets have where the command ends that a position lies in."""
    with databases.connect("reader") as connection:
        (last,) = connection.execute(
            "SELECT notification_id - (convert_from(metadata, 'UTF8')::json->>'index')::int"
            " + (convert_from(metadata, 'UTF8')::json->>'count')::int - 1 FROM events"
            " WHERE notification_id <= %s ORDER BY notification_id DESC LIMIT 1",
            [position],
        ).fetchone() or (0,)
    found: dict[str, Decimal] = {}
    for row in folded_rows(databases, last)["entries"]:
        found[row[7]] = Decimal(row[3]).scaleb(-DIGITS[row[11]])
    return {wallet: amount for wallet, amount in found.items() if amount}


def of_hledger(journal: Path) -> Balances:
    """Return what hledger finds: debits are above zero there, so below zero here."""
    output_of("hledger", "-f", journal, "check", "--strict")
    told = output_of("hledger", "-f", journal, "balance", "--flat", "-N", "-O", "csv")
    found = {}
    for account, amount in list(csv.reader(io.StringIO(told)))[1:]:
        found[account.rpartition(":")[2]] = -Decimal(amount.split()[0])
    return found


def of_beancount(ledger: Path) -> Balances:
    """Return what Beancount finds: debits are above zero there, so below zero here."""
    output_of("bean-check", "--no-cache", ledger)
    entries, errors, _ = loader.load_string(ledger.read_text())
    assert errors == []
    found = added_up(entries)
    return {"wal_" + account.rpartition(":")[2]: -amount for account, amount in found.items()}


def added_up(entries: list[Any]) -> dict[str, Decimal]:
    """Return what each account of Beancount comes to, where it is not nothing."""
    found: dict[str, Decimal] = {}
    for entry in entries:
        if isinstance(entry, Transaction):
            for posting in entry.postings:
                assert posting.units is not None, "every amount is written out"
                number = posting.units.number
                assert isinstance(number, Decimal)
                found[posting.account] = found.get(posting.account, Decimal(0)) + number
    return {account: amount for account, amount in found.items() if amount}


def ask(folder: Path, statement: str) -> list[tuple[Any, ...]]:
    """Ask DuckDB over the Parquet, as the view `book`."""
    with duckdb.connect() as connection:
        connection.execute(f"CREATE VIEW book AS SELECT * FROM read_parquet('{folder}/*.parquet')")
        return connection.execute(statement).fetchall()


def of_parquet(folder: Path) -> Balances:
    """Return what DuckDB finds."""
    rows = ask(folder, "SELECT stream_id, sum(posted) FROM book WHERE posted <> 0 GROUP BY ALL")
    return {wallet: amount for wallet, amount in rows if amount}


def export(databases: FreshDatabases, form: str, path: Path, *words: object) -> Path:
    """Export a book and return where it is."""
    done = falcon(databases, "export", "--format", form, path, *words)
    assert done.returncode == 0, done.stderr
    return path


JOURNALS = ("hledger", "beancount")
FORMATS = (*JOURNALS, "parquet")
READERS: Mapping[str, Callable[[Path], Balances]] = {
    "hledger": of_hledger,
    "beancount": of_beancount,
    "parquet": of_parquet,
}
"""What finds the balances in each form."""
