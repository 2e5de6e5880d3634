"""The job that runs the occurrences of schedules whose day has come."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

import psycopg

from application.commands import Submission
from application.occurrences import run_of
from domain.identifiers import ScheduleId
from domain.schedule_events import Day
from interfaces.workers.due_work import DueWork
from projections.schedules import due_occurrences


class Schedules(DueWork):
    """Runs occurrences; one that comes behind another is seen when the read model has followed."""

    name = "schedules"

    def pages(
        self, reports: psycopg.Connection[Any], now: datetime
    ) -> Iterator[Sequence[Submission]]:
        """Give the next occurrence of each schedule whose day has come (UTC)."""
        for page in due_occurrences(reports, now.date()):
            yield [
                run_of(ScheduleId(each.schedule_id), Day(each.next_on.isoformat()), each.attempt)
                for each in page
            ]
