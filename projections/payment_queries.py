"""Queries of the payments, each as far as it is the caller's to see."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from psycopg import sql
from psycopg.rows import class_row

from projections.contract import Snapshot


@dataclass(frozen=True, slots=True)
class PaymentRow:
    """A payment as it stands, amounts in minor units; `payer` says that its payer's side asks."""

    payment_id: str
    position: int
    amount: int
    recorded_at: datetime
    effective_at: datetime
    source_wallet_id: str | None
    destination_wallet_id: str | None
    kind: str
    status: str
    currency: str
    failure_code: str | None
    description: str | None
    reference: str | None
    metadata: Mapping[str, str] | None
    began_as: str | None
    captured: int
    uncaptured: int
    refunded: int
    refundable: int
    expires_at: datetime | None
    original_payment_id: str | None
    requested_by: str | None
    approved_by: list[str] | None
    quorums: Mapping[str, int] | None
    payer: bool


@dataclass(frozen=True, slots=True)
class LegRow:
    """A movement of a payment with many; `paid` and `received` say whose side asks."""

    payment_id: str
    amount: int
    source_wallet_id: str
    destination_wallet_id: str
    currency: str
    paid: bool
    received: bool


@dataclass(frozen=True, slots=True)
class StepRow:
    """What a payment came to after it had begun."""

    position: int
    status: str
    amount: int | None
    recorded_at: datetime
    effective_at: datetime


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
            "p.status = %(status)s": self.status,
            "p.kind = %(kind)s": self.kind,
            "p.recorded_at >= %(since)s": self.since,
            "p.recorded_at < %(until)s": self.until,
            "p.recorded_at <= %(before_time)s AND p.position < %(before)s": self.before,
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
    p.description, p.reference, p.metadata, p.began_as, p.captured, p.uncaptured, p.refunded,
    p.refundable, p.expires_at, p.original_payment_id, p.requested_by, p.approved_by, p.quorums""")
MINE = sql.SQL("""
    WITH mine AS MATERIALIZED (SELECT wallet_id FROM members WHERE user_id = %(user)s)""")
# A payee is never told of what was declined or not approved, in time or so far. What was approved
# and then ran out was a hold meanwhile.
TOLD = sql.SQL("""(p.status NOT IN ('declined', 'awaiting-approval', 'expired')
    OR (p.status = 'expired' AND (p.began_as <> 'awaiting-approval' OR EXISTS (
        SELECT FROM payment_steps s
        WHERE s.payment_id = p.payment_id AND s.status = 'authorized'))))""")
PAID = sql.SQL("""(p.source_wallet_id IN (SELECT wallet_id FROM mine) OR EXISTS (
    SELECT FROM payment_legs l WHERE l.payment_id = p.payment_id
        AND l.source_wallet_id IN (SELECT wallet_id FROM mine)))""")
RECEIVED = sql.SQL("""({told} AND (
    p.destination_wallet_id IN (SELECT wallet_id FROM mine) OR EXISTS (
    SELECT FROM payment_legs l WHERE l.payment_id = p.payment_id
        AND l.destination_wallet_id IN (SELECT wallet_id FROM mine))))""").format(told=TOLD)
FIND = sql.SQL("""{mine}
    SELECT {columns}, %(sees_all)s OR {paid} AS payer FROM payments p
    WHERE p.payment_id = %(payment_id)s AND (%(sees_all)s OR {paid} OR {received})""").format(
    mine=MINE, columns=COLUMNS, paid=PAID, received=RECEIVED
)
LEGS = sql.SQL("""{mine}
    SELECT payment_id, amount, source_wallet_id, destination_wallet_id, currency,
        source_wallet_id IN (SELECT wallet_id FROM mine) AS paid,
        destination_wallet_id IN (SELECT wallet_id FROM mine) AS received
    FROM payment_legs WHERE payment_id = ANY(%(payment_ids)s)
    ORDER BY payment_id, leg""").format(mine=MINE)
STEPS = """
    SELECT position, status, amount, recorded_at, effective_at FROM payment_steps
    WHERE payment_id = %s ORDER BY position"""
LIST_ALL = sql.SQL("""
    SELECT {columns}, true AS payer FROM payments p WHERE {conditions}
    ORDER BY p.recorded_at DESC, p.position DESC LIMIT %(limit)s""")
# One short walk down an index for each wallet, from each of the payment's sides. What is found in
# two ways is found twice, and counts once.
LIST_OF_FEW = sql.SQL("""{mine},
    bounds AS MATERIALIZED (
        SELECT coalesce(min(b.position), 9223372036854775807) AS until FROM (
            SELECT position FROM payments WHERE recorded_at >= %(until)s
            ORDER BY recorded_at, position LIMIT 1) AS b),
    found AS (
        SELECT paid.*, true AS payer FROM mine CROSS JOIN LATERAL (
            SELECT p.payment_id, p.position FROM payments p
            WHERE p.source_wallet_id = mine.wallet_id
                AND p.position < (SELECT until FROM bounds) AND {conditions}
            ORDER BY p.position DESC LIMIT %(limit)s) AS paid
        UNION ALL
        SELECT received.*, false FROM mine CROSS JOIN LATERAL (
            SELECT p.payment_id, p.position FROM payments p
            WHERE p.destination_wallet_id = mine.wallet_id AND {told}
                AND p.position < (SELECT until FROM bounds) AND {conditions}
            ORDER BY p.position DESC LIMIT %(limit)s) AS received
        UNION ALL
        SELECT paid.*, true FROM mine CROSS JOIN LATERAL (
            SELECT p.payment_id, p.position FROM payment_legs l JOIN payments p USING (payment_id)
            WHERE l.source_wallet_id = mine.wallet_id
                AND l.position < (SELECT until FROM bounds) AND {conditions}
            ORDER BY l.position DESC LIMIT 100 * %(limit)s) AS paid
        UNION ALL
        SELECT received.*, false FROM mine CROSS JOIN LATERAL (
            SELECT p.payment_id, p.position FROM payment_legs l JOIN payments p USING (payment_id)
            WHERE l.destination_wallet_id = mine.wallet_id AND {told}
                AND l.position < (SELECT until FROM bounds) AND {conditions}
            ORDER BY l.position DESC LIMIT 100 * %(limit)s) AS received),
    once AS (
        SELECT payment_id, bool_or(payer) AS payer FROM found GROUP BY payment_id, position
        ORDER BY position DESC LIMIT %(limit)s)
    SELECT {columns}, once.payer FROM once JOIN payments p USING (payment_id)
    ORDER BY p.position DESC""")
# Whoever has very many wallets is soon met with on a walk along all payments.
LIST_OF_MANY = sql.SQL("""{mine}
    SELECT {columns}, {paid} AS payer FROM payments p
    WHERE {conditions} AND ({paid} OR {received})
    ORDER BY p.recorded_at DESC, p.position DESC LIMIT %(limit)s""")
COUNT_UP_TO = """
    SELECT count(*) FROM (SELECT 1 FROM members WHERE user_id = %s LIMIT %s) AS counted"""
MANY = 300


async def find_payment(
    snapshot: Snapshot, payment_id: str, user: str, *, sees_all: bool
) -> PaymentRow | None:
    """Return a payment; unless the user sees all, only if they pay it, or are paid by it.

    Whose the wallets are is the members' to know, so a snapshot must have those as far.
    """
    asked = {"payment_id": payment_id, "user": user, "sees_all": sees_all}
    async with snapshot.cursor(row_factory=class_row(PaymentRow)) as cursor:
        await cursor.execute(FIND, asked)
        return await cursor.fetchone()


async def list_payments(
    snapshot: Snapshot, wanted: PaymentFilter, user: str, *, sees_all: bool, limit: int
) -> list[PaymentRow]:
    """Return payments, the newest first, of those that `find_payment` finds."""
    chosen = LIST_ALL if sees_all else await _way_to_own(snapshot, user)
    statement = chosen.format(
        columns=COLUMNS,
        conditions=wanted.conditions(),
        mine=MINE,
        paid=PAID,
        received=RECEIVED,
        told=TOLD,
    )
    async with snapshot.cursor(row_factory=class_row(PaymentRow)) as cursor:
        await cursor.execute(statement, {**wanted.parameters(), "user": user, "limit": limit})
        return await cursor.fetchall()


async def legs_of(snapshot: Snapshot, payment_ids: list[str], user: str) -> dict[str, list[LegRow]]:
    """Return the legs of payments with many, in their order."""
    found: dict[str, list[LegRow]] = {}
    async with snapshot.cursor(row_factory=class_row(LegRow)) as cursor:
        await cursor.execute(LEGS, {"payment_ids": payment_ids, "user": user})
        async for row in cursor:
            found.setdefault(row.payment_id, []).append(row)
    return found


async def steps_of(snapshot: Snapshot, payment_id: str) -> list[StepRow]:
    """Return what a payment came to after it had begun, the oldest first."""
    async with snapshot.cursor(row_factory=class_row(StepRow)) as cursor:
        await cursor.execute(STEPS, [payment_id])
        return await cursor.fetchall()


# Who was an owner and approved may be one again, so that all have agreed and it waits all the same:
# then any other owner's word carries it out.
WAITING = sql.SQL("""
    SELECT {columns}, true AS payer FROM payments p CROSS JOIN LATERAL (
        SELECT array_agg(q.key) AS wallet_ids FROM json_each_text(p.quorums) q
        WHERE q.value::int > (
            SELECT count(*) FROM members o WHERE o.wallet_id = q.key AND o.role = 'owner'
                AND o.user_id = ANY (p.approved_by))) AS lacking
    WHERE p.status = 'awaiting-approval' AND p.position < %(before)s
        AND p.requested_by <> %(user)s AND NOT %(user)s = ANY (p.approved_by)
        AND (p.expires_at IS NULL OR p.expires_at > clock_timestamp())
        AND EXISTS (SELECT FROM members m WHERE m.user_id = %(user)s AND m.role = 'owner'
            AND p.quorums::jsonb ? m.wallet_id
            AND m.wallet_id = ANY (coalesce(lacking.wallet_ids, ARRAY[m.wallet_id])))
    ORDER BY p.position DESC LIMIT %(limit)s""").format(columns=COLUMNS)
# A payment of many legs holds money only as long as it waits for approval, so there are few.
HOLDS = sql.SQL("""{mine},
    found AS (
        (SELECT p.payment_id FROM payments p
        WHERE p.source_wallet_id = %(wallet_id)s AND p.position < %(before)s
            AND p.status IN ('authorized', 'awaiting-approval')
        ORDER BY p.position DESC LIMIT %(limit)s)
        UNION ALL
        (SELECT p.payment_id FROM payments p
        WHERE p.source_wallet_id IS NULL AND p.position < %(before)s
            AND p.status IN ('authorized', 'awaiting-approval')
            AND EXISTS (SELECT FROM payment_legs l WHERE l.payment_id = p.payment_id
                AND l.source_wallet_id = %(wallet_id)s)
        ORDER BY p.position DESC LIMIT %(limit)s))
    SELECT {columns}, %(sees_all)s OR {paid} AS payer FROM found JOIN payments p USING (payment_id)
    ORDER BY p.position DESC LIMIT %(limit)s""").format(mine=MINE, columns=COLUMNS, paid=PAID)


async def list_waiting(
    snapshot: Snapshot, user: str, *, before: int, limit: int
) -> list[PaymentRow]:
    """Return the payments that wait for a user's approval, the newest first.

    Those of which a wallet that the user owns lacks approvals, and which they neither made nor
    approved.
    """
    async with snapshot.cursor(row_factory=class_row(PaymentRow)) as cursor:
        await cursor.execute(WAITING, {"user": user, "before": before, "limit": limit})
        return await cursor.fetchall()


async def list_holds(
    snapshot: Snapshot, wallet_id: str, user: str, *, sees_all: bool, before: int, limit: int
) -> list[PaymentRow]:
    """Return the payments that hold money of a wallet, the newest first."""
    asked = {"wallet_id": wallet_id, "user": user, "sees_all": sees_all}
    async with snapshot.cursor(row_factory=class_row(PaymentRow)) as cursor:
        await cursor.execute(HOLDS, {**asked, "before": before, "limit": limit})
        return await cursor.fetchall()


async def _way_to_own(snapshot: Snapshot, user: str) -> sql.SQL:
    row: Any = await (await snapshot.execute(COUNT_UP_TO, [user, MANY])).fetchone()
    return LIST_OF_FEW if row[0] < MANY else LIST_OF_MANY
