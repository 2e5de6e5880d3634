"""Entries: every movement of a wallet with the balance after it, the lines of statements."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from psycopg.rows import class_row

from domain.events import (
    WalletCredited,
    WalletDebited,
    WalletFundsHeld,
    WalletHoldCaptured,
    WalletHoldReleased,
)
from domain.payment_events import (
    PaymentApprovalRequested,
    PaymentAuthorized,
    PaymentCaptured,
    PaymentCompleted,
)
from projections.contract import Applied, Cursor, Projection, Snapshot, array
from projections.rows import Row, Rows

STANDINGS = """
    SELECT w.wallet_id, e.posted_after, e.held_after
    FROM unnest(%s::text[]) AS w (wallet_id)
    CROSS JOIN LATERAL (
        SELECT posted_after, held_after FROM entries
        WHERE entries.wallet_id = w.wallet_id ORDER BY entries.position DESC LIMIT 1) AS e"""
ADDED = Rows(
    "entries",
    {
        "bigint": "position version amount posted_after held_after",
        "timestamptz": "recorded_at effective_at",
        "text": "wallet_id payment_id counterparty direction currency description",
    },
)

Movement = (
    WalletDebited | WalletCredited | WalletFundsHeld | WalletHoldCaptured | WalletHoldReleased
)
MOVEMENTS = (
    *(WalletDebited, WalletCredited),
    *(WalletFundsHeld, WalletHoldCaptured, WalletHoldReleased),
)
PAID = (WalletDebited, WalletCredited, WalletHoldCaptured)
EFFECTS: Mapping[type, tuple[int, int, str | None]] = {
    WalletDebited: (-1, 0, "debit"),
    WalletCredited: (1, 0, "credit"),
    WalletFundsHeld: (0, 1, None),
    WalletHoldCaptured: (-1, -1, "debit"),
    WalletHoldReleased: (0, -1, None),
}
"""What an amount does to posted and held, and the direction in which money moved, if it did."""

DESCRIBED = (PaymentCompleted, PaymentAuthorized, PaymentApprovalRequested, PaymentCaptured)


def apply(events: Sequence[Applied], cursor: Cursor) -> None:
    """Add an entry for each movement, beginning from the last entry of each wallet."""
    movements = [
        (applied, applied.event) for applied in events if isinstance(applied.event, MOVEMENTS)
    ]
    if not movements:
        return
    # A movement has the description that its own command tells of the payment, and no other one:
    # whatever a chunk has of earlier commands must not matter.
    descriptions = {
        (applied.command_id, str(applied.stream_id)): applied.event.description
        for applied in events
        if isinstance(applied.event, DESCRIBED)
    }
    wallets = array({applied.stream_id for applied, _ in movements})
    found = cursor.execute(STANDINGS, [wallets]).fetchall()
    standings = {wallet: (posted, held) for wallet, posted, held in found}
    ADDED.add(cursor, list(_rows(movements, descriptions, standings)))


def _rows(
    movements: Sequence[tuple[Applied, Movement]],
    descriptions: dict[tuple[str, str], str | None],
    standings: dict[str, tuple[int, int]],
) -> Iterator[Row]:
    for applied, event in movements:
        wallet = applied.stream_id
        posted, held = standings.get(wallet, (0, 0))
        to_posted, to_held, direction = EFFECTS[type(event)]
        posted += to_posted * event.amount
        held += to_held * event.amount
        standings[wallet] = (posted, held)
        yield (
            applied.position,
            applied.version,
            event.amount,
            posted,
            held,
            applied.recorded_at,
            event.effective_at if isinstance(event, PAID) else applied.recorded_at,
            wallet,
            event.payment_id,
            event.counterparty if isinstance(event, PAID) else None,
            direction,
            event.currency,
            descriptions.get((applied.command_id, event.payment_id)),
        )


ENTRIES = Projection("entries", 1, ("entries",), apply, ("entries_by_wallet",))


@dataclass(frozen=True, slots=True)
class EntryRow:
    """A movement of a wallet; money in minor units."""

    position: int
    version: int
    payment_id: str
    direction: Literal["debit", "credit"]
    amount: int
    currency: str
    posted_after: int
    description: str | None
    counterparty: str | None
    recorded_at: datetime
    effective_at: datetime


STANDING = """
    SELECT posted_after, held_after FROM entries
    WHERE wallet_id = %s AND position <= %s ORDER BY position DESC LIMIT 1"""
LIST = """
    SELECT position, version, payment_id, direction, amount, currency, posted_after, description,
        counterparty, recorded_at, effective_at
    FROM entries
    WHERE wallet_id = %(wallet_id)s AND position > %(after)s AND position <= %(until)s AND """


async def standing_at(snapshot: Snapshot, wallet_id: str, position: int) -> tuple[int, int]:
    """Return what was posted and held at a position, zeros before the first movement."""
    row = await (await snapshot.execute(STANDING, [wallet_id, position])).fetchone()
    return (0, 0) if row is None else (int(row[0]), int(row[1]))


async def list_entries(
    snapshot: Snapshot,
    wallet_id: str,
    *,
    direction: str | None,
    after: int,
    until: int,
    limit: int,
) -> list[EntryRow]:
    """Return a wallet's movements after one position and up to another, the newest first."""
    chosen = "direction IS NOT NULL" if direction is None else "direction = %(direction)s"
    async with snapshot.cursor(row_factory=class_row(EntryRow)) as cursor:
        await cursor.execute(
            LIST + chosen + " ORDER BY position DESC LIMIT %(limit)s",
            {
                "wallet_id": wallet_id,
                "direction": direction,
                "after": after,
                "until": until,
                "limit": limit,
            },
        )
        return await cursor.fetchall()
