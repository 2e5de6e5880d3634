"""What the model has of schedules and payment requests, and which dates there are in a calendar."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, timedelta

from domain.wallets import Caller

ONE = timedelta(days=1)


def _months(start: date, day: date) -> int:
    return 12 * (day.year - start.year) + day.month - start.month


def _weeks(start: date, day: date) -> int:
    mondays = [each - timedelta(days=each.weekday()) for each in (start, day)]
    return (mondays[1] - mondays[0]).days // 7


RULES: dict[str | None, Callable[[date, date], bool]] = {
    None: lambda start, day: day == start,
    "FREQ=DAILY": lambda _start, _day: True,
    "FREQ=DAILY;INTERVAL=2": lambda start, day: (day - start).days % 2 == 0,
    "FREQ=WEEKLY;BYDAY=MO,FR": lambda _start, day: day.weekday() in {0, 4},
    "FREQ=WEEKLY;INTERVAL=2;BYDAY=SU,MO": lambda start, day: (
        day.weekday() in {6, 0} and _weeks(start, day) % 2 == 0
    ),
    "FREQ=MONTHLY": lambda start, day: day.day == start.day,
    "FREQ=MONTHLY;BYMONTHDAY=31": lambda _start, day: day.day == 31,
    "FREQ=MONTHLY;BYMONTHDAY=-1": lambda _start, day: (day + ONE).day == 1,
    "FREQ=MONTHLY;BYMONTHDAY=29,30": lambda _start, day: day.day in {29, 30},
    "FREQ=MONTHLY;INTERVAL=2;BYMONTHDAY=-1": lambda start, day: (
        (day + ONE).day == 1 and _months(start, day) % 2 == 0
    ),
    "FREQ=YEARLY": lambda start, day: (day.month, day.day) == (start.month, start.day),
}
"""Whether a day is a date of a rule, found by looking at the day alone and at the first one."""


@dataclass
class Plan:
    """A schedule of the model; `ends` has what came of each date that is over."""

    source: str
    payee: str
    amount: int
    currency: str
    starts: date
    rule: str | None
    until: date | None
    count: int | None
    skips: bool
    maker: Caller
    status: str = "active"
    next_on: date | None = None
    retry_on: date | None = None
    attempt: int = 1
    ends: dict[date, str] = field(default_factory=dict)
    told: str = ""
    """What came of the last try."""

    @property
    def due_on(self) -> date | None:
        """When something is to be done next."""
        return (self.retry_on or self.next_on) if self.status == "active" else None

    def following(self, day: date | None) -> date | None:
        """Return the first date beyond a day, or the first at all, day by day from the start."""
        each, number = self.starts, 0
        while self.until is None or each <= self.until:
            if RULES[self.rule](self.starts, each):
                number += 1
                if self.count is not None and number > self.count:
                    return None
                if day is None or each > day:
                    return each
            if self.rule is None and each > self.starts:
                return None
            each += ONE
        return None


@dataclass
class Asking:
    """A payment request of the model; `ended_by` is how it ended before its time, if it did."""

    wallet: str
    amount: int
    currency: str
    payer: str | None
    expires: int
    ended_by: str | None = None
    payment: str | None = None
    by: str | None = None

    def is_open(self, now: int) -> bool:
        """Whether it can still be accepted."""
        return self.ended_by is None and now < self.expires

    def meant_for(self, caller: Caller) -> bool:
        """Whether a caller is who was asked."""
        return self.payer in {None, caller.subject}
