"""Reads single cells of a line: each function returns the value or raises what is wrong with it."""

import csv
import re
from datetime import date, datetime
from functools import lru_cache

from interfaces.http.text import FORBIDDEN_CHARACTER

_AMOUNT = re.compile(r"([+-]?)([0-9]{1,18})(?:\.([0-9]{1,18}))?", re.ASCII)
_KEY = re.compile(r"[!-~]+", re.ASCII)


class CellInvalid(ValueError):
    """A cell is not what its column holds; the message is one sentence."""


def split(line: str, delimiter: str, count: int | None = None) -> list[str]:
    """Return a line's cells, quotes taken off, or raise when they are not so many."""
    try:
        cells = next(csv.reader([line.rstrip("\r\n")], delimiter=delimiter, strict=True), [])
    except csv.Error as error:
        raise CellInvalid(f"Its quotes do not match ({error}).") from None
    if count is not None and len(cells) != count:
        raise CellInvalid(f"It has {len(cells)} columns where the header has {count}.")
    return cells


def signed_amount(text: str, digits: int) -> int:
    """Return a decimal number as minor units of a currency with so many digits."""
    match = _AMOUNT.fullmatch(text)
    if match is None:
        raise CellInvalid(f"{text[:40]!r} is no amount such as 12.34.")
    sign, whole, fraction = match[1], match[2], (match[3] or "").rstrip("0")
    if len(fraction) > digits:
        raise CellInvalid(f"{text!r} has more than {digits} digits after the point.")
    minor = int(whole + fraction.ljust(digits, "0"))
    if minor > 10**18:
        raise CellInvalid(f"{text!r} is beyond 10^18 minor units.")
    return -minor if sign == "-" else minor


@lru_cache(maxsize=512)
def day(text: str, layout: str, example: str) -> date:
    """Return a date written after a layout of `strptime`."""
    try:
        return datetime.strptime(text, layout).date()  # noqa: DTZ007 - a date has no time zone
    except ValueError:
        raise CellInvalid(f"{text[:40]!r} is no date such as {example}.") from None


@lru_cache(maxsize=8192)
def key(text: str, column: str, longest: int = 200) -> str:
    """Return a number or name that identifies something: visible ASCII without spaces."""
    if _KEY.fullmatch(text) is None or len(text) > longest:
        raise CellInvalid(f"{column} {text[:40]!r} is not 1-{longest} visible ASCII characters.")
    return text


@lru_cache(maxsize=1024)
def words(text: str, column: str, longest: int) -> str | None:
    """Return free text without spaces around it, nothing for an empty cell."""
    text = text.strip()
    if len(text) > longest:
        raise CellInvalid(f"{column} is longer than {longest} characters.")
    if not text.isprintable() and (FORBIDDEN_CHARACTER.search(text) or _undecodable(text)):
        raise CellInvalid(f"{column} has control characters or is in another encoding.")
    return text or None


def _undecodable(text: str) -> bool:
    return any("\ud800" <= character <= "\udfff" for character in text)
