"""Balances: each wallet as it stands now."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from psycopg.rows import class_row

from domain.events import (
    AccountClass,
    WalletClosed,
    WalletCredited,
    WalletDebited,
    WalletFrozen,
    WalletKind,
    WalletOpened,
    WalletOverdraftLimitChanged,
    WalletUnfrozen,
)
from projections.contract import Applied, Cursor, Projection, Snapshot, array

MOVEMENTS = (WalletDebited, WalletCredited)

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
    UPDATE balances b
    SET posted = b.posted + m.posted, held = b.held + m.held, position = m.position
    FROM unnest(%s::text[], %s::bigint[], %s::bigint[], %s::bigint[])
        AS m (wallet_id, posted, held, position)
    WHERE b.wallet_id = m.wallet_id"""
STAND = """
    UPDATE balances
    SET frozen_by_member = coalesce(%s, frozen_by_member),
        frozen_by_operator = coalesce(%s, frozen_by_operator),
        closed = coalesce(%s, closed),
        overdraft_limit = CASE WHEN %s THEN %s ELSE overdraft_limit END,
        position = greatest(position, %s)
    WHERE wallet_id = %s"""


def apply(events: Sequence[Applied], cursor: Cursor) -> None:
    """Open wallets, then move money, then change standings: each is independent of the others."""
    opened: list[tuple[object, ...]] = []
    moved: dict[str, list[int]] = {}
    standings: list[tuple[object, ...]] = []
    for applied in events:
        event = applied.event
        if isinstance(event, MOVEMENTS):
            _move(moved, applied, event)
        elif isinstance(event, WalletOpened):
            opened.append(_opening(applied, event))
        else:
            change = _standing(event)
            if change is not None:
                standings.append((*change, applied.position, applied.stream_id))
    if opened:
        cursor.execute(OPEN, [list(column) for column in zip(*opened, strict=True)])
    if moved:
        cursor.execute(MOVE, [array(moved), *map(array, zip(*moved.values(), strict=True))])
        assert cursor.rowcount == len(moved), "money moved in a wallet that was never opened"
    if standings:
        cursor.executemany(STAND, standings)


def _move(
    moved: dict[str, list[int]], applied: Applied, event: WalletDebited | WalletCredited
) -> None:
    amount = event.amount if isinstance(event, WalletCredited) else -event.amount
    known = moved.get(applied.stream_id)
    if known is None:
        moved[applied.stream_id] = [amount, 0, applied.position]
    else:
        known[0] += amount
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


def _standing(event: object) -> tuple[object, ...] | None:
    """Return what an event changes: both freezes, the end, and whether and which overdraft."""
    match event:
        case WalletFrozen(side="member"):
            return True, None, None, False, None
        case WalletFrozen():
            return None, True, None, False, None
        case WalletUnfrozen(side="member"):
            return False, None, None, False, None
        case WalletUnfrozen():
            return None, False, None, False, None
        case WalletClosed():
            return None, None, True, False, None
        case WalletOverdraftLimitChanged(overdraft_limit=limit):
            return None, None, None, True, limit
        case _:
            return None


BALANCES = Projection("balances", 1, ("balances",), apply)


@dataclass(frozen=True, slots=True)
class WalletRow:
    """A wallet as it stands; money in minor units, no overdraft limit is unlimited."""

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


COLUMNS = """
    SELECT wallet_id, opened_position, opened_at, posted, held, overdraft_limit, frozen_by_member,
        frozen_by_operator, closed, kind, account_class, currency, owner, name, reference
    FROM balances """


async def find_wallet(snapshot: Snapshot, wallet_id: str, owner: str | None) -> WalletRow | None:
    """Return a wallet; with an owner only if it is theirs."""
    mine = "" if owner is None else " AND owner = %(owner)s"
    async with snapshot.cursor(row_factory=class_row(WalletRow)) as cursor:
        await cursor.execute(
            COLUMNS + "WHERE wallet_id = %(wallet_id)s" + mine,
            {"wallet_id": wallet_id, "owner": owner},
        )
        return await cursor.fetchone()


async def list_wallets(
    snapshot: Snapshot,
    *,
    owner: str | None,
    kind: str | None,
    reference: str | None,
    before: int,
    limit: int,
) -> list[WalletRow]:
    """Return wallets opened before a position, the newest first; None asks for any."""
    conditions = ["opened_position < %(before)s"]
    if owner is not None:
        conditions.append("owner = %(owner)s")
    if kind is not None:
        conditions.append("kind = %(kind)s")
    if reference is not None:
        conditions.append("reference = %(reference)s")
    statement = (
        f"{COLUMNS} WHERE {' AND '.join(conditions)} ORDER BY opened_position DESC LIMIT %(limit)s"
    )
    async with snapshot.cursor(row_factory=class_row(WalletRow)) as cursor:
        await cursor.execute(
            statement,
            {
                "owner": owner,
                "kind": kind,
                "reference": reference,
                "before": before,
                "limit": limit,
            },
        )
        return await cursor.fetchall()
