"""Reports of one wallet, added up from its entries when they are asked for.

Only the entries of the period are read, in the order of value dates where it is one of value dates.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from psycopg import sql
from psycopg.rows import class_row

from projections.contract import Snapshot

MOST_MOVEMENTS = 50_000
"""How many movements a report adds up: as many as take a twentieth of a second or two."""

_NONE = 2**63 - 1
"""Beyond every position."""

# Asked for first, so that whoever plans the reports knows how much they are to read.
BOUNDS = """
    SELECT coalesce((
            SELECT position FROM value_days
            WHERE wallet_id = %(wallet_id)s AND value_date >= %(since)s
            ORDER BY value_date LIMIT 1), %(none)s),
        coalesce((
            SELECT position FROM value_days
            WHERE wallet_id = %(wallet_id)s AND value_date > %(until)s
            ORDER BY value_date LIMIT 1), %(none)s)"""
# Beyond the place where a wallet's latest value date passes a day only what came late is of that
# day or before. So of what is recorded up to a position it never changes what is of a period.
MOVED = sql.SQL("""
    SELECT position, e.amount, recorded_at, effective_at, payment_id, counterparty, direction
    FROM entries e
    WHERE wallet_id = %(wallet_id)s AND direction IS NOT NULL
        AND position >= %(begun)s AND position < %(passed)s
        AND position > %(beyond)s AND position <= %(at)s
        AND effective_at >= %(since)s::timestamp AT TIME ZONE 'UTC'
        AND (%(direction)s::text IS NULL OR direction = %(direction)s)
    UNION ALL
    SELECT position, e.amount, recorded_at, effective_at, payment_id, counterparty, direction
    FROM late_entries l JOIN entries e USING (position)
    WHERE l.wallet_id = %(wallet_id)s
        AND l.value_date BETWEEN %(since)s AND %(until)s
        AND l.position > %(passed)s AND l.position > %(beyond)s AND l.position <= %(at)s
        AND (%(direction)s::text IS NULL OR direction = %(direction)s)
    LIMIT %(most)s + 1""")
# A wallet's entries are numbered by their versions, so there are at most as many movements.
LAST = """
    SELECT version FROM entries
    WHERE wallet_id = %(wallet_id)s AND position <= %(at)s ORDER BY position DESC LIMIT 1"""
COUNT = sql.SQL("SELECT count(*) FROM ({moved}) AS moved").format(moved=MOVED)
# Times never go back along positions, so that of the last movement is looked up for a page only.
COUNTERPARTIES = sql.SQL("""
    WITH page AS (
        SELECT counterparty, sum(amount) AS volume, count(*) AS count, max(position) AS position,
            count(*) FILTER (WHERE direction = 'debit') AS paid_count,
            coalesce(sum(amount) FILTER (WHERE direction = 'debit'), 0) AS paid
        FROM ({moved}) AS moved GROUP BY counterparty
        HAVING %(after)s::text IS NULL OR sum(amount) < %(volume)s::numeric
            OR (sum(amount) = %(volume)s::numeric AND counterparty > %(after)s)
        ORDER BY volume DESC, counterparty LIMIT %(limit)s)
    SELECT p.counterparty, p.volume, p.paid_count, p.paid, p.count - p.paid_count AS received_count,
        p.volume - p.paid AS received, e.recorded_at AS last_at
    FROM page p JOIN entries e USING (position)
    ORDER BY p.volume DESC, p.counterparty""").format(moved=MOVED)
# What a payer wrote is not the payee's to see, so it names what was paid only. A payment is looked
# up by its id for each movement: unknown to the planner, few of them would make it read all.
FLOWS = sql.SQL("""
    SELECT date_trunc('month', m.effective_at AT TIME ZONE 'UTC')::date AS month, m.direction,
        CASE WHEN m.direction = 'debit' THEN p.metadata ->> 'category' END AS category, p.kind,
        c.reference AS counterparty, count(*) AS count, sum(m.amount) AS amount,
        sum(count(*)) OVER ()::bigint AS movements
    FROM ({moved}) AS m
    LEFT JOIN LATERAL (
        SELECT kind, metadata FROM payments
        WHERE payments.payment_id = m.payment_id LIMIT 1) AS p ON true
    LEFT JOIN (
        SELECT wallet_id, reference FROM balances
        WHERE reference = ANY (%(references)s) AND kind = 'system') AS c
        ON c.wallet_id = m.counterparty
    GROUP BY 1, 2, 3, 4, 5""").format(moved=MOVED)
OPENING = """
    SELECT posted_after FROM entries
    WHERE wallet_id = %(wallet_id)s AND position <= %(after)s ORDER BY position DESC LIMIT 1"""
POSTED = """
    SELECT coalesce(array_agg(position), '{}'), coalesce(array_agg(posted_after), '{}')
    FROM (
        SELECT position, posted_after FROM entries
        WHERE wallet_id = %(wallet_id)s AND direction IS NOT NULL
            AND position > %(after)s AND position <= %(at)s
        ORDER BY position LIMIT %(most)s + 1) AS moved"""
POINTS = """
    SELECT position, recorded_at, posted_after AS posted FROM entries
    WHERE position = ANY (%s) ORDER BY position"""


class TooManyMovements(Exception):
    """The wallet moved more often in the period than a report adds up."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Period:
    """Value dates, both included, of what is recorded up to a position; None asks for both ways.

    `beyond` leaves out what is recorded up to another position.
    """

    since: date
    until: date
    at: int
    direction: str | None = None
    beyond: int = -(2**63)


@dataclass(frozen=True, slots=True)
class CounterpartyRow:
    """What went between a wallet and another one, in minor units."""

    counterparty: str
    volume: Decimal
    paid_count: int
    paid: Decimal
    received_count: int
    received: Decimal
    last_at: datetime


@dataclass(frozen=True, slots=True)
class FlowRow:
    """What moved in a month one way, by what tells its category; in minor units.

    `category` is what the payer wrote, `counterparty` the reference of a system wallet, if it is
    one that was asked for.
    """

    month: date
    direction: str
    category: str | None
    kind: str
    counterparty: str | None
    count: int
    amount: Decimal
    movements: int


@dataclass(frozen=True, slots=True)
class PointRow:
    """What was posted after a movement, in minor units."""

    position: int
    recorded_at: datetime
    posted: int


@dataclass(frozen=True, slots=True)
class History:
    """What was posted at first, in minor units, and after some of so many movements."""

    opening: int
    movements: int
    points: Sequence[PointRow]


async def list_counterparties(
    snapshot: Snapshot,
    wallet_id: str,
    period: Period,
    *,
    after: tuple[int, str] | None,
    limit: int,
) -> list[CounterpartyRow]:
    """Return whom a wallet paid and by whom it was paid, the largest volume first.

    `after` is volume and counterparty of a row. It reads entries and value dates, so a snapshot
    must have both as far as the period. Raises `TooManyMovements`.
    """
    volume, counterparty = after or (None, None)
    place = {"volume": volume, "after": counterparty, "limit": limit}
    asked = {**await _asked(snapshot, wallet_id, period), **place}
    last = await (await snapshot.execute(LAST, asked)).fetchone()
    if last is not None and last[0] > MOST_MOVEMENTS:
        counted = await (await snapshot.execute(COUNT, asked)).fetchone()
        if counted is not None and counted[0] > MOST_MOVEMENTS:
            raise TooManyMovements
    async with snapshot.cursor(row_factory=class_row(CounterpartyRow)) as cursor:
        await cursor.execute(COUNTERPARTIES, asked)
        return await cursor.fetchall()


async def list_flows(
    snapshot: Snapshot, wallet_id: str, period: Period, references: Sequence[str]
) -> list[FlowRow]:
    """Return what moved by month and by some references of system wallets, in no order.

    It reads entries, value dates, payments and balances, so a snapshot must have all of them as
    far as the period. Raises `TooManyMovements`.
    """
    asked = {**await _asked(snapshot, wallet_id, period), "references": list(references)}
    async with snapshot.cursor(row_factory=class_row(FlowRow)) as cursor:
        await cursor.execute(FLOWS, asked)
        rows = await cursor.fetchall()
    if rows and rows[0].movements > MOST_MOVEMENTS:
        raise TooManyMovements
    return rows


async def balance_points(
    snapshot: Snapshot, wallet_id: str, *, after: int, at: int, points: int
) -> History:
    """Return what was posted at a position, and then up to another after so many movements at most.

    Kept are always the first and the last one, and the first of the lowest and of the highest.
    Raises `TooManyMovements`.
    """
    asked = {"wallet_id": wallet_id, "after": after, "at": at, "most": MOST_MOVEMENTS}
    opening = await (await snapshot.execute(OPENING, asked)).fetchone()
    row = await (await snapshot.execute(POSTED, asked)).fetchone()
    assert row is not None, "an aggregate has one row"
    positions, posted = row
    if len(positions) > MOST_MOVEMENTS:
        raise TooManyMovements
    kept = [positions[index] for index in _drawn(posted, points)]
    async with snapshot.cursor(row_factory=class_row(PointRow)) as cursor:
        await cursor.execute(POINTS, [kept])
        rows = await cursor.fetchall()
    return History(0 if opening is None else int(opening[0]), len(positions), rows)


def _drawn(posted: Sequence[int], points: int) -> Iterable[int]:
    """Return which of them a chart of so many points shows: the last of each of its stretches."""
    count = len(posted)
    if count <= points:
        return range(count)
    ends = {-(-stretch * count // (points - 3)) - 1 for stretch in range(1, points - 2)}
    return ends | {0, posted.index(min(posted)), posted.index(max(posted))}


async def _asked(snapshot: Snapshot, wallet_id: str, period: Period) -> dict[str, Any]:
    asked: dict[str, Any] = {
        "wallet_id": wallet_id,
        "since": period.since,
        "until": period.until,
        "at": period.at,
        "beyond": period.beyond,
        "direction": period.direction,
        "most": MOST_MOVEMENTS,
        "none": _NONE,
    }
    row = await (await snapshot.execute(BOUNDS, asked)).fetchone()
    assert row is not None, "a query without a table has one row"
    return {**asked, "begun": row[0], "passed": row[1]}
