"""Payments: each payment as it stands now, whether it moved money or was declined."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from psycopg import sql
from psycopg.rows import class_row

from domain.events import PaymentCompleted, PaymentDeclined
from projections.contract import Applied, Cursor, Projection, Snapshot

BEGINNINGS = (PaymentCompleted, PaymentDeclined)

ADD = """
    COPY payments (payment_id, position, amount, available, recorded_at, effective_at,
        source_wallet_id, destination_wallet_id, kind, status, currency, failure_code,
        description, reference, metadata) FROM STDIN"""


def apply(events: Sequence[Applied], cursor: Cursor) -> None:
    """Add a row for each payment that begins."""
    rows = [
        _row(applied, applied.event) for applied in events if isinstance(applied.event, BEGINNINGS)
    ]
    if rows:
        with cursor.copy(ADD) as copy:
            for row in rows:
                copy.write_row(row)


def _row(applied: Applied, event: PaymentCompleted | PaymentDeclined) -> tuple[object, ...]:
    declined = event if isinstance(event, PaymentDeclined) else None
    return (
        applied.stream_id,
        applied.position,
        event.amount,
        declined and declined.available,
        applied.recorded_at,
        event.effective_at,
        event.source_wallet_id,
        event.destination_wallet_id,
        event.kind,
        "declined" if declined else "completed",
        event.currency,
        declined and declined.code,
        event.description,
        event.reference,
        None if event.metadata is None else json.dumps(event.metadata, ensure_ascii=False),
    )


PAYMENTS = Projection("payments", 1, ("payments",), apply)


@dataclass(frozen=True, slots=True)
class PaymentRow:
    """A payment as it stands, amounts in minor units; `payer` says that its payer's side asks."""

    payment_id: str
    position: int
    amount: int
    recorded_at: datetime
    effective_at: datetime
    source_wallet_id: str
    destination_wallet_id: str
    kind: str
    status: str
    currency: str
    failure_code: str | None
    description: str | None
    reference: str | None
    metadata: Mapping[str, str] | None
    payer: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentFilter:
    """Which payments are asked for; None asks for any, and `until` is not included.

    `before` is the time and the position of a payment, of which only older ones are asked for.
    """

    status: str | None = None
    kind: str | None = None
    since: str | None = None
    until: str | None = None
    before: tuple[str, int] | None = None

    def conditions(self) -> sql.Composable:
        """Return the conditions as SQL."""
        chosen = {
            "status = %(status)s": self.status,
            "kind = %(kind)s": self.kind,
            "recorded_at >= %(since)s": self.since,
            "recorded_at < %(until)s": self.until,
            "recorded_at <= %(before_time)s AND position < %(before)s": self.before,
        }
        given = [sql.SQL(text) for text, value in chosen.items() if value is not None]
        return sql.SQL(" AND ").join(given or [sql.SQL("true")])

    def parameters(self) -> dict[str, object]:
        """Return what the conditions need."""
        time, position = self.before or (None, None)
        return {
            "status": self.status,
            "kind": self.kind,
            "since": self.since,
            "until": self.until,
            "before_time": time,
            "before": position,
        }


COLUMNS = sql.SQL("""p.payment_id, p.position, p.amount, p.recorded_at, p.effective_at,
    p.source_wallet_id, p.destination_wallet_id, p.kind, p.status, p.currency, p.failure_code,
    p.description, p.reference, p.metadata""")
FIND = sql.SQL("""
    SELECT {columns}, %(owner)s::text IS NULL OR coalesce(s.owner = %(owner)s, false) AS payer
    FROM payments p
    LEFT JOIN balances s ON s.wallet_id = p.source_wallet_id
    LEFT JOIN balances d ON d.wallet_id = p.destination_wallet_id
    WHERE p.payment_id = %(payment_id)s AND (%(owner)s::text IS NULL OR s.owner = %(owner)s
        OR d.owner = %(owner)s AND p.status <> 'declined')""").format(columns=COLUMNS)
LIST_ALL = sql.SQL("""
    SELECT {columns}, true AS payer FROM payments p WHERE {conditions}
    ORDER BY p.recorded_at DESC, p.position DESC LIMIT %(limit)s""")
# One short walk down an index for each wallet, from each of the payment's sides.
LIST_OF_FEW = sql.SQL("""
    WITH mine AS MATERIALIZED (SELECT wallet_id FROM balances WHERE owner = %(owner)s),
    bounds AS MATERIALIZED (
        SELECT coalesce(min(b.position), 9223372036854775807) AS until FROM (
            SELECT position FROM payments WHERE recorded_at >= %(until)s
            ORDER BY recorded_at, position LIMIT 1) AS b)
    SELECT {columns}, p.payer FROM (
        SELECT paid.*, true AS payer FROM mine CROSS JOIN LATERAL (
            SELECT * FROM payments WHERE source_wallet_id = mine.wallet_id
                AND position < (SELECT until FROM bounds) AND {conditions}
            ORDER BY position DESC LIMIT %(limit)s) AS paid
        UNION ALL
        SELECT received.*, false AS payer FROM mine CROSS JOIN LATERAL (
            SELECT * FROM payments WHERE destination_wallet_id = mine.wallet_id
                AND status <> 'declined'
                AND source_wallet_id NOT IN (SELECT wallet_id FROM mine)
                AND position < (SELECT until FROM bounds) AND {conditions}
            ORDER BY position DESC LIMIT %(limit)s) AS received) AS p
    ORDER BY p.position DESC LIMIT %(limit)s""")

# Whoever has very many wallets is soon met with on a walk along all payments.
LIST_OF_MANY = sql.SQL("""
    WITH mine AS MATERIALIZED (SELECT wallet_id FROM balances WHERE owner = %(owner)s)
    SELECT {columns}, p.source_wallet_id IN (SELECT wallet_id FROM mine) AS payer
    FROM payments p
    WHERE {conditions} AND (p.source_wallet_id IN (SELECT wallet_id FROM mine)
        OR p.destination_wallet_id IN (SELECT wallet_id FROM mine) AND p.status <> 'declined')
    ORDER BY p.recorded_at DESC, p.position DESC LIMIT %(limit)s""")
COUNT_UP_TO = """
    SELECT count(*) FROM (SELECT 1 FROM balances WHERE owner = %s LIMIT %s) AS counted"""
MANY = 300


async def find_payment(snapshot: Snapshot, payment_id: str, owner: str | None) -> PaymentRow | None:
    """Return a payment; with an owner only if they are its payer, or its payee and it was paid.

    Whose the wallets are is the balances' to know, so a snapshot must have those as far.
    """
    async with snapshot.cursor(row_factory=class_row(PaymentRow)) as cursor:
        await cursor.execute(FIND, {"payment_id": payment_id, "owner": owner})
        return await cursor.fetchone()


async def list_payments(
    snapshot: Snapshot, wanted: PaymentFilter, owner: str | None, limit: int
) -> list[PaymentRow]:
    """Return payments, the newest first; with an owner only those that `find_payment` finds."""
    chosen = LIST_ALL if owner is None else await _way_to_own(snapshot, owner)
    statement = chosen.format(columns=COLUMNS, conditions=wanted.conditions())
    async with snapshot.cursor(row_factory=class_row(PaymentRow)) as cursor:
        await cursor.execute(statement, {**wanted.parameters(), "owner": owner, "limit": limit})
        return await cursor.fetchall()


async def _way_to_own(snapshot: Snapshot, owner: str) -> sql.SQL:
    row = await (await snapshot.execute(COUNT_UP_TO, [owner, MANY])).fetchone()
    return LIST_OF_FEW if row is None or row[0] < MANY else LIST_OF_MANY
