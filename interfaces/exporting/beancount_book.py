"""The book as a ledger of Beancount: one account a wallet, under its class.

It ends with the balance of every account, which bean-check holds against all that stands before.
"""

from collections.abc import Iterator
from datetime import date

from interfaces.exporting.book import Part, survey
from interfaces.exporting.journal import Account, Journal
from interfaces.statements.beancount_form import balance, name, quoted, require_years

ROOTS = {
    "asset": "Assets",
    "liability": "Liabilities",
    "equity": "Equity",
    "income": "Income",
    "expense": "Expenses",
}
EPOCH = "1970-01-01"
"""The day of a book without any transaction."""


def book_lines(part: Part) -> Iterator[str]:
    """Yield the lines of the ledger; the events are read twice, the accounts stand first.

    Raises `Inexpressible` where Beancount cannot read a date.
    """
    known = survey(part)
    first, last = known.span.first or EPOCH, known.span.last or EPOCH
    require_years(date.fromisoformat(first), date.fromisoformat(last))

    def posting(account: Account, minor: int) -> str:
        amount = part.currencies.format(minor, account.currency)
        return f"  {account_name(account)}  {amount} {account.currency}"

    yield f"; The ledger {part.ledger}, positions {part.first} to {part.last}"
    yield f'option "title" "The ledger {part.ledger}"'
    for currency in known.currencies:
        yield f'option "operating_currency" "{currency}"'
    yield ""
    for account in known.accounts.values():
        yield f"{first} open {account_name(account)} {account.currency}"
        yield f"  name: {quoted(account.name)}"
    yield ""
    if known.opening:
        yield f'{first} * "Opening balances"'
        for wallet, minor in known.opening.items():
            yield posting(known.accounts[wallet], minor)
        yield ""
    for transaction in Journal(known.accounts).add(part.events()):
        text = quoted(transaction.description or "")
        yield f"{transaction.day} * {text} ^{transaction.payment_id}"
        for account, amount in transaction.postings:
            yield posting(account, amount)
        yield ""
    end = date.fromisoformat(last)
    for account in known.accounts.values():
        held = part.currencies.format(known.closing[account.wallet_id], account.currency)
        yield balance(end, account_name(account), held, account.currency)


def account_name(account: Account) -> str:
    """Return what a wallet's account is called."""
    return f"{ROOTS[account.account_class]}:{name(account.wallet_id)}"
