"""Which rules of RFC 5545 are taken, and on which dates they fall."""

import time

import pytest

from application.recurrences import RecurrenceInvalid, next_date, read_recurrence
from domain.schedule_events import Day
from domain.schedules import Plan

START = Day("2026-01-31")


def dates(recurrence: str | None, most: int, **fields: object) -> list[str]:
    """Return the first dates of a rule from the last of January 2026 on."""
    rule = None if recurrence is None else read_recurrence(recurrence, START)
    plan = Plan(**{"starts_on": START, "recurrence": rule, **fields})  # type: ignore[arg-type]  # fields by name
    found: list[str] = []
    day: Day | None = None
    while len(found) < most and (day := next_date(plan, day)) is not None:
        found.append(day)
    return found


@pytest.mark.parametrize(
    ("recurrence", "expected"),
    [
        (None, ["2026-01-31"]),
        ("FREQ=DAILY", ["2026-01-31", "2026-02-01", "2026-02-02"]),
        ("FREQ=DAILY;INTERVAL=30", ["2026-01-31", "2026-03-02", "2026-04-01"]),
        ("FREQ=DAILY;BYDAY=MO,TU,WE,TH,FR", ["2026-02-02", "2026-02-03", "2026-02-04"]),
        ("FREQ=WEEKLY", ["2026-01-31", "2026-02-07", "2026-02-14"]),
        ("FREQ=WEEKLY;INTERVAL=2;BYDAY=SU,SA", ["2026-01-31", "2026-02-01", "2026-02-14"]),
        ("FREQ=WEEKLY;INTERVAL=2;BYDAY=SU,SA;WKST=SU", ["2026-01-31", "2026-02-08", "2026-02-14"]),
        ("FREQ=MONTHLY", ["2026-01-31", "2026-03-31", "2026-05-31"]),
        ("FREQ=MONTHLY;BYMONTHDAY=30", ["2026-03-30", "2026-04-30", "2026-05-30"]),
        ("FREQ=MONTHLY;BYMONTHDAY=-1", ["2026-01-31", "2026-02-28", "2026-03-31"]),
        ("FREQ=MONTHLY;BYDAY=-1FR", ["2026-02-27", "2026-03-27", "2026-04-24"]),
        (
            "FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1",
            ["2026-02-27", "2026-03-31", "2026-04-30"],
        ),
        ("FREQ=MONTHLY;INTERVAL=3;BYMONTHDAY=1", ["2026-04-01", "2026-07-01", "2026-10-01"]),
        ("FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=29", ["2028-02-29", "2032-02-29", "2036-02-29"]),
        ("freq=yearly", ["2026-01-31", "2027-01-31", "2028-01-31"]),
    ],
)
def test_dates(recurrence: str | None, expected: list[str]) -> None:
    """As RFC 5545 says; a day that a month does not have is left out."""
    assert dates(recurrence, 3) == expected


def test_until_is_included() -> None:
    assert dates("FREQ=DAILY", 9, until=Day("2026-02-01")) == ["2026-01-31", "2026-02-01"]


def test_count_counts_dates_from_the_beginning() -> None:
    assert dates("FREQ=MONTHLY", 9, count=2) == ["2026-01-31", "2026-03-31"]


def test_a_single_date_comes_once() -> None:
    plan = Plan(START)
    assert next_date(plan, Day("2026-01-30")) == START
    assert next_date(plan, START) is None


def test_the_last_year_has_an_end() -> None:
    assert next_date(Plan(Day("9999-12-31"), "FREQ=DAILY"), Day("9999-12-31")) is None


@pytest.mark.parametrize(
    "text",
    [
        "",
        "DAILY",
        "FREQ=HOURLY",
        "FREQ=SECONDLY",
        "FREQ=DAILY;BYHOUR=9",
        "FREQ=DAILY;BYMINUTE=0,30",
        "FREQ=DAILY;COUNT=3",
        "FREQ=DAILY;UNTIL=20270101",
        "FREQ=YEARLY;BYEASTER=0",
        "FREQ=YEARLY;BYWEEKNO=7",
        "RRULE:FREQ=DAILY",
        "FREQ=DAILY\nFREQ=WEEKLY",
        "FREQ=DAILY;FREQ=WEEKLY",
        "FREQ=DAILY;",
        "INTERVAL=2",
        "FREQ=DAILY;INTERVAL=0",
        "FREQ=DAILY;INTERVAL=9999",
        "FREQ=YEARLY;INTERVAL=11",
        "FREQ=DAILY;INTERVAL=2;BYDAY=MO",
        "FREQ=WEEKLY;BYDAY=1MO",
        "FREQ=WEEKLY;BYMONTHDAY=1",
        "FREQ=MONTHLY;BYDAY=6MO",
        "FREQ=MONTHLY;BYMONTHDAY=32",
        "FREQ=YEARLY;BYMONTH=13",
        "FREQ=YEARLY;BYDAY=54MO",
        "FREQ=MONTHLY;BYSETPOS=1",
        "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30",
        "FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30",
        "FREQ=MONTHLY;BYMONTHDAY=1;BYSETPOS=2",
        "FREQ=MONTHLY;INTERVAL=12;BYMONTH=2",
        "FREQ=WEEKLY;INTERVAL=520;BYMONTH=9",
        "FREQ=DAILY;BYDAY=" + ",".join(["MO"] * 80),
    ],
)
def test_what_is_no_rule_of_days(text: str) -> None:
    """Hours, bounds that have fields of their own, and what comes to no date are refused, soon."""
    began = time.process_time()
    with pytest.raises(RecurrenceInvalid):
        read_recurrence(text, START)
    assert time.process_time() - began < 1
