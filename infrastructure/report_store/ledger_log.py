"""The events of a ledger as queries need them: positions for times, and what auditors read."""

import time
from collections.abc import Sequence
from dataclasses import dataclass

from domain.identifiers import WalletId, bits
from domain.instants import Instant, instant, moment
from domain.recorded import RecordedEvent
from infrastructure.event_codec import EventCodec
from infrastructure.event_log.reader import COLUMNS, recorded
from infrastructure.report_store.moved_events import OF_WALLET as MOVED_OF_WALLET
from infrastructure.report_store.moved_events import Found, between, moved, whole
from infrastructure.report_store.reports import WAIT_SECONDS, ReadModelBehind
from infrastructure.report_store.snapshots import Snapshots
from infrastructure.report_store.watch import Watch
from projections.contract import Snapshot

HEAD = "SELECT coalesce(max(notification_id), 0) FROM events"
LAST_UP_TO = """
    SELECT least(%s, (SELECT max(notification_id) FROM events)), notification_id, metadata
    FROM events WHERE notification_id <= %s ORDER BY notification_id DESC LIMIT 1"""
LAST_AT = """
    SELECT at.position, e.notification_id, e.metadata
    FROM (SELECT position_at(%s) AS position) AS at
    JOIN events e ON e.notification_id = (
        SELECT max(notification_id) FROM events WHERE notification_id <= at.position)"""
# What was moved was recorded together with the event of its command that stays in front of it.
RECORDED = """
    SELECT recorded_at FROM events
    WHERE notification_id <= %s ORDER BY notification_id DESC LIMIT 1"""
BEFORE = "SELECT position_at(%s - interval '1 microsecond')"
# The streams of a payment or a request may have the same 128 bits as a wallet that never was.
OF_WALLET = (
    COLUMNS
    + """
    WHERE originator_id = %s AND topic LIKE 'wallet.%%' AND originator_version > %s
        AND notification_id > %s
    ORDER BY originator_version LIMIT %s"""
)
OF_ALL = COLUMNS + "WHERE notification_id > %s ORDER BY notification_id LIMIT %s"
# Positions are dense, so the event after a checkpoint is the oldest that the read model lacks.
LAGS = """
    SELECT greatest(head.position - c.position, 0),
        coalesce(extract(epoch FROM clock_timestamp() - e.recorded_at), 0)::float
    FROM unnest(%s::bigint[]) WITH ORDINALITY AS c (position, place)
    CROSS JOIN (SELECT coalesce(max(notification_id), 0) AS position FROM events) AS head
    LEFT JOIN LATERAL (
        SELECT recorded_at FROM events WHERE notification_id <= c.position + 1
        ORDER BY notification_id DESC LIMIT 1) AS e ON c.position < head.position
    ORDER BY c.place"""


@dataclass(frozen=True, slots=True)
class Lag:
    """How many events a read model lacks, and for how many seconds the oldest has been there."""

    events: int
    seconds: float


class LedgerLog:
    """Asks the event store through a login that may only read it."""

    def __init__(self, snapshots: Snapshots, codec: EventCodec) -> None:
        """Take the snapshots of the auditors' login, and what reads metadata."""
        self._snapshots = snapshots
        self._codec = codec
        self._watch: Watch[int] = Watch(self.head)

    async def head(self) -> int:
        """Return the last position, 0 when there are no events; raises `StoreUnavailable`."""
        return await self._number(HEAD)

    async def position_as_of(self, as_of: int | Instant) -> int:
        """Return the last position up to a position or time at which a command ends.

        Past the head it is the head. Raises `StoreUnavailable`.
        """
        if isinstance(as_of, int):
            row = await self._snapshots.row(LAST_UP_TO, [as_of, as_of])
        else:
            row = await self._snapshots.row(LAST_AT, [moment(as_of)])
        if row is None:
            return 0
        position, known, stored = row
        # Where the event there was moved, one before it tells of the same command.
        metadata = self._codec.decode_metadata(bytes(stored))
        begins = int(known) - metadata.index
        ended = int(position) == begins + metadata.count - 1
        return int(position) if ended else begins - 1

    async def position_before(self, at: Instant) -> int:
        """Return the last position recorded before a time; raises `StoreUnavailable`."""
        return await self._number(BEFORE, moment(at))

    async def recorded_at(self, position: int) -> Instant:
        """Return when the event at a position was recorded; raises `StoreUnavailable`."""
        row = await self._snapshots.row(RECORDED, [position])
        assert row is not None, "a read model has come as far only because the event is there"
        return instant(row[0])

    async def events(
        self, after: int, limit: int, *, at_least: int = 0, of: tuple[WalletId, int] | None = None
    ) -> tuple[int, Sequence[RecordedEvent]]:
        """Return the head and the next events beyond a position.

        `of` asks for those of one wallet, beyond a version. Waits `WAIT_SECONDS` at most for
        the head to reach `at_least`. Raises `ReadModelBehind`, `StoreUnavailable`.
        """
        deadline = time.monotonic() + WAIT_SECONDS

        async def ask(snapshot: Snapshot) -> tuple[int, Sequence[Found]]:
            row = await (await snapshot.execute(HEAD)).fetchone()
            head = 0 if row is None else int(row[0])
            if head < at_least:
                return head, ()
            if of is None:
                cursor = await snapshot.execute(OF_ALL, [after, limit], binary=True)
                rows = await cursor.fetchall()
                last = rows[-1][0] if rows else after
                return head, await between(snapshot, rows, after, last, limit)
            wallet, version = of
            asked = [bits(wallet), version, after, limit]
            cursor = await snapshot.execute(OF_WALLET, asked, binary=True)
            events: list[Found] = [recorded(row) for row in await cursor.fetchall()]
            events += await moved(snapshot, MOVED_OF_WALLET, asked)
            return head, sorted(events, key=lambda each: each.version)[:limit]

        while True:
            head, found = await self._snapshots.run(ask)
            if head >= at_least:
                return head, await whole(found)
            if not await self._watch.until(lambda seen: seen >= at_least, deadline):
                raise ReadModelBehind(head)

    async def lags(self, positions: Sequence[int]) -> Sequence[Lag]:
        """Return how far each position is behind the store; raises `StoreUnavailable`."""

        async def ask(snapshot: Snapshot) -> Sequence[Lag]:
            cursor = await snapshot.execute(LAGS, [list(positions)])
            return [Lag(count, max(0.0, age)) for count, age in await cursor.fetchall()]

        return await self._snapshots.run(ask)

    async def _number(self, statement: str, *parameters: object) -> int:
        row = await self._snapshots.row(statement, parameters)
        assert row is not None
        return int(row[0])
