"""Schedules over calendars of every kind: no date is paid twice, none is lost, none comes early."""

from collections import Counter
from dataclasses import dataclass, field
from datetime import date, timedelta

from hypothesis import given
from hypothesis import strategies as st

from application.deciding import Decision
from application.occurrences import run_of
from application.recurrences import next_date, read_recurrence
from domain.instants import Instant
from domain.refusals import NothingToDo
from domain.schedule_events import (
    Day,
    ScheduleOccurred,
    ScheduleOccurrenceGivenUp,
    ScheduleOccurrencePostponed,
    ScheduleOccurrenceSkipped,
)
from domain.schedules import PauseSchedule, Plan, ResumeSchedule, Schedule, plan_of
from tests.scheduled import EMPTY, POOR, RICH, SCHEDULED, WORKER, decision, schedule, standing

# Around leap years, and around the century that is none.
STARTS = st.one_of(
    st.dates(date(2023, 12, 25), date(2028, 3, 5)), st.dates(date(2096, 1, 1), date(2104, 3, 5))
)
WEEKDAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
MONTH_DAYS = st.sampled_from([1, 15, 28, 29, 30, 31, -1, -2, -31])
MIDNIGHTS = st.sampled_from(["00:00:00.000000", "12:00:00.000001", "23:59:59.999999"])


def month_has(day: date, wanted: int) -> bool:
    """Whether a day is the one of its month that is wanted, from the end where below zero."""
    following = (day.replace(day=28) + timedelta(days=4)).replace(day=1)
    return day.day == wanted or day.day == (following - timedelta(days=-wanted)).day * (wanted < 0)


@st.composite
def rules(draw: st.DrawFn) -> tuple[date, str, list[str]]:
    """Return a start, a rule, and its dates in three years as a plain count of days finds them."""
    start = draw(STARTS)
    kind = draw(st.sampled_from(["day", "weekday", "month", "year"]))
    days = [start + timedelta(days=number) for number in range(3 * 365)]
    if kind == "day":
        interval = draw(st.integers(1, 100))
        rule = f"FREQ=DAILY;INTERVAL={interval}"
        found = days[::interval]
    elif kind == "weekday":
        wanted = draw(st.sets(st.integers(0, 6), min_size=1))
        rule = f"FREQ=WEEKLY;BYDAY={','.join(WEEKDAYS[each] for each in sorted(wanted))}"
        found = [day for day in days if day.weekday() in wanted]
    elif kind == "month":
        number, interval = draw(MONTH_DAYS), draw(st.sampled_from([1, 3, 12]))
        rule = f"FREQ=MONTHLY;INTERVAL={interval};BYMONTHDAY={number}"
        months = [(12 * day.year + day.month - 12 * start.year - start.month) for day in days]
        pairs = zip(days, months, strict=True)
        found = [day for day, at in pairs if at % interval == 0 and month_has(day, number)]
    else:
        rule = "FREQ=YEARLY"
        found = [day for day in days if (day.month, day.day) == (start.month, start.day)]
    return start, rule, [day.isoformat() for day in found]


@given(rules(), st.data())
def test_dates_are_those_that_a_count_of_days_finds(
    drawn: tuple[date, str, list[str]], data: st.DataObject
) -> None:
    """Over months of 28 to 31 days, leap years, and the year 2100."""
    start, rule, expected = drawn
    if not expected:
        return
    starts_on = Day(start.isoformat())
    plan = Plan(starts_on, read_recurrence(rule, starts_on))
    assert next_date(plan, None) == expected[0]
    places = st.lists(st.integers(0, len(expected) - 1), max_size=25)
    for place in data.draw(places):
        following = next_date(plan, Day(expected[place]))
        if place + 1 < len(expected):
            assert following == expected[place + 1]
        day_before = date.fromisoformat(expected[place]) - timedelta(days=1)
        assert next_date(plan, Day(day_before.isoformat())) == expected[place]


@dataclass
class Calendar:
    """A worker that wakes on some days only, and what it has brought about by then."""

    now: Schedule
    ended: Counter[Day] = field(default_factory=Counter)
    tried: Counter[Day] = field(default_factory=Counter)
    left_out: set[Day] = field(default_factory=set)
    paid: set[str] = field(default_factory=set)

    def wake(self, at: Instant, rich: bool) -> None:
        """Do all that is due, as the job does when it has slept for days."""
        for _ in range(400):
            before, wallets = self.now.standing, (RICH if rich else POOR, EMPTY)
            if before.next_on is None:
                return
            command = run_of(SCHEDULED, before.next_on, before.attempt).command
            try:
                found = decision(command, self.now, by=WORKER, wallets=wallets, now=at)
            except NothingToDo:
                return
            self._take(found, at)
        raise AssertionError("there is no end of what is due")

    def _take(self, found: Decision, at: Instant) -> None:
        (self.now,) = found.schedules
        fact = next(e for _, _, e in found.events if isinstance(e, OUTCOMES))
        assert fact.on <= at[:10], "nothing comes early"
        assert self.ended[fact.on] == 0, "nothing comes twice"
        if isinstance(fact, ScheduleOccurred):
            assert fact.payment_id not in self.paid
            self.paid.add(fact.payment_id)
        if isinstance(fact, ScheduleOccurrencePostponed):
            assert self.now.due_on is not None
            assert self.now.due_on > at[:10], "one try a day"
        else:
            self.ended[fact.on] += 1
        if not isinstance(fact, ScheduleOccurrenceSkipped):
            self.tried[fact.on] += 1
            assert self.tried[fact.on] <= 3, "three tries"


OUTCOMES = (
    *(ScheduleOccurred, ScheduleOccurrencePostponed),
    *(ScheduleOccurrenceGivenUp, ScheduleOccurrenceSkipped),
)
RULES = st.sampled_from(
    [
        None,
        "FREQ=DAILY",
        "FREQ=DAILY;INTERVAL=2",
        "FREQ=WEEKLY;BYDAY=MO,FR",
        "FREQ=MONTHLY;BYMONTHDAY=31",
        "FREQ=MONTHLY;BYMONTHDAY=-1",
        "FREQ=MONTHLY;BYMONTHDAY=29,30",
    ]
)
STEPS = st.lists(
    st.tuples(
        st.sampled_from([0, 1, 1, 1, 2, 3, 10, 45]),
        MIDNIGHTS,
        st.sampled_from([True, False, False, False]),
        st.sampled_from(["wake", "wake", "wake", "wake", "pause", "resume"]),
    ),
    min_size=1,
    max_size=25,
)


def dates_until(plan: Plan, last: str) -> list[Day]:
    """Return all dates of a plan up to a day."""
    found, day = [], next_date(plan, None)
    while day is not None and day <= last:
        found.append(day)
        day = next_date(plan, day)
    return found


@given(STARTS, RULES, st.sampled_from(["run", "skip"]), st.integers(1, 40), STEPS)
def test_every_date_ends_once(
    start: date,
    rule: str | None,
    if_missed: str,
    count: int,
    steps: list[tuple[int, str, bool, str]],
) -> None:
    """Whenever the worker wakes, at whichever end of a day, and whatever there is to spend."""
    starts_on = Day(start.isoformat())
    plan = Plan(starts_on, rule, count=None if rule is None else count)
    first = next_date(plan, None)
    assert first is not None
    made = schedule(
        standing(first),
        starts_on=starts_on,
        recurrence=rule,
        count=plan.count,
        if_missed=if_missed,
    )
    assert plan_of(made.began) == plan
    calendar, day, at = Calendar(made), start, Instant("")
    for days, clock, rich, act in sorted_clocks(steps):
        day += timedelta(days=days)
        at = Instant(f"{day.isoformat()}T{clock}Z")
        if act == "wake":
            calendar.wake(at, rich)
        else:
            change(calendar, PauseSchedule if act == "pause" else ResumeSchedule, at)
    change(calendar, ResumeSchedule, at)
    day += timedelta(days=3)
    for later in range(4):
        calendar.wake(
            Instant(f"{(day + timedelta(days=later)).isoformat()}T00:00:00.000000Z"), True
        )
    last = (day + timedelta(days=3)).isoformat()
    expected = [each for each in dates_until(plan, last) if each not in calendar.left_out]
    assert sorted(calendar.ended) == expected
    assert calendar.now.standing.done == len(expected)


def change(
    calendar: Calendar, command: type[PauseSchedule] | type[ResumeSchedule], at: Instant
) -> None:
    """Pause or resume; what comes next then tells what was left out between."""
    before, plan = calendar.now.standing, plan_of(calendar.now.began)
    found = decision(command(SCHEDULED), calendar.now, now=at)
    (calendar.now,) = found.schedules
    after = calendar.now.standing
    skipped = before.next_on
    while skipped is not None and skipped != after.next_on:
        calendar.left_out.add(skipped)
        assert skipped < at[:10], "what is still to come stays"
        skipped = next_date(plan, skipped)


def sorted_clocks(steps: list[tuple[int, str, bool, str]]) -> list[tuple[int, str, bool, str]]:
    """Let no time of a day come before the one before it, as the ledger's clock does not."""
    result, last = [], ""
    for days, clock, rich, act in steps:
        last = max(last, clock) if days == 0 else clock
        result.append((days, last, rich, act))
    return result
