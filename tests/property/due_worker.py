"""The job that runs schedules, over a read model in memory that a test can let lag."""

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, cast

import psycopg

from application.commands import Outcome, Submission, Work
from application.occurrences import run_of
from domain.identifiers import ScheduleId
from domain.schedule_events import Day
from interfaces.workers.due_work import DueWork

Shown = Mapping[str, tuple[str, str, int]]
"""What a read model shows of the schedules: the day that each is due on, its date, and the try."""


class Due(DueWork):
    """The worker's job over a read model in memory, which may lag."""

    name = "schedules of a model"

    def __init__(
        self, execute: Callable[[Sequence[Work]], list[Outcome]], monotonic: Callable[[], float]
    ) -> None:
        # Its read model is in memory, so that there is nothing to connect to.
        nowhere = cast("psycopg.Connection[Any]", None)
        super().__init__(execute, nowhere, threading.Event(), monotonic)
        self.shown: Shown = {}
        self.most: int | None = None

    def pages(
        self, reports: psycopg.Connection[Any], now: datetime
    ) -> Iterator[Sequence[Submission]]:
        today = now.date().isoformat()
        due = sorted(self.shown.items(), key=lambda each: each[1])
        yield [
            run_of(ScheduleId(name), Day(on), attempt)
            for name, (day, on, attempt) in due
            if day <= today
        ][: self.most]
