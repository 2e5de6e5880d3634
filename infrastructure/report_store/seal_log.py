"""The seals of a ledger as queries need them: what was signed, by which keys, and proofs."""

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from psycopg.rows import class_row

from domain.identifiers import PaymentId, bits
from domain.leaves import entry, leaf_hash
from domain.merkle import Span, consistency_spans, inclusion_spans, proof
from domain.recorded import RecordedEvent
from domain.tiles import WIDTH, Tile, Tiles, tiles_of, width
from infrastructure.event_codec import EventCodec
from infrastructure.event_log.moved import BETWEEN
from infrastructure.event_log.reader import COLUMNS, recorded
from infrastructure.report_store.moved_events import between, moved, whole
from infrastructure.report_store.reports import WAIT_SECONDS, ReadModelBehind
from infrastructure.report_store.snapshots import Snapshots
from infrastructure.report_store.watch import Watch
from projections.contract import Snapshot

LATEST = """
    SELECT epoch, size, root, checkpoint, sealed_at FROM seal
    WHERE epoch = (SELECT max(number) FROM epoch) ORDER BY size DESC LIMIT 1"""
PAGE = """
    SELECT epoch, size, root, checkpoint, sealed_at FROM seal
    WHERE (epoch, size) > (%s, %s) ORDER BY epoch, size LIMIT %s"""
# Who has signed last signs until another key has, and in an epoch that is over to its end.
KEYS = """
    SELECT k.vkey, k.from_size, coalesce(
        lead(k.from_size) OVER (PARTITION BY k.epoch ORDER BY k.place),
        CASE WHEN k.epoch < (SELECT max(number) FROM epoch) THEN (
            SELECT max(s.size) FROM seal s WHERE s.epoch = k.epoch) END) AS to_size
    FROM seal_key k ORDER BY k.epoch, k.place"""
SIGNER = (
    "SELECT vkey FROM seal_key WHERE epoch = %s AND from_size <= %s ORDER BY place DESC LIMIT 1"
)
EVENTS = COLUMNS + "WHERE notification_id > %s AND notification_id <= %s ORDER BY notification_id"
ROOTS = """
    SELECT root FROM seal_tile
    WHERE epoch = %s AND level = %s AND number >= %s AND number < %s ORDER BY number"""
OF_PAYMENT = (
    COLUMNS + "WHERE originator_id = %s AND topic LIKE 'payment.%%' ORDER BY originator_version"
)


@dataclass(frozen=True, slots=True)
class SealRow:
    """A seal as it is stored."""

    epoch: int
    size: int
    root: bytes
    checkpoint: str
    sealed_at: datetime


@dataclass(frozen=True, slots=True)
class KeyRow:
    """A key, and the first and the last size that it signed; none while it goes on."""

    vkey: str
    from_size: int
    to_size: int | None


@dataclass(frozen=True, slots=True)
class Proven:
    """An event, and the hashes that lead from it to the root."""

    event: RecordedEvent
    path: Sequence[bytes]


class SealLog:
    """Asks for seals and proofs through a login that may only read the ledger."""

    def __init__(self, snapshots: Snapshots, codec: EventCodec) -> None:
        """Take the snapshots of the auditors' login, and what reads metadata."""
        self._snapshots = snapshots
        self._codec = codec
        self._watch: Watch[int] = Watch(self._size)

    async def latest(self, at_least: int = 0) -> SealRow | None:
        """Return the latest seal, none when there is none.

        Waits `WAIT_SECONDS` at most until it reaches a position. Raises `ReadModelBehind` and
        `StoreUnavailable`.
        """
        deadline = time.monotonic() + WAIT_SECONDS
        while True:
            found = await self._snapshots.run(_latest)
            size = 0 if found is None else found.size
            if size >= at_least:
                return found
            if not await self._watch.until(lambda seen: seen >= at_least, deadline):
                raise ReadModelBehind(size)

    async def page(self, after: tuple[int, int], limit: int) -> list[SealRow]:
        """Return the seals behind an epoch and size, the oldest first."""

        async def ask(snapshot: Snapshot) -> list[SealRow]:
            async with snapshot.cursor(row_factory=class_row(SealRow)) as cursor:
                await cursor.execute(PAGE, [*after, limit])
                return await cursor.fetchall()

        return await self._snapshots.run(ask)

    async def keys(self) -> list[KeyRow]:
        """Return every key that has signed, in the order of their first seals."""

        async def ask(snapshot: Snapshot) -> list[KeyRow]:
            async with snapshot.cursor(row_factory=class_row(KeyRow)) as cursor:
                await cursor.execute(KEYS)
                return await cursor.fetchall()

        return await self._snapshots.run(ask)

    async def signer(self, seal: SealRow) -> str:
        """Return the newest key that has signed a seal."""
        row = await self._snapshots.row(SIGNER, [seal.epoch, seal.size])
        assert row is not None, "a seal is stored with its key"
        return str(row[0])

    async def consistency(self, seal: SealRow, old: int, new: int) -> list[bytes]:
        """Return the proof that the log up to `new` begins as the log up to `old`."""
        spans = consistency_spans(old, new)

        async def ask(snapshot: Snapshot) -> list[bytes]:
            return proof(spans, await _subtrees(snapshot, seal, spans))

        return await self._snapshots.run(ask)

    async def events_of(self, payment: PaymentId) -> Sequence[RecordedEvent]:
        """Return a payment's own events and those of wallets that it moved, by position."""

        async def ask(snapshot: Snapshot) -> Sequence[RecordedEvent]:
            return await self._events_of(snapshot, payment)

        return await self._snapshots.run(ask)

    async def proofs(self, seal: SealRow, events: Sequence[RecordedEvent]) -> list[Proven]:
        """Return the inclusion proofs of events under a seal that covers them all."""
        paths = [inclusion_spans(event.position - 1, seal.size) for event in events]
        spans = [span for path in paths for span in path]

        async def ask(snapshot: Snapshot) -> list[Proven]:
            subtree = await _subtrees(snapshot, seal, spans)
            return [
                Proven(event, proof(path, subtree))
                for event, path in zip(events, paths, strict=True)
            ]

        return await self._snapshots.run(ask)

    async def _events_of(self, snapshot: Snapshot, payment: PaymentId) -> Sequence[RecordedEvent]:
        """Look around each event of the payment: its command's events stand beside it."""
        cursor = await snapshot.execute(OF_PAYMENT, [bits(payment)], binary=True)
        own = [recorded(row) for row in await cursor.fetchall()]
        found = {event.position: event for event in own}
        seen = 0
        for event in own:
            place = self._codec.decode_metadata(event.metadata)
            before = event.position - place.index - 1
            until = before + place.count
            # A payment may have two events in one command.
            if until > seen:
                around = await snapshot.execute(EVENTS, [before, until], binary=True)
                rows = await around.fetchall()
                for each in await whole(await between(snapshot, rows, before, until, place.count)):
                    if each.type.startswith("wallet.") and self._moved_by(each, payment):
                        found[each.position] = each
                seen = until
        return [found[position] for position in sorted(found)]

    def _moved_by(self, event: RecordedEvent, payment: PaymentId) -> bool:
        return getattr(self._codec.decode(event.type, event.data), "payment_id", None) == payment

    async def _size(self) -> int:
        found = await self._snapshots.run(_latest)
        return 0 if found is None else found.size


async def _latest(snapshot: Snapshot) -> SealRow | None:
    async with snapshot.cursor(row_factory=class_row(SealRow)) as cursor:
        await cursor.execute(LATEST)
        return await cursor.fetchone()


async def _subtrees(
    snapshot: Snapshot, seal: SealRow, spans: Iterable[Span]
) -> Callable[[int, int], bytes]:
    """Return subtrees of a sealed log, having read the tiles that some nodes need."""
    loaded: Mapping[Tile, Sequence[bytes]] = {
        tile: await _hashes(snapshot, seal, tile) for tile in tiles_of(spans)
    }
    return Tiles(loaded.__getitem__).subtree


async def _hashes(snapshot: Snapshot, seal: SealRow, tile: Tile) -> list[bytes]:
    level, number = tile
    first = number * WIDTH
    count = width(tile, seal.size)
    if level == 0:
        cursor: Any = await snapshot.execute(EVENTS, [first, first + count], binary=True)
        events = [recorded(row) for row in await cursor.fetchall()]
        leaves = {event.position: leaf_hash(entry(event)) for event in events}
        if len(leaves) < count:
            gone = await moved(snapshot, BETWEEN, [first + 1, first + count, count])
            leaves |= {each.position: each.leaf for each in gone}
        return [leaves[position] for position in sorted(leaves)]
    place = [seal.epoch, level - 1, first, first + count]
    cursor = await snapshot.execute(ROOTS, place, binary=True)
    return [root for (root,) in await cursor.fetchall()]
