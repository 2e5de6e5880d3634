"""Reports over the whole ledger, added up from other read models when they are asked for."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from psycopg.rows import class_row

from projections.contract import Snapshot

LARGEST = 10
"""How many wallets of a currency are looked at for their share of all."""

AGES: Sequence[tuple[str, int | None]] = (
    ("under-1-hour", 3600),
    ("under-1-day", 24 * 3600),
    ("under-7-days", 7 * 24 * 3600),
    ("under-30-days", 30 * 24 * 3600),
    ("30-days-or-more", None),
)
"""The ages of holds, the youngest first, each with the seconds at which the next one begins."""

MONTHS = """
    SELECT date_trunc('month', date)::date AS month, currency, kind, sum(count)::bigint AS count,
        sum(volume) AS volume, sum(declined)::bigint AS declined
    FROM daily_totals
    WHERE date BETWEEN %(since)s AND %(until)s
        AND (%(currency)s::text IS NULL OR currency = %(currency)s)
        AND (%(only_kind)s::text IS NULL OR kind = %(only_kind)s)
        AND (date_trunc('month', date)::date, currency, kind)
            > (%(month)s, %(after_currency)s, %(kind)s)
    GROUP BY 1, 2, 3 ORDER BY 1, 2, 3 LIMIT %(limit)s"""
# A payment that waits for approval holds all of it, and a hold what was not captured.
HOLDS = """
    SELECT currency, age, count(*) AS count, sum(held) AS held, min(recorded_at) AS oldest
    FROM (
        SELECT currency, recorded_at,
            CASE status WHEN 'authorized' THEN uncaptured ELSE amount END AS held,
            width_bucket(extract(epoch FROM %(now)s - recorded_at), %(ages)s::numeric[]) AS age
        FROM payments
        WHERE status IN ('authorized', 'awaiting-approval')
            AND (%(only)s::text IS NULL OR currency = %(only)s)) AS waiting
    WHERE (currency, age) > (%(currency)s, %(age)s)
    GROUP BY currency, age ORDER BY currency, age LIMIT %(limit)s"""
CONCENTRATION = """
    WITH totals AS (
        SELECT currency, count(*) AS wallets, sum(posted) AS total FROM balances
        WHERE kind <> 'system' AND posted > 0 AND currency > %(after)s
            AND (%(only)s::text IS NULL OR currency = %(only)s)
        GROUP BY currency ORDER BY currency LIMIT %(limit)s)
    SELECT t.currency, t.wallets, t.total, b.wallet_id, b.posted
    FROM totals t CROSS JOIN LATERAL (
        SELECT wallet_id, posted FROM balances
        WHERE kind <> 'system' AND posted > 0 AND balances.currency = t.currency
        ORDER BY posted DESC, wallet_id LIMIT %(largest)s) AS b
    ORDER BY t.currency, b.posted DESC, b.wallet_id"""


@dataclass(frozen=True, slots=True)
class MonthRow:
    """What happened in a month in one currency by one kind of payment; money in minor units."""

    month: date
    currency: str
    kind: str
    count: int
    volume: Decimal
    declined: int


@dataclass(frozen=True, slots=True)
class HoldsRow:
    """What is held in one currency since about when; `age` counts from 0 in `AGES`."""

    currency: str
    age: int
    count: int
    held: Decimal
    oldest: datetime


@dataclass(frozen=True, slots=True)
class LargeRow:
    """One of the largest wallets of a currency beside all that have something in it."""

    currency: str
    wallets: int
    total: Decimal
    wallet_id: str
    posted: int


async def list_months(
    snapshot: Snapshot,
    *,
    since: date,
    until: date,
    currency: str | None,
    kind: str | None,
    after: tuple[date, str, str],
    limit: int,
) -> list[MonthRow]:
    """Return the daily totals of some days, both included, by month, in order behind a row."""
    asked = {"since": since, "until": until, "currency": currency, "only_kind": kind}
    place = {"month": after[0], "after_currency": after[1], "kind": after[2], "limit": limit}
    async with snapshot.cursor(row_factory=class_row(MonthRow)) as cursor:
        await cursor.execute(MONTHS, {**asked, **place})
        return await cursor.fetchall()


async def list_holds_by_age(
    snapshot: Snapshot, now: datetime, *, currency: str | None, after: tuple[str, int], limit: int
) -> list[HoldsRow]:
    """Return what is held by the time since it was set aside, in order behind a row."""
    ages = [seconds for _, seconds in AGES if seconds is not None]
    asked = {"now": now, "ages": ages, "only": currency, "limit": limit}
    async with snapshot.cursor(row_factory=class_row(HoldsRow)) as cursor:
        await cursor.execute(HOLDS, {**asked, "currency": after[0], "age": after[1]})
        return await cursor.fetchall()


async def list_largest(
    snapshot: Snapshot, *, currency: str | None, after: str, limit: int
) -> list[LargeRow]:
    """Return the largest wallets of so many currencies behind one, the largest first.

    System wallets are not looked at, since what they hold is nobody's own.
    """
    asked = {"only": currency, "after": after, "limit": limit, "largest": LARGEST}
    async with snapshot.cursor(row_factory=class_row(LargeRow)) as cursor:
        await cursor.execute(CONCENTRATION, asked)
        return await cursor.fetchall()
