"""Which payments have run out: asked by the worker that ends them, and by nobody else."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import psycopg
from psycopg.rows import class_row

PAGE = 500
DUE = """
    SELECT payment_id, expires_at FROM payments
    WHERE status IN ('authorized', 'awaiting-approval') AND expires_at <= %(now)s
        AND (expires_at, payment_id) > (%(after)s, %(after_id)s)
    ORDER BY expires_at, payment_id LIMIT %(limit)s"""


@dataclass(frozen=True, slots=True)
class DuePayment:
    """A payment that still waited for something when its time ended, as far as is known here."""

    payment_id: str
    expires_at: datetime


def due_payments(
    connection: psycopg.Connection[Any], now: datetime, page: int = PAGE
) -> Iterator[list[DuePayment]]:
    """Give all that ended at `now` or before, page by page, what ended first before the others.

    The ledger may know better: what it has ended already stays here until the read model follows.
    """
    last = DuePayment("", datetime.min.replace(tzinfo=UTC))
    while True:
        asked = {"now": now, "after": last.expires_at, "after_id": last.payment_id, "limit": page}
        with connection.cursor(row_factory=class_row(DuePayment)) as cursor:
            found = cursor.execute(DUE, asked).fetchall()
        if found:
            yield found
        if len(found) < page:
            return
        last = found[-1]
