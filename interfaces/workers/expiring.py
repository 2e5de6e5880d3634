"""The job that ends what has run out: holds that nobody captured, payments nobody approved."""

import math
import threading
import time
from collections.abc import Callable, Iterator
from datetime import datetime
from itertools import islice
from typing import Any
from uuid import UUID

import psycopg

from application.backlog import Execute
from application.commands import Answer, Submission
from application.expiry import expiry_of
from domain.identifiers import PaymentId
from projections.due_payments import due_payments

BATCH = 100
"""How many are ended under one set of locks, for which nobody's payment then waits long."""

BATCHES_A_ROUND = 20
AGAIN_SECONDS = 5.0
"""After how long the ledger is asked again about what it has not ended."""


class ExpiringPayments:
    """Looks into the read model for what seems to have run out, and lets the ledger decide.

    The read model lags, and while it is built anew it shows much that ended long ago. What the
    ledger has answered is not asked again as long as the read model shows it.
    """

    name = "expiring-payments"

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

    def run_once(self, now: datetime) -> int:
        """Ask the ledger to end what has run out at `now`; return how many payments it ended."""
        asked: dict[UUID, float] = {}
        due, ended = self._due(now, asked), 0
        for _ in range(BATCHES_A_ROUND):
            batch = [] if self._stop.is_set() else list(islice(due, BATCH))
            if not batch:
                break
            ended += self._end(batch, asked)
        # What the read model shows no longer is forgotten by this.
        self._asked = asked
        return ended

    def _due(self, now: datetime, asked: dict[UUID, float]) -> Iterator[Submission]:
        """Give what has run out, but for what was asked a short time ago, which is kept."""
        clock = self._monotonic()
        for page in due_payments(self._reports, now):
            for each in page:
                submission = expiry_of(PaymentId(each.payment_id), each.expires_at)
                until = self._asked.get(submission.stream, -math.inf)
                if until > clock:
                    asked[submission.stream] = until
                else:
                    yield submission

    def _end(self, batch: list[Submission], asked: dict[UUID, float]) -> int:
        """Return how many of a batch this worker has ended.

        The others are captured, released, extended or ended by another worker meanwhile, or their
        time has not come by the ledger's clock. None of that is worth a word.
        """
        ended = 0
        for submission, outcome in zip(batch, self._execute(batch), strict=True):
            if isinstance(outcome, Answer):
                asked[submission.stream] = math.inf
                ended += not outcome.replayed
            else:
                asked[submission.stream] = self._monotonic() + AGAIN_SECONDS
        return ended
