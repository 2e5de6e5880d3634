"""Value dates: where the order of a wallet's entries by value date leaves that of positions.

Along the positions of a wallet its latest value date moves on and never goes back. Kept are only
the places where it moves on, and the entries that come late, dated before it. All others lie
between those places in the order of both, so `posted_after` of one entry is the sum of thousands.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Literal

from psycopg.rows import class_row

from domain.events import WalletCredited, WalletDebited, WalletHoldCaptured
from projections.contract import Applied, Cursor, Projection, Snapshot, array

LATEST = """
    SELECT w.wallet_id, d.value_date::text
    FROM unnest(%s::text[]) AS w (wallet_id)
    CROSS JOIN LATERAL (
        SELECT value_date FROM value_days
        WHERE value_days.wallet_id = w.wallet_id ORDER BY value_date DESC LIMIT 1) AS d"""
ADD_DAYS = """
    INSERT INTO value_days (wallet_id, value_date, position)
    SELECT * FROM unnest(%s::text[], %s::date[], %s::bigint[])"""
ADD_LATE = """
    INSERT INTO late_entries (wallet_id, value_date, position, amount)
    SELECT * FROM unnest(%s::text[], %s::date[], %s::bigint[], %s::bigint[])"""

Payment = WalletCredited | WalletDebited | WalletHoldCaptured
SIGNS: Mapping[type[Payment], int] = {WalletCredited: 1, WalletDebited: -1, WalletHoldCaptured: -1}
PAID = tuple(SIGNS)


def apply(events: Sequence[Applied], cursor: Cursor) -> None:
    """Add where value dates move on, and what comes late."""
    paid = [(applied, applied.event) for applied in events if isinstance(applied.event, PAID)]
    if not paid:
        return
    wallets = array({applied.stream_id for applied, _ in paid})
    latest: dict[str, str] = dict(cursor.execute(LATEST, [wallets]).fetchall())
    days: list[tuple[str, str, int]] = []
    late: list[tuple[str, str, int, int]] = []
    for applied, event in paid:
        # Instants are written alike, so texts compare as days do.
        wallet, day = applied.stream_id, event.effective_at[:10]
        known = latest.get(wallet, "")
        if day > known:
            latest[wallet] = day
            days.append((wallet, day, applied.position))
        elif day < known:
            late.append((wallet, day, applied.position, SIGNS[type(event)] * event.amount))
    for statement, rows in ((ADD_DAYS, days), (ADD_LATE, late)):
        if rows:
            cursor.execute(statement, [list(column) for column in zip(*rows, strict=True)])


VALUE_DATES = Projection("value_dates", 1, ("value_days", "late_entries"), apply)


@dataclass(frozen=True, slots=True)
class ValueRow:
    """A movement of a wallet in the order of value dates; `amount` in minor units, unsigned."""

    value_date: date
    position: int
    version: int
    payment_id: str
    direction: Literal["debit", "credit"]
    amount: int
    description: str | None
    counterparty: str
    recorded_at: datetime
    effective_at: datetime


# Beyond the place where the latest value date passes a day, only late entries are of that day or
# before; none of the days before is missing at it.
THROUGH = """
    WITH passed AS (
        SELECT coalesce(min(position), %(none)s) AS position FROM (
            SELECT position FROM value_days
            WHERE wallet_id = %(wallet_id)s AND value_date > %(day)s
            ORDER BY value_date LIMIT 1) AS following)
    SELECT coalesce((
            SELECT posted_after FROM entries
            WHERE entries.wallet_id = %(wallet_id)s AND entries.position <= %(until)s
                AND entries.position < passed.position
            ORDER BY entries.position DESC LIMIT 1), 0)
        + coalesce((
            SELECT sum(amount) FROM late_entries
            WHERE wallet_id = %(wallet_id)s AND value_date <= %(day)s
                AND late_entries.position > passed.position
                AND late_entries.position <= %(until)s), 0)
    FROM passed"""
CHOSEN = """
    WITH begun AS (
        SELECT coalesce(min(position), %(none)s) AS position FROM (
            SELECT position FROM value_days
            WHERE wallet_id = %(wallet_id)s AND value_date >= %(since)s
            ORDER BY value_date LIMIT 1) AS first),
    passed AS (
        SELECT coalesce(min(position), %(none)s) AS position FROM (
            SELECT position FROM value_days
            WHERE wallet_id = %(wallet_id)s AND value_date > %(day)s
            ORDER BY value_date LIMIT 1) AS following),
    chosen AS (
        SELECT entries.* FROM entries, begun, passed
        WHERE entries.wallet_id = %(wallet_id)s AND entries.direction IS NOT NULL
            AND entries.position >= begun.position AND entries.position < passed.position
            AND entries.position <= %(until)s
            AND entries.effective_at >= %(since)s::timestamp AT TIME ZONE 'UTC'
        UNION ALL
        SELECT entries.* FROM passed, late_entries JOIN entries USING (position)
        WHERE late_entries.wallet_id = %(wallet_id)s
            AND late_entries.value_date BETWEEN %(since)s AND %(day)s
            AND late_entries.position > passed.position
            AND late_entries.position <= %(until)s)
    SELECT """
IN_ORDER = (
    CHOSEN
    + """
        (effective_at AT TIME ZONE 'UTC')::date AS value_date, position, version, payment_id,
        direction, amount, description, counterparty, recorded_at, effective_at
    FROM chosen ORDER BY value_date, position LIMIT %(limit)s"""
)
OF_DAY = (
    CHOSEN
    + """
        coalesce(sum(CASE direction WHEN 'credit' THEN amount ELSE -amount END), 0)
    FROM chosen WHERE effective_at <= %(at)s"""
)
SPAN = """
    SELECT least(
            (SELECT min(value_date) FROM value_days
             WHERE wallet_id = %(wallet_id)s AND position <= %(until)s),
            (SELECT min(value_date) FROM late_entries
             WHERE wallet_id = %(wallet_id)s AND position <= %(until)s)),
        (SELECT max(value_date) FROM value_days
         WHERE wallet_id = %(wallet_id)s AND position <= %(until)s)"""
_NONE = 2**63 - 1
"""Beyond every position."""

PART = 1_000
"""How many rows are read at a time: some milliseconds."""


async def posted_through(snapshot: Snapshot, wallet_id: str, day: date, until: int) -> int:
    """Return what is posted by the end of a value date (UTC), of what is recorded by a position.

    It reads the entries too, as do the others here, so a snapshot must have both as far as that.
    """
    asked = {"wallet_id": wallet_id, "day": day, "until": until, "none": _NONE}
    row = await (await snapshot.execute(THROUGH, asked)).fetchone()
    assert row is not None, "sums are one row"
    return int(row[0])


async def posted_before(snapshot: Snapshot, wallet_id: str, day: date, until: int) -> int:
    """Return what is posted before a value date begins, of what is recorded by a position."""
    if day == date.min:
        return 0
    return await posted_through(snapshot, wallet_id, day - timedelta(days=1), until)


async def posted_at(snapshot: Snapshot, wallet_id: str, at: datetime, until: int) -> int:
    """Return what is posted at a moment of value, inclusive, of what is recorded by a position."""
    day = at.astimezone(UTC).date()
    before = await posted_before(snapshot, wallet_id, day, until)
    asked = {"wallet_id": wallet_id, "since": day, "day": day, "until": until, "none": _NONE}
    row = await (await snapshot.execute(OF_DAY, {**asked, "at": at})).fetchone()
    assert row is not None, "sums are one row"
    return before + int(row[0])


async def value_span(snapshot: Snapshot, wallet_id: str, until: int) -> tuple[date, date] | None:
    """Return the first and the last value date of what is recorded by a position, if any is."""
    asked = {"wallet_id": wallet_id, "until": until}
    row = await (await snapshot.execute(SPAN, asked)).fetchone()
    return None if row is None or row[0] is None else (row[0], row[1])


async def list_by_value(
    snapshot: Snapshot, wallet_id: str, *, since: date, through: date, until: int, limit: int
) -> list[ValueRow]:
    """Return what moved on some value dates, both included, in their order, then by position."""
    asked = {"wallet_id": wallet_id, "since": since, "day": through, "until": until}
    rows: list[ValueRow] = []
    # Rows come a part at a time, so that no other query waits for many being read, and so that the
    # server does not take the transaction for one that was left alone.
    async with snapshot.cursor("by_value", row_factory=class_row(ValueRow)) as cursor:
        await cursor.execute(IN_ORDER, {**asked, "limit": limit, "none": _NONE})
        while part := await cursor.fetchmany(PART):
            rows += part
    return rows
