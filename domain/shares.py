"""Dividing an amount, and changing it into another currency, without losing a minor unit."""

from collections.abc import Sequence

from domain.payment_events import Rate

MILLION = 1_000_000


class SharesInvalid(ValueError):
    """Parts that do not make up the whole, or a share of nothing; the message says which."""


def divide(amount: int, parts: Sequence[int | None]) -> list[int]:
    """Return the share of each part per million, in minor units; they add up to the amount.

    Each share is rounded down. `None` stands, once, for what the others leave; without it the
    parts make a million and the first one takes what rounding leaves.
    """
    given = [part for part in parts if part is not None]
    if len(parts) - len(given) > 1:
        raise SharesInvalid("At most one share is the remainder.")
    if len(given) == len(parts) and sum(given) != MILLION:
        raise SharesInvalid("Without a remainder the parts make 1,000,000.")
    if sum(given) > MILLION:
        raise SharesInvalid("The parts make more than 1,000,000.")
    shares = [0 if part is None else amount * part // MILLION for part in parts]
    shares[parts.index(None) if None in parts else 0] += amount - sum(shares)
    if 0 in shares:
        raise SharesInvalid("A share is nothing in the currency's minor units.")
    return shares


def exchanged(amount: int, rate: Rate, digits: int, into_digits: int) -> int:
    """Return an amount in the minor units of another currency, rounded down.

    The rate is of whole units; `digits` are the minor digits of the one currency and of the other.
    """
    scaled: int = amount * rate.numerator * 10**into_digits
    unit: int = rate.denominator * 10**digits
    return scaled // unit
