"""What jobs on things that fall due have in common: they ask, and the ledger decides."""

import math
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from itertools import islice
from typing import Any
from uuid import UUID

import psycopg

from application.backlog import Execute
from application.commands import Answer, Submission

BATCH = 100
"""How many are decided under one set of locks, for which nobody's payment then waits long."""

BATCHES_A_ROUND = 20
AGAIN_SECONDS = 5.0
"""After how long the ledger is asked again about what it has not decided."""


class DueWork(ABC):
    """Looks into the read model for what seems to be due, and lets the ledger decide.

    The read model lags, and while it is built anew it shows much that was done long ago. What the
    ledger has answered is not asked again as long as the read model shows it.
    """

    name: str

    def __init__(
        self,
        execute: Execute,
        reports: psycopg.Connection[Any],
        stop: threading.Event,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """Take what executes a batch, the read models, and when not to begin another batch."""
        self._execute = execute
        self._reports = reports
        self._stop = stop
        self._monotonic = monotonic
        self._asked: dict[UUID, float] = {}
        """Until when the ledger is not asked again, by the stream of the command."""

    @abstractmethod
    def pages(
        self, reports: psycopg.Connection[Any], now: datetime
    ) -> Iterator[Sequence[Submission]]:
        """Give the commands for what seems to be due, page by page, what is oldest first."""

    def run_once(self, now: datetime) -> int:
        """Ask the ledger to do what is due at `now`; return how much of it this worker has done."""
        asked: dict[UUID, float] = {}
        due, done = self._due(now, asked), 0
        for _ in range(BATCHES_A_ROUND):
            batch = [] if self._stop.is_set() else list(islice(due, BATCH))
            if not batch:
                break
            done += self._do(batch, asked)
        # What the read model shows no longer is forgotten by this.
        self._asked = asked
        return done

    def _due(self, now: datetime, asked: dict[UUID, float]) -> Iterator[Submission]:
        """Give what is due, but for what was asked a short time ago, which is kept."""
        clock = self._monotonic()
        for page in self.pages(self._reports, now):
            for submission in page:
                until = self._asked.get(submission.stream, -math.inf)
                if until > clock:
                    asked[submission.stream] = until
                else:
                    yield submission

    def _do(self, batch: list[Submission], asked: dict[UUID, float]) -> int:
        """Return how many of a batch this worker has done.

        The others were done by another worker, are not to be done any more, or not yet by the
        ledger's clock. None of that is worth a word.
        """
        done = 0
        for submission, outcome in zip(batch, self._execute(batch), strict=True):
            if isinstance(outcome, Answer):
                asked[submission.stream] = math.inf
                done += not outcome.replayed
            else:
                asked[submission.stream] = self._monotonic() + AGAIN_SECONDS
        return done
