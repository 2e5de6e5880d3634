"""The event store as projections read it, and as they follow it where there is no broker."""

import time
from collections.abc import Sequence
from uuid import UUID

from domain.recorded import RecordedEvent
from infrastructure.event_codec import EventCodec
from infrastructure.event_log.reader import EventReader
from projections.contract import Applied
from projections.sources import Store, Taken

POLL_SECONDS = 0.02
"""How often the store is asked while there is nothing new: a look-up of one row's key."""


class StoredEvents:
    """The store that a projector checks against and fills holes from."""

    def __init__(self, reader: EventReader, codec: EventCodec) -> None:
        """Take a reader whose connection is this thread's alone."""
        self._reader = reader
        self._codec = codec

    def store_id(self) -> UUID:
        """Return the identity of the store."""
        return self._reader.store_id()

    def epoch(self) -> int:
        """Return the number of the store's epoch."""
        return self._reader.epoch()

    def head(self) -> int:
        """Return the last position, 0 when there are no events."""
        return self._reader.head()

    def after(self, position: int, limit: int) -> Sequence[Applied]:
        """Return up to `limit` events beyond a position; raises `EventUnreadable`."""
        return [self._applied(event) for event in self._reader.after(position, limit)]

    def _applied(self, event: RecordedEvent) -> Applied:
        metadata = self._codec.decode_metadata(event.metadata)
        return Applied(
            event.position,
            event.stream_id,
            event.version,
            event.recorded_at,
            metadata.command_id,
            metadata.index,
            metadata.count,
            self._codec.decode(event.type, event.data),
            metadata.actor,
        )


class StoreSource:
    """Follows the store itself; what it brings is complete and in order."""

    def __init__(self, store: Store) -> None:
        """Take the store."""
        self._store = store
        self._position = 0
        self._look_due = 0.0

    def close(self) -> None:
        """Leave; the store is its owner's."""

    def seek(self, after: int) -> None:
        """Go on behind a position."""
        self._position = after

    def take(self, limit: int, wait_seconds: float) -> Taken:
        """Return the next events, looking every `POLL_SECONDS`; raises `EventUnreadable`.

        A pause after what was less than asked for lets a transaction serve several commands.
        """
        deadline = time.monotonic() + wait_seconds
        while True:
            pause = self._look_due - time.monotonic()
            if pause > 0:
                time.sleep(pause)
            self._look_due = time.monotonic() + POLL_SECONDS
            events = self._store.after(self._position, limit)
            if events:
                break
            if time.monotonic() >= deadline:
                return Taken(())
        if len(events) == limit:
            self._look_due = 0.0
        self._position = events[-1].position
        return Taken(events)
