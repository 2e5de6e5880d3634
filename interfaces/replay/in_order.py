"""Every stored event in order, whether it is in the ledger or was moved to an archive."""

from collections.abc import Iterable, Iterator, Sequence
from heapq import merge
from itertools import chain, islice
from operator import itemgetter
from typing import Any, LiteralString
from uuid import UUID

import psycopg

from domain.identifiers import bits
from domain.recorded import RecordedEvent
from infrastructure.event_log.moved import MovedEvents
from interfaces.replay.stored import CHUNK, EVENTS, chunks, stamp

Row = tuple[Any, ...]

EVERY = "%"
WALLETS = "wallet.%"
"""Only events of wallets are ever moved."""

BETWEEN: LiteralString = EVENTS + "WHERE notification_id BETWEEN %s AND %s ORDER BY notification_id"
OF_TYPES: LiteralString = (
    EVENTS
    + """WHERE notification_id BETWEEN %s AND %s AND topic LIKE ANY (%s)
    ORDER BY notification_id"""
)
OF_STREAM: LiteralString = (
    EVENTS + "WHERE originator_id = %s AND notification_id <= %s ORDER BY originator_version"
)


def events_between(
    connection: psycopg.Connection[Any], first: int, last: int, types: Sequence[str] = (EVERY,)
) -> Iterator[list[Row]]:
    """Yield events by position, a few thousand rows at a time, as they are stored.

    `types` are patterns of LIKE. The connection is a snapshot. Raises `ArchiveUnusable` where
    something was moved and cannot be read.
    """
    stored = (
        chunks(connection, "events", BETWEEN, first, last)
        if EVERY in types
        else chunks(connection, "events", OF_TYPES, first, last, list(types))
    )
    moved = MovedEvents(connection)
    if not {EVERY, WALLETS} & {*types} or not moved.any():
        return stored
    return _merged(stored, moved.between(first, last), by=0)


def events_of_stream(
    connection: psycopg.Connection[Any], stream: UUID, last: int
) -> Iterator[list[Row]]:
    """Yield a stream's events up to a position by version, as `events_between` does."""
    stored = chunks(connection, "stream", OF_STREAM, stream, last)
    moved = MovedEvents(connection)
    if not moved.any():
        return stored
    return _merged(stored, moved.of_stream(stream, last), by=2)


def _merged(
    stored: Iterable[list[Row]], moved: Iterable[RecordedEvent], by: int
) -> Iterator[list[Row]]:
    rows = merge(chain.from_iterable(stored), map(stored_row, moved), key=itemgetter(by))
    while chunk := list(islice(rows, CHUNK)):
        yield chunk


def stored_row(event: RecordedEvent) -> Row:
    """Return an event as a row of the columns in which events are read."""
    return (
        event.position,
        bits(event.stream_id).bytes,
        event.version,
        event.type,
        event.data,
        event.metadata,
        stamp(event.recorded_at),
    )
