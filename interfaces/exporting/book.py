"""What is exported: whole commands of one snapshot, read as often as a form needs them."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import psycopg

from domain.money import Currencies
from interfaces.exporting.journal import Account, Journal, Span
from interfaces.replay.in_order import events_between
from interfaces.replay.stored import Reader, Stored


@dataclass(frozen=True, slots=True)
class Part:
    """Some events of a ledger, both ends included and no command cut in two."""

    connection: psycopg.Connection[Any]
    ledger: str
    currencies: Currencies
    first: int
    last: int

    def events(self) -> Iterator[Stored]:
        """Yield the events, a few thousand in memory at a time."""
        return self._read(self.first, self.last)

    def earlier(self) -> Iterator[Stored]:
        """Yield the events before them, from the very first."""
        return self._read(1, self.first - 1)

    def _read(self, first: int, last: int) -> Iterator[Stored]:
        reader = Reader()
        for rows in events_between(self.connection, first, last):
            yield from map(reader.read, rows)


@dataclass(frozen=True, slots=True)
class Survey:
    """What is known of a part before it is written: memory grows with wallets only."""

    accounts: Mapping[str, Account]
    """All accounts that there are at the end of the part, by their wallets."""

    opening: Mapping[str, int]
    """What they had before it, in minor units, where it was not nothing."""

    closing: Mapping[str, int]
    """What they have at its end."""

    span: Span
    currencies: tuple[str, ...]


def survey(part: Part) -> Survey:
    """Read a part once."""
    journal, span = Journal(), Span()
    for _ in journal.add(part.earlier()):
        pass
    opening = {name: amount for name, amount in _balances(journal) if amount}
    for transaction in journal.add(part.events()):
        span.add(transaction.day)
    used = sorted({account.currency for account in journal.accounts.values()})
    return Survey(journal.accounts, opening, dict(_balances(journal)), span, tuple(used))


def _balances(journal: Journal) -> Iterator[tuple[str, int]]:
    return ((name, account.balance) for name, account in journal.accounts.items())
