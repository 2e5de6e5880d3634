"""Money as whole minor units and a currency code, so that no amount is ever a float."""

import json
import re
from collections.abc import Mapping
from pathlib import Path

MAX_AMOUNT = 10**18
"""The largest amount of one payment, in minor units."""

MAX_BALANCE = 9 * 10**18
"""The largest balance, above or below zero, in minor units; it fits a 64-bit integer."""

_AMOUNT = re.compile(r"(0|[1-9][0-9]*)(?:\.([0-9]+))?", re.ASCII)


class AmountInvalid(ValueError):
    """A text is no amount of the currency; the message says what is expected."""


class CurrencyUnknown(ValueError):
    """A code is neither a currency of ISO 4217 nor a registered asset."""


def iso_4217() -> dict[str, int]:
    """Return the minor digits of each currency of ISO 4217 that has them."""
    table = json.loads((Path(__file__).parent / "currencies.json").read_text())
    return {str(code): int(digits) for code, digits in table.items()}


class Currencies:
    """The currencies and assets that a ledger knows, each with its number of minor digits."""

    def __init__(self, assets: Mapping[str, int]) -> None:
        """Take ISO 4217 and the ledger's own assets; raise `ValueError` where codes collide."""
        standard = iso_4217()
        taken = sorted(standard.keys() & assets.keys())
        if taken:
            raise ValueError(f"{taken[0]} is a currency of ISO 4217: choose another asset code.")
        self._digits = {**standard, **assets}

    @property
    def most_digits(self) -> int:
        """The minor digits of the most finely divided currency or asset."""
        return max(self._digits.values())

    def digits(self, code: str) -> int:
        """Return the number of minor digits of a currency, or raise `CurrencyUnknown`."""
        try:
            return self._digits[code]
        except KeyError:
            raise CurrencyUnknown(
                f"{code!r} is neither an ISO 4217 code nor a registered asset."
            ) from None

    def parse(self, text: str, code: str) -> int:
        """Return a payable amount in minor units: above zero and at most `MAX_AMOUNT`."""
        amount = parse_minor(text, self.digits(code))
        if amount == 0:
            raise AmountInvalid("An amount is above zero.")
        return amount

    def format(self, minor: int, code: str) -> str:
        """Return minor units as a decimal string with all the currency's minor digits."""
        return format_minor(minor, self.digits(code))


def parse_minor(text: str, digits: int) -> int:
    """Return a decimal string as minor units, exactly; raise `AmountInvalid`.

    Zero is accepted here, as limits may be zero; a sign, an exponent, leading zeros, more minor
    digits than the currency has and more than `MAX_AMOUNT` are not.
    """
    match = _AMOUNT.fullmatch(text) if len(text) <= 40 else None
    fraction = match[2] or "" if match else ""
    if match is None or len(fraction) > digits:
        raise AmountInvalid(
            f"An amount is a decimal string with at most {digits} digits after the point."
        )
    minor = int(match[1] + fraction.ljust(digits, "0"))
    if minor > MAX_AMOUNT:
        raise AmountInvalid("An amount is at most 10^18 minor units.")
    return minor


def format_minor(minor: int, digits: int) -> str:
    """Return minor units as a decimal string with exactly so many digits after the point."""
    sign = "-" if minor < 0 else ""
    text = str(abs(minor)).rjust(digits + 1, "0")
    return f"{sign}{text[:-digits]}.{text[-digits:]}" if digits else sign + text
