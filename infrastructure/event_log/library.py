"""Lets stock applications of the `eventsourcing` library read a ledger's streams.

Set `PERSISTENCE_MODULE` to this module's name and `LEDGER_CONNINFO` to a connection string whose
search_path is the ledger's schema. Only reading is served: the ledger's writer appends itself.
"""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from operator import itemgetter
from typing import Any, LiteralString, NoReturn
from uuid import UUID

import psycopg
from eventsourcing.persistence import (
    AggregateRecorder,
    ApplicationRecorder,
    InfrastructureFactory,
    Notification,
    OperationalError,
    ProcessRecorder,
    ProgrammingError,
    StoredEvent,
    Subscription,
    TrackingRecorder,
)

from domain.identifiers import bits
from domain.recorded import RecordedEvent
from infrastructure.archive.failure import ArchiveUnusable
from infrastructure.event_log.moved import MOVED, Moved, MovedEvents, read_back

_STREAM: LiteralString = (
    "SELECT originator_id, originator_version, topic, state FROM events"
    " WHERE originator_id = %s AND originator_version > %s AND originator_version <= %s"
)
_MOVED: LiteralString = (
    MOVED + "WHERE originator_id = %s AND originator_version > %s AND originator_version <= %s"
)
_LOG: LiteralString = (
    "SELECT originator_id, originator_version, topic, state, notification_id FROM events"
    " WHERE notification_id >= %s AND notification_id <= %s"
    " AND (%s::text[] IS NULL OR topic = ANY(%s))"
    " ORDER BY notification_id LIMIT %s"
)
_OLDEST_FIRST: LiteralString = " ORDER BY originator_version LIMIT %s"
_NEWEST_FIRST: LiteralString = " ORDER BY originator_version DESC LIMIT %s"
POLL_SECONDS = 0.05
PAGE = 500
Row = tuple[Any, ...]


class ReadOnlyRecorder(ApplicationRecorder):
    """The library's recorder over the ledger's event table; refuses to insert."""

    def __init__(self, conninfo: str) -> None:
        """Take a connection string; a connection is opened for each call."""
        self._conninfo = conninfo

    def insert_events(self, stored_events: Sequence[StoredEvent], **kwargs: Any) -> NoReturn:
        """Refuse: events are appended by the ledger alone."""
        del stored_events, kwargs
        raise ProgrammingError("This recorder only reads: commands append to the ledger.")

    def select_events(
        self,
        originator_id: UUID | str,
        *,
        gt: int | None = None,
        lte: int | None = None,
        desc: bool = False,
        limit: int | None = None,
    ) -> list[StoredEvent]:
        """Return a stream's events, versions in order."""
        asked = (originator_id, gt or 0, _bound(lte), limit)
        order = _NEWEST_FIRST if desc else _OLDEST_FIRST
        with self._connected() as connection:
            rows = connection.execute(_STREAM + order, asked, binary=True).fetchall()
            moved = connection.execute(_MOVED + order, asked, binary=True).fetchall()
            # One that is moved just now is found twice.
            found: dict[int, StoredEvent | Moved] = {row[2]: Moved(*row) for row in moved}
            found |= {row[1]: StoredEvent(*row) for row in rows}
            asked_for = [found[version] for version in sorted(found, reverse=desc)[:limit]]
            back = read_back(each for each in asked_for if isinstance(each, Moved))
            return [_stored(next(back)) if isinstance(each, Moved) else each for each in asked_for]

    def select_notifications(
        self,
        start: int | None,
        limit: int,
        stop: int | None = None,
        topics: Sequence[str] = (),
        *,
        inclusive_of_start: bool = True,
    ) -> list[Notification]:
        """Return events in position order; a position is a notification's id."""
        first = (start or 0) + (0 if inclusive_of_start else 1)
        asked = (first, _bound(stop), list(topics) or None, list(topics), limit)
        with self._connected() as connection:
            # Of one snapshot, so that nothing that is moved just now is in neither of the two.
            connection.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
            rows = connection.execute(_LOG, asked, binary=True).fetchall()
            last = rows[-1][4] if rows and len(rows) == limit else _bound(stop)
            if limit and last - first + 1 != len(rows):
                moved = _moved(connection, first, last, topics, limit)
                rows = sorted((*rows, *moved), key=itemgetter(4))[:limit]
        return [Notification(*row) for row in rows]

    def max_notification_id(self) -> int | None:
        """Return the last position, or none in an empty ledger."""
        with self._connected() as connection:
            ((last,),) = connection.execute("SELECT max(notification_id) FROM events")
        return None if last is None else int(last)

    def subscribe(
        self, gt: int | None = None, topics: Sequence[str] = ()
    ) -> Subscription[ApplicationRecorder]:
        """Return an iterator that yields what is recorded, and waits for more at the end."""
        return _Polling(self, gt, topics)

    @contextmanager
    def _connected(self) -> Iterator[psycopg.Connection[Row]]:
        try:
            with psycopg.connect(self._conninfo, autocommit=True) as connection:
                yield connection
        except (psycopg.OperationalError, ArchiveUnusable) as error:
            raise OperationalError(str(error)) from error


def _moved(
    connection: psycopg.Connection[Row], first: int, last: int, topics: Sequence[str], limit: int
) -> list[Row]:
    """Return what was moved between two positions and has one of the topics, or any for none."""
    if topics and not any(topic.startswith("wallet.") for topic in topics):
        return []
    found = (
        (bits(event.stream_id), event.version, event.type, event.data, event.position)
        for event in MovedEvents(connection).between(first, last)
        if not topics or event.type in topics
    )
    return list(islice(found, limit))


def _stored(event: RecordedEvent) -> StoredEvent:
    return StoredEvent(bits(event.stream_id), event.version, event.type, event.data)


class _Polling(Subscription[ApplicationRecorder]):
    """Asks for what is new, since the append sends no notification that could slow it down."""

    def __init__(self, recorder: ReadOnlyRecorder, gt: int | None, topics: Sequence[str]) -> None:
        super().__init__(recorder, gt, topics)
        self._page: list[Notification] = []

    def __next__(self) -> Notification:
        while not self._page:
            if self._has_been_stopped:
                raise StopIteration
            self._page = self._ask(self._last_notification_id or 0)
            if not self._page:
                time.sleep(POLL_SECONDS)
        notification = self._page.pop(0)
        self._last_notification_id = notification.id
        return notification

    def _ask(self, last: int) -> list[Notification]:
        """Return what follows; what was looked through for nothing is not looked through again."""
        head = self._recorder.max_notification_id() or 0
        if head <= last:
            return []
        found = self._recorder.select_notifications(
            last, PAGE, stop=head, topics=self._topics, inclusive_of_start=False
        )
        if not found:
            self._last_notification_id = head
        return list(found)


class Factory(InfrastructureFactory[TrackingRecorder]):
    """What the library builds an application from."""

    def application_recorder(self) -> ApplicationRecorder:
        """Return the reading recorder."""
        conninfo = self.env.get("LEDGER_CONNINFO")
        if not conninfo:
            raise OSError("Set LEDGER_CONNINFO to a connection string of the ledger.")
        return ReadOnlyRecorder(conninfo)

    def aggregate_recorder(self, purpose: str = "events") -> AggregateRecorder:
        """Return the reading recorder."""
        del purpose
        return self.application_recorder()

    def tracking_recorder(self, tracking_recorder_class: Any = None) -> NoReturn:
        """Refuse: positions are tracked by the reader's own database."""
        del tracking_recorder_class
        raise ProgrammingError("The ledger tracks nothing for its readers.")

    def process_recorder(self) -> ProcessRecorder:
        """Refuse: nothing is written here."""
        raise ProgrammingError("The ledger records nothing for its readers.")


def _bound(value: int | None) -> int:
    return 2**63 - 1 if value is None else value
