"""Instants as RFC 3339 text in UTC, fixed in width, so that text order is time order."""

import re
from datetime import UTC, date, datetime, time, timedelta
from typing import NewType

Instant = NewType("Instant", str)
"""`YYYY-MM-DDTHH:MM:SS.ffffffZ`, 27 characters."""

_RFC_3339 = re.compile(
    r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d{1,9})?([Zz]|[+-]\d\d:[0-5]\d)", re.ASCII
)


class InstantInvalid(ValueError):
    """A text is no time of RFC 3339."""


def instant(moment: datetime) -> Instant:
    """Return a moment with a time zone as an instant."""
    return Instant(moment.astimezone(UTC).isoformat(timespec="microseconds")[:26] + "Z")


def moment(text: Instant) -> datetime:
    """Return an instant as a datetime in UTC."""
    return datetime.fromisoformat(text)


def parse_instant(text: str) -> Instant:
    """Return a time of RFC 3339 with any offset as an instant, or raise `InstantInvalid`.

    Digits beyond microseconds are dropped; leap seconds are refused.
    """
    if _RFC_3339.fullmatch(text) is None:
        raise InstantInvalid("Expected a time of RFC 3339, such as 2026-01-31T12:00:00Z.")
    try:
        return instant(datetime.fromisoformat(text.upper()))
    except (ValueError, OverflowError):
        raise InstantInvalid("Expected a time of RFC 3339 that exists.") from None


def next_midnight(text: Instant) -> Instant:
    """Return the end of the UTC day that an instant lies in."""
    day = moment(text).replace(hour=0, minute=0, second=0, microsecond=0)
    return instant(day + timedelta(days=1))


def first_instant(day: date) -> Instant:
    """Return the beginning of a day in UTC."""
    return instant(datetime.combine(day, time.min, UTC))


def later(text: Instant, seconds: int) -> Instant:
    """Return the instant so many seconds after another."""
    return instant(moment(text) + timedelta(seconds=seconds))
