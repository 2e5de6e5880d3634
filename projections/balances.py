"""Balances: each wallet as it stands now."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from psycopg import sql
from psycopg.rows import class_row

from domain.events import (
    AccountClass,
    Role,
    WalletApprovalsChanged,
    WalletClosed,
    WalletCredited,
    WalletDebited,
    WalletFrozen,
    WalletFundsHeld,
    WalletHoldCaptured,
    WalletHoldReleased,
    WalletKind,
    WalletLimitsChanged,
    WalletOpened,
    WalletOverdraftLimitChanged,
    WalletUnfrozen,
)
from projections.contract import Applied, Cursor, Projection, Snapshot, array

OPEN = """
    INSERT INTO balances (wallet_id, opened_position, opened_at, position, overdraft_limit, kind,
        account_class, currency, owner, name, reference)
    SELECT o.wallet_id, o.position, o.opened_at, o.position, o.overdraft_limit, o.kind,
        o.account_class, o.currency, o.owner, o.name, o.reference
    FROM unnest(%s::text[], %s::bigint[], %s::timestamptz[], %s::bigint[], %s::text[],
        %s::text[], %s::text[], %s::text[], %s::text[], %s::text[])
        AS o (wallet_id, position, opened_at, overdraft_limit, kind, account_class, currency,
            owner, name, reference)"""
MOVE = """
    WITH moved AS (
        UPDATE balances b
        SET posted = b.posted + m.posted, held = b.held + m.held, position = m.position
        FROM unnest(%s::text[], %s::bigint[], %s::bigint[], %s::bigint[])
            AS m (wallet_id, posted, held, position)
        WHERE b.wallet_id = m.wallet_id RETURNING 1)
    SELECT count(*) FROM moved"""
CHANGE = sql.SQL("""
    UPDATE balances SET {changes} position = greatest(position, %s) WHERE wallet_id = %s""")
EFFECTS: Mapping[type, tuple[int, int]] = {
    WalletCredited: (1, 0),
    WalletDebited: (-1, 0),
    WalletFundsHeld: (0, 1),
    WalletHoldCaptured: (-1, -1),
    WalletHoldReleased: (0, -1),
}
"""What an amount does to posted and held."""


def apply(events: Sequence[Applied], cursor: Cursor) -> None:
    """Open wallets, then move money, then change standings: each is independent of the others."""
    opened: list[tuple[object, ...]] = []
    moved: dict[str, list[int]] = {}
    changed: list[tuple[Applied, dict[str, object]]] = []
    for applied in events:
        event = applied.event
        effect = EFFECTS.get(type(event))
        if effect is not None:
            _move(moved, applied, effect)
        elif isinstance(event, WalletOpened):
            opened.append(_opening(applied, event))
        elif applied.stream_id.startswith("wal_"):
            changed.append((applied, _changed(event)))
    if opened:
        cursor.execute(OPEN, [list(column) for column in zip(*opened, strict=True)])
    if moved:
        columns = [array(moved), *map(array, zip(*moved.values(), strict=True))]
        ((count,),) = cursor.execute(MOVE, columns).fetchall()
        assert count == len(moved), "money moved in a wallet that was never opened"
    for applied, changes in changed:
        assignments = [sql.SQL("{} = %s").format(sql.Identifier(name)) for name in changes]
        cursor.execute(
            CHANGE.format(changes=sql.SQL("").join(part + sql.SQL(", ") for part in assignments)),
            [*changes.values(), applied.position, applied.stream_id],
        )


def _move(moved: dict[str, list[int]], applied: Applied, effect: tuple[int, int]) -> None:
    amount: int = applied.event.amount  # type: ignore[union-attr]  # what moves money has one
    posted, held = effect[0] * amount, effect[1] * amount
    known = moved.get(applied.stream_id)
    if known is None:
        moved[applied.stream_id] = [posted, held, applied.position]
    else:
        known[0] += posted
        known[1] += held
        known[2] = applied.position


def _opening(applied: Applied, event: WalletOpened) -> tuple[object, ...]:
    return (
        applied.stream_id,
        applied.position,
        applied.recorded_at,
        event.overdraft_limit,
        event.kind,
        event.account_class,
        event.currency,
        event.owner,
        event.name,
        event.reference,
    )


def _changed(event: object) -> dict[str, object]:
    """Return the columns that an event changes beside the position."""
    match event:
        case WalletFrozen(side="member"):
            return {"frozen_by_member": True}
        case WalletFrozen():
            return {"frozen_by_operator": True}
        case WalletUnfrozen(side="member"):
            return {"frozen_by_member": False}
        case WalletUnfrozen():
            return {"frozen_by_operator": False}
        case WalletClosed():
            return {"closed": True}
        case WalletOverdraftLimitChanged(overdraft_limit=limit):
            return {"overdraft_limit": limit}
        case WalletLimitsChanged(per_payment=per_payment, per_day=per_day):
            return {"per_payment": per_payment, "per_day": per_day}
        case WalletApprovalsChanged(required=required, above=above):
            return {"approvals_required": required, "approvals_above": above}
        case _:
            return {}


BALANCES = Projection("balances", 2, ("balances",), apply)


@dataclass(frozen=True, slots=True)
class WalletRow:
    """A wallet as it stands; money in minor units, no limit of any kind is unlimited.

    `role` is that of whoever asks.
    """

    wallet_id: str
    opened_position: int
    opened_at: datetime
    posted: int
    held: int
    overdraft_limit: int | None
    frozen_by_member: bool
    frozen_by_operator: bool
    closed: bool
    kind: WalletKind
    account_class: AccountClass
    currency: str
    owner: str | None
    name: str | None
    reference: str | None
    per_payment: int | None
    per_day: int | None
    approvals_required: int
    approvals_above: int
    role: Role | None


# Whose the wallets are is the members' to know, so a snapshot must have those as far.
COLUMNS = """
    SELECT b.wallet_id, b.opened_position, opened_at, posted, held, overdraft_limit,
        frozen_by_member, frozen_by_operator, closed, kind, account_class, currency, owner, name,
        reference, per_payment, per_day, approvals_required, approvals_above, m.role
    FROM balances b LEFT JOIN members m ON m.wallet_id = b.wallet_id AND m.user_id = %(user)s
    WHERE """
MINE = "m.role IS NOT NULL AND m.opened_position < %(before)s"


async def find_wallet(
    snapshot: Snapshot, wallet_id: str, user: str, *, sees_all: bool
) -> WalletRow | None:
    """Return a wallet; unless the user sees all, only if they are a member."""
    mine = "" if sees_all else " AND m.role IS NOT NULL"
    async with snapshot.cursor(row_factory=class_row(WalletRow)) as cursor:
        await cursor.execute(
            COLUMNS + "b.wallet_id = %(wallet_id)s" + mine,
            {"wallet_id": wallet_id, "user": user},
        )
        return await cursor.fetchone()


async def list_wallets(
    snapshot: Snapshot,
    *,
    user: str,
    sees_all: bool,
    kind: str | None,
    reference: str | None,
    before: int,
    limit: int,
) -> list[WalletRow]:
    """Return wallets opened before a position, the newest first; None asks for any."""
    conditions = ["b.opened_position < %(before)s"] if sees_all else [MINE]
    if kind is not None:
        conditions.append("kind = %(kind)s")
    if reference is not None:
        conditions.append("reference = %(reference)s")
    order = "b.opened_position" if sees_all else "m.opened_position"
    statement = f"{COLUMNS} {' AND '.join(conditions)} ORDER BY {order} DESC LIMIT %(limit)s"
    async with snapshot.cursor(row_factory=class_row(WalletRow)) as cursor:
        await cursor.execute(
            statement,
            {"user": user, "kind": kind, "reference": reference, "before": before, "limit": limit},
        )
        return await cursor.fetchall()
