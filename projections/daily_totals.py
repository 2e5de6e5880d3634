"""Daily totals: what completed and what was declined, per day, currency and kind of payment."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from psycopg.rows import class_row

from domain.payment_events import (
    PaymentCaptured,
    PaymentCompleted,
    PaymentDeclined,
    PaymentRejected,
    PaymentReleased,
)
from projections.contract import Applied, Cursor, Projection, Snapshot

ADD = """
    INSERT INTO daily_totals AS t (date, currency, kind, count, volume, declined)
    SELECT * FROM unnest(%s::date[], %s::text[], %s::text[],
        %s::bigint[], %s::numeric[], %s::bigint[])
    ON CONFLICT (date, currency, kind) DO UPDATE SET
        count = t.count + excluded.count,
        volume = t.volume + excluded.volume,
        declined = t.declined + excluded.declined"""


def apply(events: Sequence[Applied], cursor: Cursor) -> None:
    """Add up by value date what completed, and by the day recorded what was declined (UTC)."""
    totals: dict[tuple[str, str, str], list[int]] = {}
    for applied in events:
        event = applied.event
        if isinstance(event, PaymentCompleted):
            _complete(totals, event.effective_at, event.currency, event.kind, event.amount)
        elif isinstance(event, PaymentCaptured | PaymentReleased):
            # A hold completes when nothing of it is left, with all that was captured of it.
            captured = event.standing.captured
            if event.standing.ended_by is not None and captured:
                _complete(totals, event.effective_at, event.currency, "hold", captured)
        elif isinstance(event, PaymentDeclined | PaymentRejected):
            key = (applied.recorded_at[:10], event.currency, event.kind)
            totals.setdefault(key, [0, 0, 0])[2] += 1
    if totals:
        columns = [list(column) for column in zip(*totals, strict=True)]
        sums = [list(column) for column in zip(*totals.values(), strict=True)]
        cursor.execute(ADD, [*columns, *sums])


def _complete(
    totals: dict[tuple[str, str, str], list[int]],
    effective_at: str,
    currency: str,
    kind: str,
    amount: int,
) -> None:
    total = totals.setdefault((effective_at[:10], currency, kind), [0, 0, 0])
    total[0] += 1
    total[1] += amount


DAILY_TOTALS = Projection("daily_totals", 1, ("daily_totals",), apply)


@dataclass(frozen=True, slots=True)
class DayRow:
    """What happened on a day in one currency by one kind of payment; money in minor units."""

    date: date
    currency: str
    kind: str
    count: int
    volume: Decimal
    declined: int


LIST = """
    SELECT date, currency, kind, count, volume, declined FROM daily_totals
    WHERE date BETWEEN %(since)s AND %(until)s
        AND (date, currency, kind) > (%(date)s, %(after_currency)s, %(kind)s)"""


async def list_days(
    snapshot: Snapshot,
    *,
    since: date,
    until: date,
    currency: str | None,
    after: tuple[date, str, str],
    limit: int,
) -> list[DayRow]:
    """Return totals from one day to another, both included, in order behind a row."""
    chosen = "" if currency is None else " AND currency = %(currency)s"
    async with snapshot.cursor(row_factory=class_row(DayRow)) as cursor:
        await cursor.execute(
            LIST + chosen + " ORDER BY date, currency, kind LIMIT %(limit)s",
            {
                "since": since,
                "until": until,
                "currency": currency,
                "date": after[0],
                "after_currency": after[1],
                "kind": after[2],
                "limit": limit,
            },
        )
        return await cursor.fetchall()
