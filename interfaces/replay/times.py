"""Times in stored events: looked at when they are read, so that nothing fails on one later."""

import re
from datetime import datetime
from functools import lru_cache

_FORM = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", re.ASCII)


class Time(str):
    """A time as every event writes it: RFC 3339 in UTC, with microseconds."""

    __slots__ = ()


def decoded(kind: type, value: object) -> object:
    """Return what stands for a `Time`; to be called by msgspec. Raises `ValueError`."""
    if kind is not Time or not isinstance(value, str):
        raise ValueError("Expected a time.")
    return _time(value)


@lru_cache(maxsize=4096)
def _time(text: str) -> Time:
    """Return a time; the many events of one command have the same."""
    if _FORM.fullmatch(text) is None:
        raise ValueError("Expected a time such as 2026-01-31T12:00:00.000000Z.")
    datetime.fromisoformat(text)
    return Time(text)
