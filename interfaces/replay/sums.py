"""What all wallets of a currency come to, as folds and reports tell it."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from domain.money import Currencies, CurrencyUnknown, format_minor
from interfaces.replay.wallets import Wallet


@dataclass(slots=True)
class Sums:
    """The wallets of a currency in minor units.

    As in the trial balance, `debits` are the balances below zero without their sign, `credits`
    those above; `sum` is what credits have beyond debits, which is 0 in a book that is right.
    """

    currency: str
    wallets: int = 0
    debits: int = 0
    credits: int = 0
    held: int = 0

    @property
    def sum(self) -> int:
        """What is left over, which must be nothing."""
        return self.credits - self.debits


def sums_of(wallets: Iterable[Wallet]) -> Sequence[Sums]:
    """Add wallets up by currency, in the order of the currencies' codes."""
    found: dict[str, Sums] = {}
    for wallet in wallets:
        currency = wallet.opened.currency
        sums = found.setdefault(currency, Sums(currency))
        sums.wallets += 1
        sums.debits += max(-wallet.posted, 0)
        sums.credits += max(wallet.posted, 0)
        sums.held += wallet.held
    return [found[currency] for currency in sorted(found)]


def sums_fields(sums: Sums, currencies: Currencies) -> dict[str, Any]:
    """Return sums as JSON has them, money as decimal strings."""
    told = {**asdict(sums), "sum": sums.sum}
    money = ("debits", "credits", "held", "sum")
    try:
        digits = currencies.digits(sums.currency)
    except CurrencyUnknown:
        # Somebody has altered the code, which is told elsewhere; minor units are what is known.
        digits = 0
    return told | {name: format_minor(told[name], digits) for name in money}
