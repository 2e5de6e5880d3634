"""What a statement says, whatever form it is written in: money is whole minor units."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache

from domain.instants import Instant
from domain.money import format_minor, iso_4217


class Inexpressible(ValueError):
    """A form cannot tell this statement exactly; the message is one sentence that says why."""


@dataclass(frozen=True, slots=True)
class Line:
    """An entry; `amount` is below zero for money that went out."""

    value_date: date
    entry_id: str
    payment_id: str
    description: str | None
    counterparty: str
    amount: int
    balance_after: int
    recorded_at: Instant


@dataclass(frozen=True, slots=True)
class Statement:
    """A wallet's entries of some value dates, both ends included, in the order of those dates.

    It is told by what was recorded up to `position`, which was recorded at `issued_at`; so the
    same statement is written the same to the byte whenever it is asked for.
    """

    ledger: str
    wallet_id: str
    name: str
    currency: str
    digits: int
    since: date
    through: date
    opening: int
    lines: Sequence[Line]
    position: int
    issued_at: Instant
    proof_url: str
    """Where the proof is of what was recorded last of it."""

    @property
    def closing(self) -> int:
        """What the wallet has at the end: the opening balance and all lines."""
        return self.lines[-1].balance_after if self.lines else self.opening

    def money(self, minor: int) -> str:
        """Return minor units as a decimal string with all the currency's minor digits."""
        return format_minor(minor, self.digits)


def require_iso_currency(statement: Statement, standard: str) -> None:
    """Raise `Inexpressible` for an asset: the standard, by its name, has no codes but ISO 4217's.

    An asset of three letters would pass for a currency there, and be refused by who reads it.
    """
    if statement.currency not in _iso_codes():
        raise Inexpressible(f"{standard} tells currencies by their codes of ISO 4217 only.")


@cache
def _iso_codes() -> frozenset[str]:
    return frozenset(iso_4217())
