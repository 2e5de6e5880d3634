"""The book as a journal of hledger: one account a wallet, under its class.

It ends with the balance of every account, which hledger holds against all that stands before.
"""

from collections.abc import Callable, Iterator

from interfaces.exporting.book import Part, Survey, survey
from interfaces.exporting.journal import Account, Journal
from interfaces.statements.hledger_form import commodity, declared, one_line

ROOTS = {
    "asset": "assets",
    "liability": "liabilities",
    "equity": "equity",
    "income": "income",
    "expense": "expenses",
}
Posting = Callable[[Account, int], str]


def book_lines(part: Part) -> Iterator[str]:
    """Yield the lines of the journal; the events are read twice, the accounts stand first."""
    known = survey(part)

    def posting(account: Account, minor: int) -> str:
        amount = part.currencies.format(minor, account.currency)
        return f"    {account_name(account)}  {amount} {commodity(account.currency)}"

    yield f"; The ledger {part.ledger}, positions {part.first} to {part.last}"
    for currency in known.currencies:
        yield from declared(currency, part.currencies.digits(currency))
    yield ""
    for account in known.accounts.values():
        yield f"; {account.name}"
        yield f"account {account_name(account)}"
    yield ""
    yield from _opening(known, posting)
    for transaction in Journal(known.accounts).add(part.events()):
        text = one_line(transaction.description)
        yield f"{transaction.day} * ({transaction.payment_id}) {text}".rstrip()
        for account, amount in transaction.postings:
            yield posting(account, amount)
        yield ""
    if known.span.last:
        yield f"{known.span.last} * closing balances"
        for account in known.accounts.values():
            held = part.currencies.format(known.closing[account.wallet_id], account.currency)
            yield f"{posting(account, 0)} = {held} {commodity(account.currency)}"


def _opening(known: Survey, posting: Posting) -> Iterator[str]:
    if not known.opening:
        return
    yield f"{known.span.first or '1970-01-01'} * opening balances"
    for name, minor in known.opening.items():
        yield posting(known.accounts[name], minor)
    yield ""


def account_name(account: Account) -> str:
    """Return what a wallet's account is called."""
    return f"{ROOTS[account.account_class]}:{account.wallet_id}"
