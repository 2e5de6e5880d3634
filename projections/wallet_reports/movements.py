"""What moved in a wallet in a period, which the reports of a wallet add up when asked for.

Only the entries of the period are read, in the order of value dates where it is one of value dates.
"""

from dataclasses import dataclass
from datetime import date
from typing import Any

from psycopg import sql

from projections.contract import Snapshot

MOST_MOVEMENTS = 50_000
"""How many movements a report adds up: as many as take a tenth of a second or two."""

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
"""The movements of a period, in no order; `parameters` gives what it takes."""


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


async def parameters(snapshot: Snapshot, wallet_id: str, period: Period) -> dict[str, Any]:
    """Return what `MOVED` takes; it reads value dates."""
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
