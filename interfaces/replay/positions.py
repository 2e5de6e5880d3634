"""Where in a ledger's order a person means: a position, or a time that is turned into one."""

from typing import Any

import psycopg

from domain.instants import Instant, InstantInvalid, moment, parse_instant
from domain.recorded import RecordedEvent
from infrastructure.event_codec import EventCodec
from infrastructure.event_log.reader import EventReader

Place = int | Instant
"""A position, or a time that stands for the last position recorded at or before it."""


MOST_DIGITS = 1_000


class PlaceInvalid(ValueError):
    """A text is neither a position nor a time; the message is one sentence."""


def parse_place(text: str, option: str) -> Place:
    """Return what a person wrote: only digits mean a position, else it is a time of RFC 3339."""
    if text.isascii() and text.isdecimal():
        # Python reads no more than some thousand digits, and all that have many are past the end.
        return int(text) if len(text) <= MOST_DIGITS else 10**MOST_DIGITS
    try:
        return parse_instant(text)
    except InstantInvalid:
        raise PlaceInvalid(
            f"{option} is {text!r}: give a position (digits only) or a time of RFC 3339, such as"
            " 2026-01-31T12:00:00Z."
        ) from None


def last_at(reader: EventReader, place: Place | None) -> int:
    """Return the last position at a place; past the store's head, or none, it is the head."""
    if place is None:
        return reader.head()
    if isinstance(place, int):
        return min(place, reader.head())
    return reader.position_at(place)


def first_at(connection: psycopg.Connection[Any], place: Place | None) -> int:
    """Return the first position at a place: itself, or the first recorded at a time or later."""
    if place is None:
        return 1
    if isinstance(place, int):
        return max(place, 1)
    row = connection.execute(
        "SELECT position_at(%s::timestamptz - interval '1 microsecond')", (moment(place),)
    ).fetchone()
    assert row is not None
    return int(row[0]) + 1


def whole(reader: EventReader, position: int, codec: EventCodec) -> int:
    """Return the last position at or before this one that cuts no command in two."""
    found: list[RecordedEvent] = reader.after(position - 1, 1) if position > 0 else []
    if not found or found[0].position != position:
        return position
    place = codec.decode_metadata(found[0].metadata)
    ends_here = place.index == place.count - 1
    return position if ends_here else position - place.index - 1


def widened(reader: EventReader, first: int, last: int, codec: EventCodec) -> tuple[int, int]:
    """Return the positions of all commands of which something lies between two positions."""
    begins = whole(reader, first - 1, codec) + 1
    (event,) = reader.after(last - 1, 1)
    place = codec.decode_metadata(event.metadata)
    return begins, last - place.index + place.count - 1
