"""What a wallet received and paid by month, and by what tells the purpose of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from psycopg import sql
from psycopg.rows import class_row

from projections.contract import Snapshot
from projections.wallet_reports.movements import (
    MOST_MOVEMENTS,
    MOVED,
    Period,
    TooManyMovements,
    parameters,
)

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


async def list_flows(
    snapshot: Snapshot, wallet_id: str, period: Period, references: Sequence[str]
) -> list[FlowRow]:
    """Return what moved by month and by some references of system wallets, in no order.

    It reads entries, value dates, payments and balances, so a snapshot must have all of them as
    far as the period. Raises `TooManyMovements`.
    """
    asked = await parameters(snapshot, wallet_id, period)
    async with snapshot.cursor(row_factory=class_row(FlowRow)) as cursor:
        await cursor.execute(FLOWS, {**asked, "references": list(references)})
        rows = await cursor.fetchall()
    if rows and rows[0].movements > MOST_MOVEMENTS:
        raise TooManyMovements
    return rows
