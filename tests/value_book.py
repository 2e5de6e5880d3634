"""A book in which value dates go back and forth, and what statements of it must say."""

import random
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

from domain.identifiers import WalletId
from domain.instants import instant
from tests.query_system import QuerySystem
from tests.read_model_fold import folded_rows
from tests.servers import FreshDatabases

FIRST_DAY = date(2025, 12, 20)
DAYS = 40


@dataclass(frozen=True, slots=True)
class Moved:
    """An entry as an outsider folds it from the events; money in minor units."""

    wallet: str
    position: int
    effective_at: datetime
    amount: int
    held_after: int

    @property
    def day(self) -> date:
        return self.effective_at.astimezone(UTC).date()


def write_value_book(system: QuerySystem, commands: int = 300, seed: int = 5) -> list[WalletId]:
    """Write payments of which a third is dated back or ahead, and holds; return the wallets."""
    dice, writer = random.Random(seed), system.writer
    wallets = [writer.open(kind="system", name="Till"), *(writer.open() for _ in range(3))]
    for wallet in wallets[1:]:
        writer.overdraft(wallet, None)
    begin = datetime.combine(FIRST_DAY, datetime.min.time(), UTC)
    for number in range(commands):
        ahead = number * DAYS * 24 / commands
        if dice.random() < 0.3:
            ahead += dice.uniform(-20, 20) * 24
        at = begin + timedelta(hours=ahead, minutes=dice.randrange(60))
        one, other = dice.sample(wallets, 2)
        amount = dice.randint(1, 100_000)
        if dice.random() < 0.05:
            at = begin + timedelta(days=dice.randrange(DAYS))
        if dice.random() < 0.1:
            writer.hold(one, other, amount)
        else:
            text = dice.choice((None, 'Say "hello", Bob; ok?', "née 東京 😀 & <b>"))
            writer.transfer(one, other, amount, effective_at=instant(at), description=text)
        if number % 7 == 0:
            writer.flush()
    system.follow()
    return wallets


def moved(databases: FreshDatabases) -> list[Moved]:
    """Return every entry, held ones with an amount of 0 too, in the order of positions."""
    found = []
    for row in folded_rows(databases)["entries"]:
        position, _, amount, _, held_after, _, effective_at, wallet, _, _, direction, *_ = row
        signed = {"credit": amount, "debit": -amount, None: 0}[direction]
        found.append(Moved(wallet, position, effective_at, signed, held_after))
    return found


def expected_statement(
    entries: list[Moved], wallet: str, since: date, until: date, position: int
) -> tuple[int, list[tuple[int, int]], int]:
    """Return opening balance, position and balance of each entry, and closing balance."""
    own = [e for e in entries if e.wallet == wallet and e.position <= position and e.amount]
    opening = sum(e.amount for e in own if e.day < since)
    lines, balance = [], opening
    inside = [e for e in own if since <= e.day <= until]
    for entry in sorted(inside, key=lambda e: (e.day, e.position)):
        balance += entry.amount
        lines.append((entry.position, balance))
    return opening, lines, balance


def minor(text: str) -> int:
    """Return an amount of euros in cents."""
    return int(Decimal(text) * 100)


def told_statement(body: dict[str, Any]) -> tuple[int, list[tuple[int, int]], int]:
    """Return of a JSON statement what `expected_statement` does."""
    lines = [(entry["position"], minor(entry["balance_after"])) for entry in body["entries"]]
    return minor(body["opening_balance"]), lines, minor(body["closing_balance"])
