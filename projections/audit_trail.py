"""Audit trail: where in the ledger each person acted, by which the log of who did what is searched.

What was done stands in the events themselves; kept is only what finds them.
"""

import hashlib
from collections.abc import Sequence
from functools import lru_cache

from domain.events import Event, RequestAccepted, RequestRefused
from domain.payment_events import PaymentDeclined
from projections.contract import Applied, Cursor, Projection, Snapshot
from projections.rows import Rows

ADDED = Rows("audit_trail", {"bigint": "actor position", "text": "wallet_id payment_id"})


def apply(events: Sequence[Applied], cursor: Cursor) -> None:
    """Add a row for each event that tells who gave its command."""
    rows = [
        (actor_key(applied.actor.sub), applied.position, *_objects(applied.event))
        for applied in events
        if applied.actor is not None
    ]
    ADDED.add(cursor, rows)


@lru_cache(maxsize=65_536)
def actor_key(sub: str) -> int:
    """Return 64 bits of a hash of who acts: short keys, and whoever is found is looked at again."""
    digest = hashlib.blake2b(sub.encode(errors="surrogatepass"), digest_size=8).digest()
    return int.from_bytes(digest, "big", signed=True)


def _objects(event: Event) -> tuple[str | None, str | None]:
    """Return wallet and payment of what does not show in their own events."""
    match event:
        case RequestAccepted(wallet_id=wallet, payment_id=payment):
            pass
        case RequestRefused(wallet_id=wallet, payment_id=payment):
            pass
        case PaymentDeclined(source_wallet_id=wallet, legs=legs):
            wallet = legs[0].source_wallet_id if legs else wallet
            payment = None
        case _:
            return None, None
    return wallet, payment


AUDIT_TRAIL = Projection("audit_trail", 1, ("audit_trail",), apply)

BY_PERSON = """
    SELECT position FROM audit_trail
    WHERE actor = %(actor)s AND position > %(after)s AND position <= %(until)s
    ORDER BY position DESC LIMIT %(limit)s"""
BY_WALLET = """
    SELECT position FROM audit_trail
    WHERE wallet_id = %(wallet_id)s AND position > %(after)s AND position <= %(until)s
    ORDER BY position DESC LIMIT %(limit)s"""
BY_PAYMENT = """
    SELECT position FROM audit_trail
    WHERE payment_id = %(payment_id)s AND position > %(after)s AND position <= %(until)s
    ORDER BY position DESC LIMIT %(limit)s"""
# A payment begins with the event that tells who made it, and so does a wallet.
BY_REFERENCE = """
    SELECT position FROM (
        (SELECT position FROM payments
        WHERE reference = %(reference)s AND position > %(after)s AND position <= %(until)s
        ORDER BY position DESC LIMIT %(limit)s)
        UNION ALL
        (SELECT opened_position FROM balances
        WHERE reference = %(reference)s
            AND opened_position > %(after)s AND opened_position <= %(until)s
        ORDER BY opened_position DESC LIMIT %(limit)s)) AS found
    ORDER BY position DESC LIMIT %(limit)s"""


async def acted(
    snapshot: Snapshot,
    *,
    after: int,
    until: int,
    limit: int,
    person: str | None = None,
    wallet_id: str | None = None,
    payment_id: str | None = None,
    reference: str | None = None,
) -> list[int]:
    """Return positions beyond one and up to another, the last first, of who acted on what.

    Exactly one thing is looked for. Who acted is found by a hash, so more than asked for may be
    found. By a reference the payments and the balances are read, so a snapshot must have them.
    """
    chosen = {
        BY_PERSON: person,
        BY_WALLET: wallet_id,
        BY_PAYMENT: payment_id,
        BY_REFERENCE: reference,
    }
    (statement,) = [text for text, wanted in chosen.items() if wanted is not None]
    cursor = await snapshot.execute(
        statement,
        {
            "actor": None if person is None else actor_key(person),
            "wallet_id": wallet_id,
            "payment_id": payment_id,
            "reference": reference,
            "after": after,
            "until": until,
            "limit": limit,
        },
    )
    return [int(row[0]) for row in await cursor.fetchall()]
