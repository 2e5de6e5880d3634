"""Takes out of the ledger the movements of wallets that an archive has; their leaves stay."""

from collections.abc import Callable, Iterable, Iterator
from itertools import chain, islice
from typing import LiteralString

import psycopg

from domain.instants import Instant
from domain.leaves import entry, leaf_hash
from domain.operation_events import EventsMoved
from domain.recorded import RecordedEvent
from infrastructure.archive.failure import ArchiveDamaged
from infrastructure.archive.place import Place
from infrastructure.archive.reader import ArchiveReader
from infrastructure.databases.logins import conninfo
from infrastructure.event_codec import EventCodec
from infrastructure.event_log.reader import COLUMNS, EventReader, recorded
from infrastructure.operation_notes import now
from infrastructure.secrets import Secrets
from infrastructure.settings import Settings
from interfaces.archiving.on_record import put_on_record
from interfaces.cli.failure import DEPENDENCY_MISSING, Failure

MOVABLE = frozenset(
    f"wallet.{name}.v1"
    for name in ("credited", "debited", "funds_held", "hold_captured", "hold_released")
)
"""What nothing that is decided reads again; the migration refuses every other type."""

BATCH = 5_000
"""How many events leave in one transaction, which takes a quarter of a second."""

OVERLAP = 10_000
"""How far before what was moved last it is looked for the beginning of a command."""

REACHED: LiteralString = "SELECT coalesce(max(notification_id), 0) FROM moved_event"
PLACE: LiteralString = "SELECT url, last_position FROM archive_place ORDER BY number DESC LIMIT 1"
ADD_PLACE: LiteralString = "INSERT INTO archive_place (url, last_position) VALUES (%s, %s)"
ROWS: LiteralString = COLUMNS + "WHERE notification_id = ANY (%s) ORDER BY notification_id"
LOCK: LiteralString = "SELECT take_move_lock()"
MOVE: LiteralString = "SELECT move_events(%s, %s)"


def move_events(
    connection: psycopg.Connection,
    settings: Settings,
    place: Place,
    last: int,
    step: Callable[[int, int], object],
) -> int:
    """Take out what the archive has up to a position; return how many events it were.

    The archive was proven and compared with the ledger just now. The connection reads the ledger
    and is in autocommit. What leaves, and where it is read from, is on record before. A run that
    was ended in the middle is gone on with by the next one. Where nothing is left to take out, the
    ledger reads from this archive from now on what it has read from another one. Raises `Failure`,
    `ArchiveUnusable`.
    """
    address = place.address()
    where = conninfo(settings, Secrets(settings.home), "archiver", "ledger")
    with psycopg.connect(where, autocommit=True) as archiver:
        if archiver.execute(LOCK).fetchone() != (True,):
            raise Failure(
                "Another run is moving events out of this ledger: run this one when that has"
                " ended.",
                DEPENDENCY_MISSING,
            )
        (reached,) = archiver.execute(REACHED).fetchone() or (0,)
        newest = archiver.execute(PLACE).fetchone()
        head = EventReader(connection).head()
        archive = ArchiveReader(address)
        first = max(1, reached - OVERLAP)
        found = movable(archive.at(range(first, last + 1)), head)
        leaving = (event for event in found if event.position > reached)
        begun = next(leaving, None)
        if begun is None and (newest == (address, last) or not reached):
            return 0
        begins = 1 if begun is None else begun.position
        put_on_record(connection, settings, EventsMoved(now(), place.name, begins, last))
        if newest != (address, last):
            archiver.execute(ADD_PLACE, [address, last])
        if begun is None:
            return 0
        return _move(archiver, chain([begun], leaving), step, last)


def movable(events: Iterable[RecordedEvent], head: int) -> Iterator[RecordedEvent]:
    """Yield what may leave: movements that follow an event of their command which stays.

    That event tells of them when they were recorded and in which command they stand. The last
    event of the log stays as well. `events` begin anywhere and lack none.
    """
    codec = EventCodec()
    known: tuple[int, Instant] | None = None
    for event in events:
        index = codec.decode_metadata(event.metadata).index
        command = (event.position - index, event.recorded_at)
        if event.type not in MOVABLE or index == 0:
            known = command
        elif command == known and event.position < head:
            yield event
        else:
            known = None


def _move(
    archiver: psycopg.Connection,
    leaving: Iterator[RecordedEvent],
    step: Callable[[int, int], object],
    last: int,
) -> int:
    moved = 0
    while batch := list(islice(leaving, BATCH)):
        positions = [event.position for event in batch]
        # The archive was proven and is read again here: what leaves is what the ledger has.
        rows = archiver.execute(ROWS, [positions], binary=True).fetchall()
        if [recorded(row) for row in rows] != batch:
            raise ArchiveDamaged(
                f"Between the positions {positions[0]} and {positions[-1]} the archive is no more"
                " what it was when it was proven, so nothing of it left the ledger: run it with"
                " --check."
            )
        archiver.execute(MOVE, [positions, [leaf_hash(entry(event)) for event in batch]])
        moved += len(batch)
        step(positions[-1], last)
    return moved
