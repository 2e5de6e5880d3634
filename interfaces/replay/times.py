"""Times in stored events: looked at when they are read, so that nothing fails on one later."""

from functools import lru_cache

from domain.instants import Instant, instant, moment


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
    try:
        if instant(moment(Instant(text))) == text:
            return Time(text)
    except (ValueError, OverflowError):
        pass
    raise ValueError("Expected a time such as 2026-01-31T12:00:00.000000Z.")
