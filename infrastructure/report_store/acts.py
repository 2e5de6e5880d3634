"""Who did what, as the ledger's events tell it: the one of each command that names its actor."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import msgspec
from psycopg import sql

from domain.identifiers import StreamId, WalletId, bits
from domain.recorded import Actor, RecordedEvent
from infrastructure.event_codec import EventCodec
from infrastructure.event_log.reader import COLUMNS, recorded
from infrastructure.report_store.snapshots import Snapshots

# A byte string, since metadata is kept as it was written: `"actor":`.
TELLS = sql.SQL(r"position('\x226163746f72223a'::bytea IN metadata) > 0")
AT = sql.SQL(COLUMNS + "WHERE notification_id = ANY(%s) ORDER BY notification_id DESC")
LATEST = sql.SQL(
    COLUMNS
    + """
    WHERE notification_id > %(after)s AND notification_id <= %(until)s AND {tells}
    ORDER BY notification_id DESC LIMIT %(limit)s"""
).format(tells=TELLS)
# What a command has done follows the event that tells who gave it.
OF_STREAM = sql.SQL("""
    WITH own AS (
        (SELECT notification_id AS position, originator_version FROM events
        WHERE originator_id = %(stream)s AND topic LIKE %(kind)s
            AND notification_id > %(after)s AND notification_id <= %(until)s
        ORDER BY originator_version DESC LIMIT %(limit)s)
        UNION ALL
        (SELECT notification_id, originator_version FROM moved_event
        WHERE originator_id = %(stream)s AND %(kind)s LIKE 'wallet.%%'
            AND notification_id > %(after)s AND notification_id <= %(until)s
        ORDER BY originator_version DESC LIMIT %(limit)s)
        ORDER BY originator_version DESC LIMIT %(limit)s)
    SELECT act.position, (SELECT count(*) FROM own) FROM own CROSS JOIN LATERAL (
        SELECT notification_id AS position FROM events
        WHERE notification_id <= own.position AND {tells}
        ORDER BY notification_id DESC LIMIT 1) AS act
    GROUP BY 1 ORDER BY 1 DESC""").format(tells=TELLS)
_FIELDS = msgspec.json.Decoder(dict[str, Any])


@dataclass(frozen=True, slots=True)
class Act:
    """An event that tells who gave its command, with what it says of it."""

    event: RecordedEvent
    actor: Actor
    command_id: str
    fields: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Places:
    """Positions of acts, the last first; beyond `floor` they are all that there are."""

    positions: Sequence[int]
    floor: int


class Acts:
    """Asks the event store through a login that may only read it."""

    def __init__(self, snapshots: Snapshots, codec: EventCodec) -> None:
        """Take the snapshots of the auditors' login, and what reads metadata."""
        self._snapshots = snapshots
        self._codec = codec

    async def at(self, positions: Sequence[int]) -> list[Act]:
        """Return the acts at positions, the last first; raises `StoreUnavailable`."""
        return await self._acts(AT, [list(positions)])

    async def latest(self, after: int, until: int, limit: int) -> list[Act]:
        """Return acts beyond a position and up to another, the last first, so many at most.

        Raises `StoreUnavailable`.
        """
        return await self._acts(LATEST, {"after": after, "until": until, "limit": limit})

    async def on_wallet(self, wallet: WalletId, after: int, until: int, limit: int) -> Places:
        """Return where something was done to a wallet; raises `StoreUnavailable`."""
        return await self._of_stream(bits(wallet), "wallet.%", after, until, limit)

    async def on_payment(self, payment: StreamId, after: int, until: int, limit: int) -> Places:
        """Return where something was done to a payment; raises `StoreUnavailable`."""
        return await self._of_stream(bits(payment), "payment.%", after, until, limit)

    async def _of_stream(
        self, stream: UUID, kind: str, after: int, until: int, limit: int
    ) -> Places:
        asked = {"stream": stream, "kind": kind, "after": after, "until": until, "limit": limit}
        rows = await self._snapshots.rows(OF_STREAM, asked)
        positions = [int(position) for position, _ in rows]
        cut = bool(rows) and rows[0][1] == limit
        return Places(positions, positions[-1] - 1 if cut else after)

    async def _acts(self, statement: sql.SQL | sql.Composed, parameters: Any) -> list[Act]:
        found = []
        for row in await self._snapshots.rows(statement, parameters):
            event = recorded(row)
            metadata = self._codec.decode_metadata(event.metadata)
            if metadata.actor is not None:
                fields = _FIELDS.decode(event.data)
                found.append(Act(event, metadata.actor, metadata.command_id, fields))
        return found
