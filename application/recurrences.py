"""Dates of recurrence rules (RFC 5545): which rules are taken, and which date comes next."""

import re
from datetime import date, datetime, time
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from domain.schedule_events import Day
from domain.schedules import YEARS_AHEAD, Plan

if TYPE_CHECKING:
    from dateutil.rrule import rrule

MAX_LENGTH: Final = 200
LONGEST: Final = {"DAILY": 3660, "WEEKLY": 520, "MONTHLY": 120, "YEARLY": 10}
"""The frequencies that are taken, with the longest interval of each: about ten years."""

_WEEKDAY = r"(MO|TU|WE|TH|FR|SA|SU)"
_PARTS: Final = {
    "FREQ": r"[A-Z]+",
    "INTERVAL": r"[1-9]\d{0,3}",
    "BYDAY": rf"([+-]?[1-9]\d?)?{_WEEKDAY}(,([+-]?[1-9]\d?)?{_WEEKDAY})*",
    "BYMONTHDAY": r"[+-]?[1-9]\d?(,[+-]?[1-9]\d?)*",
    "BYMONTH": r"[1-9]\d?(,[1-9]\d?)*",
    "BYSETPOS": r"[+-]?[1-9]\d{0,2}(,[+-]?[1-9]\d{0,2})*",
    "WKST": _WEEKDAY,
}
_ELSEWHERE: Final = {"COUNT": "the field count", "UNTIL": "the field until"}


class RecurrenceInvalid(ValueError):
    """A text is no rule that is taken; the message says why, for whoever wrote it."""


def read_recurrence(text: str, starts_on: Day) -> str:
    """Return a rule in capitals, its parts in the order given; raises `RecurrenceInvalid`.

    What is taken has days only, and comes to a date: the search for one must have an end.
    """
    parts = _split(text.upper())
    frequency, interval = parts["FREQ"], int(parts.get("INTERVAL", "1"))
    if frequency not in LONGEST:
        raise RecurrenceInvalid("FREQ is DAILY, WEEKLY, MONTHLY or YEARLY")
    if interval > LONGEST[frequency]:
        raise RecurrenceInvalid(f"INTERVAL is {LONGEST[frequency]} at most with FREQ={frequency}")
    _require_sense(parts, frequency, interval)
    rule = ";".join(f"{name}={value}" for name, value in parts.items())
    if not _comes(rule, starts_on, interval):
        raise RecurrenceInvalid("never comes to a date")
    first = next_date(Plan(starts_on, rule), None)
    if first is None or int(first[:4]) > int(starts_on[:4]) + YEARS_AHEAD:
        raise RecurrenceInvalid(f"comes to its first date after more than {YEARS_AHEAD} years")
    return rule


def next_date(plan: Plan, after: Day | None) -> Day | None:
    """Return the first date of a plan beyond a day, or its first at all; none at its end.

    Days that a month does not have are left out, as RFC 5545 wants it.
    """
    if plan.recurrence is None:
        return plan.starts_on if after is None or after < plan.starts_on else None
    found = _dates(plan)
    start = _moment(after or plan.starts_on)
    following = found.after(start, inc=after is None)
    return None if following is None else Day(following.date().isoformat())


def _split(text: str) -> dict[str, str]:
    if len(text) > MAX_LENGTH:
        raise RecurrenceInvalid(f"has {MAX_LENGTH} characters at most")
    parts: dict[str, str] = {}
    for part in text.split(";"):
        name, _, value = part.partition("=")
        if name in _ELSEWHERE:
            raise RecurrenceInvalid(f"{name} is not part of the rule: there is {_ELSEWHERE[name]}")
        if name not in _PARTS:
            raise RecurrenceInvalid(f"its parts are {', '.join(_PARTS)}, such as FREQ=MONTHLY")
        if name in parts or re.fullmatch(_PARTS[name], value, re.ASCII) is None:
            raise RecurrenceInvalid(f"{name} is there twice, or its value is wrong")
        parts[name] = value
    if "FREQ" not in parts:
        raise RecurrenceInvalid("FREQ is missing")
    return parts


def _require_sense(parts: dict[str, str], frequency: str, interval: int) -> None:
    """Refuse what RFC 5545 has no meaning for, and what would be searched for too long."""
    numbered = re.search(r"\d", parts.get("BYDAY", "")) is not None
    if numbered and frequency in {"DAILY", "WEEKLY"}:
        raise RecurrenceInvalid("BYDAY has numbers only with FREQ=MONTHLY and FREQ=YEARLY")
    if "BYMONTHDAY" in parts and frequency == "WEEKLY":
        raise RecurrenceInvalid("BYMONTHDAY does not go with FREQ=WEEKLY")
    if "BYSETPOS" in parts and not parts.keys() & {"BYDAY", "BYMONTHDAY", "BYMONTH"}:
        raise RecurrenceInvalid("BYSETPOS picks from BYDAY, BYMONTHDAY or BYMONTH")
    narrowed = parts.keys() & {"BYDAY", "BYMONTHDAY", "BYMONTH", "BYSETPOS"}
    if frequency == "DAILY" and interval > 1 and narrowed:
        raise RecurrenceInvalid("FREQ=DAILY with an INTERVAL has no other parts")
    weeks = 53 if frequency == "YEARLY" and "BYMONTH" not in parts else 5
    highest = {"BYDAY": weeks, "BYMONTH": 12, "BYMONTHDAY": 31, "BYSETPOS": 366}
    for name, most in highest.items():
        if any(int(number) > most for number in re.findall(r"\d+", parts.get(name, ""))):
            raise RecurrenceInvalid(f"{name} has numbers up to {most} here")


def _comes(rule: str, starts_on: Day, interval: int) -> bool:
    """Whether a rule comes to any date.

    The library looks for one until the year 9999, so the rule is tried near its end: every 400
    years the calendar is the same to the day of the week, and 40 years have all there is for a
    rule that leaves no period out.
    """
    try:
        year = 9960 if interval == 1 else 9600 + int(starts_on[:4]) % 400
        return next(iter(_dates(Plan(Day(f"{year}{starts_on[4:]}"), rule))), None) is not None
    except ValueError as fault:
        raise RecurrenceInvalid(f"is no rule of RFC 5545: {fault}") from None


@lru_cache(maxsize=1024)
def _dates(plan: Plan) -> "rrule":
    # The commands that need no dates, nearly all, do not wait for the library at their start.
    from dateutil.rrule import rrule, rrulestr

    assert plan.recurrence is not None, "asked for plans with a rule only"
    rule = plan.recurrence if "WKST=" in plan.recurrence else f"{plan.recurrence};WKST=MO"
    found = rrulestr(rule, dtstart=_moment(plan.starts_on))
    assert isinstance(found, rrule), "one line is one rule"
    until = None if plan.until is None else _moment(plan.until)
    return found.replace(count=plan.count, until=until)


def _moment(day: Day) -> datetime:
    return datetime.combine(date.fromisoformat(day), time())
