"""Daily totals: what completed and what was declined, per day, currency and kind of payment."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from psycopg.rows import class_row

from domain.events import PaymentCompleted, PaymentDeclined
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
            key = (event.effective_at[:10], event.currency, event.kind)
            total = totals.setdefault(key, [0, 0, 0])
            total[0] += 1
            total[1] += event.amount
        elif isinstance(event, PaymentDeclined):
            key = (applied.recorded_at[:10], event.currency, event.kind)
            totals.setdefault(key, [0, 0, 0])[2] += 1
    if totals:
        columns = [list(column) for column in zip(*totals, strict=True)]
        sums = [list(column) for column in zip(*totals.values(), strict=True)]
        cursor.execute(ADD, [*columns, *sums])


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
