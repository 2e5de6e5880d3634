"""A statement as a ledger of Beancount, from the side of the wallet's owner.

Its last directive is the closing balance, which bean-check holds against all that stands before.
"""

from collections.abc import Iterator
from datetime import date, timedelta

from interfaces.statements.statement import Inexpressible, Statement

FIRST_YEAR, LAST_YEAR = 1000, 2999
"""Beancount reads years from and to these."""


def write(statement: Statement) -> bytes:
    """Return the ledger; raises `Inexpressible` where Beancount cannot read a date."""
    days = [line.value_date for line in statement.lines]
    if statement.opening or not days:
        days.insert(0, statement.since)
    require_years(days[0], days[-1])
    return "\n".join(_lines(statement, days)).encode() + b"\n"


def _lines(statement: Statement, days: list[date]) -> Iterator[str]:
    wallet, currency = f"Assets:{name(statement.wallet_id)}", statement.currency
    yield f"; Statement of {statement.wallet_id} from {statement.since} to {statement.through},"
    yield f"; as of position {statement.position} of the ledger {statement.ledger}"
    yield f'option "title" {quoted(f"{statement.name} {statement.wallet_id}")}'
    yield f'option "operating_currency" "{currency}"'
    yield ""
    accounts = {
        wallet,
        *(f"{_side(line.amount)}:{name(line.counterparty)}" for line in statement.lines),
    }
    if statement.opening:
        accounts.add("Equity:Opening-Balances")
    for account in sorted(accounts):
        yield f"{days[0]} open {account} {currency}"
    yield ""
    if statement.opening:
        yield f'{statement.since} * "Opening balance"'
        yield f"  {wallet}  {statement.money(statement.opening)} {currency}"
        yield f"  Equity:Opening-Balances  {statement.money(-statement.opening)} {currency}"
        yield ""
    for line in statement.lines:
        yield f"{line.value_date} * {quoted(line.description or '')} ^{line.payment_id}"
        yield f'  entry: "{line.entry_id}"'
        yield f"  {wallet}  {statement.money(line.amount)} {currency}"
        other = f"{_side(line.amount)}:{name(line.counterparty)}"
        yield f"  {other}  {statement.money(-line.amount)} {currency}"
        yield ""
    yield balance(days[-1], wallet, statement.money(statement.closing), currency)


def _side(amount: int) -> str:
    return "Income" if amount > 0 else "Expenses"


def balance(day: date, account: str, amount: str, currency: str) -> str:
    """Return what an account must hold, to the minor unit, at the end of a day."""
    # Beancount holds it against the beginning of the day that it is dated at.
    return f"{day + timedelta(days=1)} balance {account} {amount} ~ 0 {currency}"


def name(wallet_id: str) -> str:
    """Return a wallet's id as a part of an account's name: digits and capitals."""
    return wallet_id.removeprefix("wal_")


def quoted(text: str) -> str:
    """Return text as a string of Beancount."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def require_years(first: date, last: date) -> None:
    """Raise `Inexpressible` unless Beancount can read both dates and the day behind."""
    if first.year < FIRST_YEAR or last >= date(LAST_YEAR, 12, 31):
        raise Inexpressible(f"Beancount reads years from {FIRST_YEAR} to {LAST_YEAR} only.")
