"""Balances: each wallet as it stands now."""

from collections.abc import Sequence

from domain.events import (
    WalletClosed,
    WalletCredited,
    WalletDebited,
    WalletFrozen,
    WalletOpened,
    WalletOverdraftLimitChanged,
    WalletUnfrozen,
)
from projections.contract import Applied, Cursor, Projection

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
        if isinstance(event, WalletDebited | WalletCredited):
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
        columns = [list(column) for column in zip(*moved.values(), strict=True)]
        cursor.execute(MOVE, [list(moved), *columns])
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
