"""A statement as a journal of hledger, from the side of the wallet's owner.

Each line asserts the balance after it, so hledger checks the whole statement as it reads it, and
every account is declared, so that it does so strictly, too.
"""

from collections.abc import Iterator

from interfaces.statements.statement import Line, Statement

OPENING = "equity:opening balances"


def write(statement: Statement) -> bytes:
    """Return the journal: money in the wallet is an asset, other wallets are income or expense."""
    return "\n".join(_lines(statement)).encode() + b"\n"


def _lines(statement: Statement) -> Iterator[str]:
    wallet, currency = f"assets:{statement.wallet_id}", commodity(statement.currency)

    def posting(account: str, minor: int, after: int | None = None) -> str:
        amount = f"    {account}  {statement.money(minor)} {currency}"
        return amount if after is None else f"{amount} = {statement.money(after)} {currency}"

    yield f"; Statement of {statement.wallet_id} from {statement.since} to {statement.through},"
    yield f"; as of position {statement.position} of the ledger {statement.ledger}"
    yield from declared(statement.currency, statement.digits)
    yield f"account {wallet}"
    if statement.opening:
        yield f"account {OPENING}"
    for account in sorted({_other(line) for line in statement.lines}):
        yield f"account {account}"
    yield ""
    if statement.opening:
        yield f"{statement.since} * opening balance"
        yield posting(wallet, statement.opening, statement.opening)
        yield posting(OPENING, -statement.opening)
        yield ""
    for line in statement.lines:
        yield f"{line.value_date} * ({line.payment_id}) {one_line(line.description)}".rstrip()
        yield posting(wallet, line.amount, line.balance_after) + f"  ; entry:{line.entry_id}"
        yield posting(_other(line), -line.amount)
        yield ""
    yield f"; closing balance {statement.money(statement.closing)} {statement.currency}"


def _other(line: Line) -> str:
    """Return the account of the wallet at the other end."""
    return f"{'income' if line.amount > 0 else 'expenses'}:{line.counterparty}"


def declared(currency: str, digits: int) -> Iterator[str]:
    """Yield the directives by which amounts are read as they are written here."""
    yield "decimal-mark ."
    yield f"commodity 1000.{'0' * digits} {commodity(currency)}"


def commodity(currency: str) -> str:
    """Return a currency's code in quotes, which one that holds digits needs."""
    return f'"{currency}"'


def one_line(description: str | None) -> str:
    """Return a description as hledger takes it: a semicolon would begin a comment."""
    return (description or "").replace(";", ",").strip()
