"""The closed periods of a ledger as queries need them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from domain.identifiers import OperationId, operation_id
from domain.instants import Instant, instant
from domain.operation_events import PeriodClosed
from infrastructure.event_codec import EventCodec
from infrastructure.report_store.snapshots import Snapshots
from projections.contract import Snapshot

HEAD = "SELECT coalesce(max(notification_id), 0) FROM events"
PERIODS = """
    SELECT e.originator_id, e.topic, e.state, e.metadata, e.notification_id, e.recorded_at
    FROM closed_period p JOIN events e ON e.originator_id = p.stream AND e.originator_version = 1
    WHERE p.through < %s::date ORDER BY p.through DESC LIMIT %s"""


@dataclass(frozen=True, slots=True)
class PeriodRow:
    """One period: its last day, and the event that closed it."""

    operation_id: OperationId
    through: str
    reason: str
    closed_by: str
    closed_at: Instant
    position: int


class PeriodLog:
    """Asks for closed periods through a login that may only read the ledger."""

    def __init__(self, snapshots: Snapshots, codec: EventCodec) -> None:
        """Take the snapshots of the auditors' login, and what reads events."""
        self._snapshots = snapshots
        self._codec = codec

    async def before(self, through: str, limit: int) -> tuple[int, Sequence[PeriodRow]]:
        """Return the head, and the periods that end before a day, the latest first.

        Raises `StoreUnavailable`.
        """

        async def ask(snapshot: Snapshot) -> tuple[int, Sequence[PeriodRow]]:
            row = await (await snapshot.execute(HEAD)).fetchone()
            cursor = await snapshot.execute(PERIODS, [through, limit], binary=True)
            rows = await cursor.fetchall()
            return 0 if row is None else int(row[0]), [self._row(row) for row in rows]

        return await self._snapshots.run(ask)

    def _row(self, row: tuple[Any, ...]) -> PeriodRow:
        stream, topic, state, stored, position, recorded_at = row
        fact, metadata = self._codec.decode(topic, state), self._codec.decode_metadata(stored)
        assert isinstance(fact, PeriodClosed), "the stream of a period begins with this"
        return PeriodRow(
            operation_id=operation_id(stream),
            through=fact.through,
            reason=fact.reason,
            closed_by="" if metadata.actor is None else metadata.actor.sub,
            closed_at=instant(recorded_at),
            position=position,
        )
