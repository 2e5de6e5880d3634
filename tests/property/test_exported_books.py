"""Whatever book is drawn, other people's programs accept its export and find its balances."""

import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, get_args

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from domain.events import AccountClass, WalletOpened
from domain.identifiers import WalletId, wallet_id
from infrastructure.databases.assets import register_assets
from infrastructure.event_log.currencies import stored_currencies
from infrastructure.event_log.reader import EventReader
from interfaces.exporting import beancount_book, hledger_book
from interfaces.exporting.book import Part
from interfaces.exporting.parquet_book import write_days
from interfaces.replay.book import events_between
from interfaces.replay.snapshot import snapshot
from tests.drawn_statements import CURRENCIES, MOST, NAMES, TEXTS
from tests.events_writer import EventsWriter
from tests.exported import READERS, Balances, balances_at
from tests.servers import FreshDatabases

CLASSES: tuple[AccountClass, ...] = get_args(AccountClass)
EXAMPLES = 12
ASSETS = {"ETH": 18}
DAYS = st.dates().filter(lambda day: 1000 <= day.year < 2999).map(lambda day: day.isoformat())


@dataclass(frozen=True, slots=True)
class Paid:
    """A transfer between two wallets of a book, by their places in it."""

    source: int
    destination: int
    amount: int
    description: str | None
    day: str


@st.composite
def books(draw: st.DrawFn) -> tuple[str, list[tuple[str, AccountClass]], list[Paid]]:
    """Draw a currency, wallets by name and class, and what is paid between them."""
    wallets = draw(st.lists(st.tuples(NAMES, st.sampled_from(CLASSES)), min_size=2, max_size=5))
    places = st.integers(0, len(wallets) - 1)
    amounts = st.one_of(st.integers(1, 10_000), st.integers(1, MOST), st.just(MOST))
    paid = st.builds(Paid, places, places, amounts, TEXTS, DAYS)
    different = paid.filter(lambda one: one.source != one.destination)
    transfers = draw(st.lists(different, min_size=1, max_size=6))
    return draw(st.sampled_from(sorted({**CURRENCIES, **ASSETS}))), wallets, transfers


def write(
    writer: EventsWriter, currency: str, wallets: list[tuple[str, AccountClass]], paid: list[Paid]
) -> None:
    """Append a book to the ledger, all its transfers in one command."""
    ids: list[WalletId] = []
    for name, account_class in wallets:
        ids.append(wallet_id(writer.new_bits()))
        opened = WalletOpened(
            kind="system",
            account_class=account_class,
            owner=None,
            name=name,
            reference=None,
            currency=currency,
            overdraft_limit=None,
        )
        writer.command([(ids[-1], opened)])
    events: list[Any] = []
    for one in paid:
        events += writer.leg(
            ids[one.source],
            ids[one.destination],
            one.amount,
            currency=currency,
            description=one.description,
            effective_at=f"{one.day}T00:00:00.000000Z",
        )
    writer.command(events)


def test_programs_find_the_balances_of_any_book(
    make_databases: Callable[..., FreshDatabases],
) -> None:
    """Of the whole ledger, which grows from book to book, and of the last book as a part of it."""
    databases = make_databases()
    register_assets(databases.admin, replace(databases.settings, assets=ASSETS))
    with databases.connect("command") as connection:
        writer = EventsWriter(connection)

        @settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
        @given(book=books())
        def check(book: tuple[str, list[tuple[str, AccountClass]], list[Paid]]) -> None:
            write(writer, *book)
            written = writer.flush()
            expected = balances_at(databases)
            for first in (1, written.first):
                for form, found in exported(databases, first, written.last):
                    assert found == expected, (form, first)

        check()


def exported(databases: FreshDatabases, first: int, last: int) -> Iterator[tuple[str, Balances]]:
    """Export some events in each form and give what a program finds in it."""
    with (
        tempfile.TemporaryDirectory() as folder,
        snapshot(databases.settings, databases.secrets, "ledger") as connection,
    ):
        currencies = stored_currencies(connection)
        part = Part(connection, "main", currencies, first, last)
        for form, lines in (
            ("hledger", hledger_book.book_lines(part)),
            ("beancount", beancount_book.book_lines(part)),
        ):
            path = Path(folder) / form
            path.write_text("\n".join(lines) + "\n")
            yield form, READERS[form](path)
        if first == 1:
            days = Path(folder) / "days"
            days.mkdir()
            events = events_between(EventReader(connection), first, last)
            assert write_days(events, currencies, days) == last
            yield "parquet", READERS["parquet"](days)
