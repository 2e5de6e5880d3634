"""Lets stock applications of the `eventsourcing` library read a ledger's streams.

Set `PERSISTENCE_MODULE` to this module's name and `LEDGER_CONNINFO` to a connection string whose
search_path is the ledger's schema. Only reading is served: the ledger's writer appends itself.
"""

import time
from collections.abc import Sequence
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

_STREAM: LiteralString = (
    "SELECT originator_id, originator_version, topic, state FROM events"
    " WHERE originator_id = %s AND originator_version > %s AND originator_version <= %s"
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
        rows = self._rows(
            _STREAM + (_NEWEST_FIRST if desc else _OLDEST_FIRST),
            (originator_id, gt or 0, _bound(lte), limit),
        )
        return [StoredEvent(*row) for row in rows]

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
        rows = self._rows(
            "SELECT originator_id, originator_version, topic, state, notification_id FROM events"
            " WHERE notification_id >= %s AND notification_id <= %s"
            " AND (%s::text[] IS NULL OR topic = ANY(%s))"
            " ORDER BY notification_id LIMIT %s",
            (first, _bound(stop), list(topics) or None, list(topics), limit),
        )
        return [Notification(*row) for row in rows]

    def max_notification_id(self) -> int | None:
        """Return the last position, or none in an empty ledger."""
        ((last,),) = self._rows("SELECT max(notification_id) FROM events", ())
        return None if last is None else int(last)

    def subscribe(
        self, gt: int | None = None, topics: Sequence[str] = ()
    ) -> Subscription[ApplicationRecorder]:
        """Return an iterator that yields what is recorded, and waits for more at the end."""
        return _Polling(self, gt, topics)

    def _rows(self, query: LiteralString, parameters: Sequence[Any]) -> list[Row]:
        try:
            with psycopg.connect(self._conninfo, autocommit=True) as connection:
                return connection.execute(query, parameters, binary=True).fetchall()
        except psycopg.OperationalError as error:
            raise OperationalError(str(error)) from error


class _Polling(Subscription[ApplicationRecorder]):
    """Asks for what is new, since the append sends no notification that could slow it down."""

    def __init__(self, recorder: ReadOnlyRecorder, gt: int | None, topics: Sequence[str]) -> None:
        super().__init__(recorder, gt, topics)
        self._page: list[Notification] = []

    def __next__(self) -> Notification:
        while not self._page:
            if self._has_been_stopped:
                raise StopIteration
            self._page = list(
                self._recorder.select_notifications(
                    self._last_notification_id, PAGE, topics=self._topics, inclusive_of_start=False
                )
            )
            if not self._page:
                time.sleep(POLL_SECONDS)
        notification = self._page.pop(0)
        self._last_notification_id = notification.id
        return notification


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
