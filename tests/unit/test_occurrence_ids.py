"""The command that tries an occurrence is the same whoever gives it, and its payment is one."""

from uuid import UUID

from application.occurrences import run_of
from domain.identifiers import ScheduleId, schedule_id
from domain.occurrences import RunOccurrence
from domain.schedule_events import Day

SCHEDULES = [schedule_id(UUID(int=number)) for number in (1, 2)]


def paid(schedule: ScheduleId, on: str, attempt: int) -> str:
    """Return the payment of an occurrence."""
    command = run_of(schedule, Day(on), attempt).command
    assert isinstance(command, RunOccurrence)
    return command.payment_id


def test_the_same_occurrence_and_try_are_the_same_command() -> None:
    """A second worker gets the first one's answer."""
    first, second = (run_of(SCHEDULES[0], Day("2026-01-31"), 1) for _ in range(2))
    assert first == second


def test_another_schedule_date_or_try_is_another_command() -> None:
    streams = {
        run_of(schedule, Day(on), attempt).stream
        for schedule in SCHEDULES
        for on in ("2026-01-31", "2026-02-28")
        for attempt in (1, 2)
    }
    assert len(streams) == 8


def test_each_date_of_a_schedule_has_one_payment() -> None:
    """However often it is tried; another date has another one."""
    tries = [paid(SCHEDULES[0], "2026-01-31", attempt) for attempt in (1, 2, 3)]
    assert len(set(tries)) == 1
    dates = {paid(s, on, 1) for s in SCHEDULES for on in ("2026-01-31", "2026-02-28")}
    assert len(dates) == 4
