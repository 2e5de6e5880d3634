"""Members: who has which role in which wallet."""

from collections.abc import Sequence

from domain.events import WalletMemberAdded, WalletMemberRemoved, WalletOpened
from projections.contract import Applied, Cursor, Projection, Snapshot

OPEN = """
    INSERT INTO members (wallet_id, user_id, role, opened_position)
    SELECT o.wallet_id, o.user_id, 'owner', o.position
    FROM unnest(%s::text[], %s::text[], %s::bigint[]) AS o (wallet_id, user_id, position)"""
GIVE = """
    INSERT INTO members (wallet_id, user_id, role, opened_position)
    SELECT %(wallet_id)s, %(user_id)s, %(role)s, opened_position
    FROM members WHERE wallet_id = %(wallet_id)s LIMIT 1
    ON CONFLICT (wallet_id, user_id) DO UPDATE SET role = excluded.role RETURNING 1"""
OWN = "SELECT wallet_id FROM members WHERE user_id = %s AND wallet_id = ANY(%s)"
TAKE = "DELETE FROM members WHERE wallet_id = %s AND user_id = %s"


def apply(events: Sequence[Applied], cursor: Cursor) -> None:
    """Add the owners of new wallets, then follow the roles in their order."""
    opened = [
        (applied.stream_id, applied.event.owner, applied.position)
        for applied in events
        if isinstance(applied.event, WalletOpened) and applied.event.owner is not None
    ]
    if opened:
        cursor.execute(OPEN, [list(column) for column in zip(*opened, strict=True)])
    for applied in events:
        event = applied.event
        if isinstance(event, WalletMemberAdded):
            # A wallet always has an owner, whose row knows when it was opened.
            given = cursor.execute(
                GIVE,
                {"wallet_id": applied.stream_id, "user_id": event.user_id, "role": event.role},
            ).fetchall()
            assert given, "a role was given in a wallet that has no owner"
        elif isinstance(event, WalletMemberRemoved):
            cursor.execute(TAKE, [applied.stream_id, event.user_id])


MEMBERS = Projection("members", 1, ("members",), apply)


async def own_among(snapshot: Snapshot, wallets: Sequence[str], user: str) -> set[str]:
    """Return in which of some wallets a user has a role."""
    cursor = await snapshot.execute(OWN, [user, list(wallets)])
    return {wallet for (wallet,) in await cursor.fetchall()}
