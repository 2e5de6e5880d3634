"""The job that ends what has run out: holds that nobody captured, payments nobody approved."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

import psycopg

from application.commands import Submission
from application.expiry import expiry_of
from domain.identifiers import PaymentId
from interfaces.workers.due_work import DueWork
from projections.due_payments import due_payments


class ExpiringPayments(DueWork):
    """Ends payments; those that were captured, released or extended meanwhile stay as they are."""

    name = "expiring-payments"

    def pages(
        self, reports: psycopg.Connection[Any], now: datetime
    ) -> Iterator[Sequence[Submission]]:
        """Give the end of each payment whose time has passed."""
        for page in due_payments(reports, now):
            yield [expiry_of(PaymentId(each.payment_id), each.expires_at) for each in page]
