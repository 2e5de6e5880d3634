"""Reads the event store in position order over one connection, changing nothing."""

from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import islice
from typing import Any, LiteralString
from uuid import UUID

import psycopg

from domain.identifiers import PREFIXES, StreamId, bits, stream_id
from domain.instants import Instant, instant, moment
from domain.recorded import RecordedEvent
from infrastructure.event_log.moved import Moved, MovedEvents, read_back

Row = tuple[Any, ...]
COLUMNS: LiteralString = (
    "SELECT notification_id, originator_id, originator_version, topic, state, metadata,"
    " recorded_at FROM events "
)


def recorded(row: Row) -> RecordedEvent:
    """Return a row of the columns that the reader selects as an event."""
    position, stream, version, type_name, state, metadata, at = row
    return RecordedEvent(
        position, stream_id(type_name, stream), version, type_name, state, metadata, _instant(at)
    )


_instant = lru_cache(maxsize=16)(instant)
"""All events of a batch were recorded at one time, which is written out once."""


class EventReader:
    """One ledger's events over a connection in autocommit, whose search_path is its schema."""

    def __init__(self, connection: psycopg.Connection[Any]) -> None:
        """Take the connection; it stays the caller's to close."""
        self._connection = connection

    def store_id(self) -> UUID:
        """Return the identity of this store, which a restored copy keeps."""
        row = self._connection.execute("SELECT id FROM store").fetchone()
        assert row is not None, "a migrated store has its identity"
        return UUID(str(row[0]))

    def epoch(self) -> int:
        """Return the number of the epoch, which grows when a restored copy is to stand."""
        row = self._connection.execute("SELECT max(number) FROM epoch").fetchone()
        assert row is not None, "a migrated store has its first epoch"
        return int(row[0])

    def head(self) -> int:
        """Return the last position, 0 when there are no events."""
        row = self._connection.execute(
            "SELECT coalesce(max(notification_id), 0) FROM events"
        ).fetchone()
        assert row is not None
        return int(row[0])

    def position_at(self, at: Instant) -> int:
        """Return the last position recorded at or before a time, 0 when there is none."""
        row = self._connection.execute("SELECT position_at(%s)", (moment(at),)).fetchone()
        assert row is not None
        return int(row[0])

    def after(self, position: int, limit: int) -> list[RecordedEvent]:
        """Return up to `limit` events beyond a position, in order, without holes.

        Those that were moved are read from their archive. Raises `ArchiveUnusable`.
        """
        rows = self._connection.execute(
            COLUMNS + "WHERE notification_id > %s ORDER BY notification_id LIMIT %s",
            (position, limit),
            binary=True,
        ).fetchall()
        if rows and rows[-1][0] - position != len(rows):
            return self._filled(rows, position, limit)
        return [recorded(row) for row in rows]

    def all(self, after: int = 0, chunk: int = 5_000) -> Iterator[RecordedEvent]:
        """Yield every event beyond a position in order, holding one chunk in memory at a time."""
        while events := self.after(after, chunk):
            yield from events
            after = events[-1].position

    def stream(self, stream: StreamId) -> list[RecordedEvent]:
        """Return all events of one stream by version; raises `ArchiveUnusable`."""
        rows = self._connection.execute(
            COLUMNS + "WHERE originator_id = %s ORDER BY originator_version",
            (bits(stream),),
            binary=True,
        ).fetchall()
        found = {event.position: event for event in map(recorded, rows)}
        if stream.startswith(PREFIXES["wallet"]):
            moved = MovedEvents(self._connection).of_stream(bits(stream), self.head())
            found |= {event.position: event for event in moved}
        events = sorted(found.values(), key=lambda event: event.version)
        return [event for event in events if event.stream_id == stream]

    def _filled(self, rows: Sequence[Row], position: int, limit: int) -> list[RecordedEvent]:
        """Return rows with those between them that were moved; what is missing stays missing."""
        moved = MovedEvents(self._connection).places(position + 1, rows[-1][0])
        # One may have been moved since, so that it is found in both places.
        found: dict[int, Moved | Row] = {each.position: each for each in islice(moved, limit)}
        found |= {row[0]: row for row in rows}
        chosen = [found[place] for place in sorted(found)[:limit]]
        back = read_back(each for each in chosen if isinstance(each, Moved))
        return [next(back) if isinstance(each, Moved) else recorded(each) for each in chosen]
