"""Changes: what moved in wallets and what became of payments between two positions."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from psycopg import sql
from psycopg.rows import class_row

from projections.contract import Snapshot
from projections.payment_queries import COLUMNS, TOLD, LegRow, PaymentRow

MOVEMENTS = """
    SELECT e.position, e.wallet_id, e.posted_after, e.held_after, e.currency FROM entries e
    WHERE e.position > %(after)s AND e.position <= %(until)s
        AND (%(all)s OR e.wallet_id IN (
            SELECT wallet_id FROM members WHERE user_id = ANY(%(users)s)))
    ORDER BY e.position"""
# Times never go back along positions, so payments are found by when they began; the entries, each
# known by its position, tell the time of a position.
CHANGED = sql.SQL("""
    WITH mine AS MATERIALIZED (
        SELECT DISTINCT wallet_id FROM members WHERE user_id = ANY(%(users)s)),
    changed AS (
        SELECT payment_id, position AS changed_at FROM payments
        WHERE position > %(after)s AND position <= %(until)s
            AND recorded_at >= coalesce((SELECT recorded_at FROM entries
                WHERE position <= %(after)s ORDER BY position DESC LIMIT 1), '-infinity')
            AND recorded_at <= coalesce((SELECT recorded_at FROM entries
                WHERE position >= %(until)s ORDER BY position LIMIT 1), 'infinity')
        UNION ALL
        SELECT payment_id, position FROM payment_steps
        WHERE position > %(after)s AND position <= %(until)s)
    SELECT {columns}, false AS payer, c.changed_at, {told} AS told
    FROM changed c JOIN payments p USING (payment_id)
    WHERE %(all)s OR p.source_wallet_id IN (SELECT wallet_id FROM mine)
        OR p.destination_wallet_id IN (SELECT wallet_id FROM mine)
        OR (p.source_wallet_id IS NULL AND EXISTS (
            SELECT FROM payment_legs l WHERE l.payment_id = p.payment_id
                AND (l.source_wallet_id IN (SELECT wallet_id FROM mine)
                    OR l.destination_wallet_id IN (SELECT wallet_id FROM mine))))
    ORDER BY c.changed_at""").format(columns=COLUMNS, told=TOLD)
LEGS = """
    SELECT payment_id, amount, source_wallet_id, destination_wallet_id, currency,
        false AS paid, false AS received
    FROM payment_legs WHERE payment_id = ANY(%s) ORDER BY payment_id, leg"""
MEMBERS = """
    SELECT user_id, wallet_id FROM members WHERE wallet_id = ANY(%s) AND user_id = ANY(%s)"""


@dataclass(frozen=True, slots=True)
class Movement:
    """What a wallet holds behind one of its movements, in minor units."""

    position: int
    wallet_id: str
    posted_after: int
    held_after: int
    currency: str


@dataclass(frozen=True, slots=True)
class ChangedPayment(PaymentRow):
    """A payment as it stands, and where it changed; `told` says that its payees know of it."""

    changed_at: int
    told: bool


@dataclass(frozen=True, slots=True)
class Changes:
    """What came up to a position, in the order of positions.

    `wallets` are those of each user, as far as anything here touches them; `legs` are those of
    payments with many.
    """

    until: int
    movements: Sequence[Movement] = ()
    payments: Sequence[ChangedPayment] = ()
    legs: Mapping[str, Sequence[LegRow]] = field(default_factory=dict)
    wallets: Mapping[str, frozenset[str]] = field(default_factory=dict)


async def changes_between(
    snapshot: Snapshot, after: int, until: int, users: Collection[str], *, sees_all: bool
) -> Changes:
    """Return what the users may see of the positions behind one up to another one.

    With `sees_all` it is everything, and the wallets of the users are told nevertheless. Entries,
    payments and members must have come as far as `until`.
    """
    asked = {"after": after, "until": until, "users": list(users), "all": sees_all}
    async with snapshot.cursor(row_factory=class_row(Movement)) as cursor:
        movements = await (await cursor.execute(MOVEMENTS, asked)).fetchall()
    async with snapshot.cursor(row_factory=class_row(ChangedPayment)) as cursor:
        payments = await (await cursor.execute(CHANGED, asked)).fetchall()
    legs = await _legs(snapshot, [p.payment_id for p in payments if p.source_wallet_id is None])
    touched = {movement.wallet_id for movement in movements}
    for payment in payments:
        touched |= {payment.source_wallet_id or "", payment.destination_wallet_id or ""}
        for leg in legs.get(payment.payment_id, ()):
            touched |= {leg.source_wallet_id, leg.destination_wallet_id}
    wallets = await _wallets(snapshot, touched, users) if touched else {}
    return Changes(until, movements, payments, legs, wallets)


async def _legs(snapshot: Snapshot, payment_ids: Sequence[str]) -> Mapping[str, Sequence[LegRow]]:
    found: dict[str, list[LegRow]] = {}
    if payment_ids:
        async with snapshot.cursor(row_factory=class_row(LegRow)) as cursor:
            await cursor.execute(LEGS, [list(payment_ids)])
            async for row in cursor:
                found.setdefault(row.payment_id, []).append(row)
    return found


async def _wallets(
    snapshot: Snapshot, touched: Collection[str], users: Collection[str]
) -> Mapping[str, frozenset[str]]:
    found: dict[str, set[str]] = {}
    cursor = await snapshot.execute(MEMBERS, [list(touched), list(users)])
    for user, wallet in await cursor.fetchall():
        found.setdefault(user, set()).add(wallet)
    return {user: frozenset(wallets) for user, wallets in found.items()}
