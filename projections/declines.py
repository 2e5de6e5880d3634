"""Declines: which payments were declined for which reason, per day, currency and kind."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from psycopg.rows import class_row

from domain.payment_events import PaymentDeclined, PaymentRejected
from projections.contract import Applied, Cursor, Projection, Snapshot

ADD = """
    INSERT INTO declines AS d (date, currency, kind, code, count, volume)
    SELECT * FROM unnest(%s::date[], %s::text[], %s::text[], %s::text[],
        %s::bigint[], %s::numeric[])
    ON CONFLICT (date, currency, kind, code) DO UPDATE SET
        count = d.count + excluded.count, volume = d.volume + excluded.volume"""
REJECTED = "approval-rejected"


def apply(events: Sequence[Applied], cursor: Cursor) -> None:
    """Add up by the day recorded (UTC) what was declined, and what other owners rejected."""
    totals: dict[tuple[str, str, str, str], list[int]] = {}
    for applied in events:
        event = applied.event
        if isinstance(event, PaymentDeclined):
            code, amount = event.code, event.amount
        elif isinstance(event, PaymentRejected):
            code, amount = REJECTED, event.standing.amount
        else:
            continue
        key = (applied.recorded_at[:10], event.currency, event.kind, code)
        total = totals.setdefault(key, [0, 0])
        total[0] += 1
        total[1] += amount
    if totals:
        columns = [list(column) for column in zip(*totals, strict=True)]
        sums = [list(column) for column in zip(*totals.values(), strict=True)]
        cursor.execute(ADD, [*columns, *sums])


DECLINES = Projection("declines", 1, ("declines",), apply)


@dataclass(frozen=True, slots=True)
class DeclineRow:
    """What was declined for one reason in a stretch of days; money in minor units."""

    code: str
    currency: str
    kind: str
    count: int
    volume: Decimal
    first_on: date
    last_on: date


LIST = """
    SELECT code, currency, kind, sum(count)::bigint AS count, sum(volume) AS volume,
        min(date) AS first_on, max(date) AS last_on
    FROM declines
    WHERE date BETWEEN %(since)s AND %(until)s
        AND (%(currency)s::text IS NULL OR currency = %(currency)s)
        AND (%(kind)s::text IS NULL OR kind = %(kind)s)
        AND (code, currency, kind) > (%(after_code)s, %(after_currency)s, %(after_kind)s)
    GROUP BY code, currency, kind ORDER BY code, currency, kind LIMIT %(limit)s"""


async def list_declines(
    snapshot: Snapshot,
    *,
    since: date,
    until: date,
    currency: str | None,
    kind: str | None,
    after: tuple[str, str, str],
    limit: int,
) -> list[DeclineRow]:
    """Return sums from one day to another, both included, in order behind a row."""
    async with snapshot.cursor(row_factory=class_row(DeclineRow)) as cursor:
        await cursor.execute(
            LIST,
            {
                "since": since,
                "until": until,
                "currency": currency,
                "kind": kind,
                "after_code": after[0],
                "after_currency": after[1],
                "after_kind": after[2],
                "limit": limit,
            },
        )
        return await cursor.fetchall()
