"""Events that have left the ledger for an archive, read back from there and compared by hash."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby, islice
from typing import TYPE_CHECKING, Any, LiteralString
from uuid import UUID

import psycopg

from domain.identifiers import bits
from domain.leaves import entry, leaf_hash
from domain.recorded import RecordedEvent
from infrastructure.archive.failure import ArchiveAway, ArchiveDamaged

if TYPE_CHECKING:
    # It needs pyarrow, which only those have who move events.
    from infrastructure.archive.reader import ArchiveReader

PAGE = 10_000
"""How many are looked up at a time."""

MOVED: LiteralString = """
SELECT m.notification_id, m.originator_id, m.originator_version, m.leaf, (
    SELECT p.url FROM archive_place p WHERE p.last_position >= m.notification_id
    ORDER BY p.number DESC LIMIT 1)
FROM moved_event m """
BETWEEN: LiteralString = (
    MOVED + "WHERE m.notification_id BETWEEN %s AND %s ORDER BY m.notification_id LIMIT %s"
)
OF_STREAM: LiteralString = (
    MOVED
    + """WHERE m.originator_id = %s AND m.originator_version > %s AND m.notification_id <= %s
    ORDER BY m.originator_version LIMIT %s"""
)


@dataclass(frozen=True, slots=True)
class Moved:
    """What the ledger keeps of an event that was moved: where it stood, its leaf, its archive."""

    position: int
    stream: UUID
    version: int
    leaf: bytes
    archive: str | None


class MovedEvents:
    """The events that one ledger has moved, over a connection whose search_path is its schema."""

    def __init__(self, connection: psycopg.Connection[Any]) -> None:
        """Take the connection; it stays the caller's to close."""
        self._connection = connection

    def any(self) -> bool:
        """Return whether something was moved."""
        return self._connection.execute("SELECT 1 FROM moved_event LIMIT 1").fetchone() is not None

    def count(self) -> int:
        """Return how many events were moved."""
        row = self._connection.execute("SELECT count(*) FROM moved_event").fetchone()
        return int(row[0]) if row else 0

    def places(self, first: int, last: int) -> Iterator[Moved]:
        """Yield what was moved of the positions from `first` to `last`, in order."""
        while page := self._page(BETWEEN, first, last, PAGE):
            yield from page
            first = page[-1].position + 1

    def between(self, first: int, last: int) -> Iterator[RecordedEvent]:
        """Yield the moved events from `first` to `last`; raises `ArchiveUnusable`."""
        return read_back(self.places(first, last))

    def of_stream(self, stream: UUID, last: int) -> Iterator[RecordedEvent]:
        """Yield a stream's moved events up to a position by version; raises `ArchiveUnusable`."""
        return read_back(self._places_of(stream, last))

    def _places_of(self, stream: UUID, last: int) -> Iterator[Moved]:
        version = 0
        while page := self._page(OF_STREAM, stream, version, last, PAGE):
            yield from page
            version = page[-1].version

    def _page(self, query: LiteralString, *parameters: object) -> Sequence[Moved]:
        rows = self._connection.execute(query, parameters, binary=True).fetchall()
        return [Moved(*row) for row in rows]


def read_back(moved: Iterator[Moved]) -> Iterator[RecordedEvent]:
    """Yield moved events as they were stored: each has the leaf that the ledger has kept of it.

    Raises `ArchiveUnusable` where it cannot be read, or is another one.
    """
    for url, wanted in groupby(moved, lambda each: each.archive):
        yield from _read_back(url, wanted)


def _read_back(url: str | None, wanted: Iterator[Moved]) -> Iterator[RecordedEvent]:
    if url is None:
        raise ArchiveDamaged(
            f"Position {next(wanted).position} is on record as moved, and no archive that has it:"
            " ./falcon archive --to where it lies, with --move, puts it on record."
        )
    try:
        from infrastructure.archive.place import Place
        from infrastructure.archive.reader import archive_at
    except ModuleNotFoundError as missing:
        raise ArchiveAway(
            f"Events were moved to the archive {url}, and to read them the package {missing.name}"
            " is needed: install falconpay[archive]."
        ) from None
    archive = archive_at(url)
    try:
        while page := list(islice(wanted, PAGE)):
            yield from _compared(archive, url, page)
    except ArchiveDamaged:
        if Place(url).names(".json"):
            raise
        # Where there is nothing at all, a disk is not there, or the wrong one.
        raise ArchiveAway(
            f"There is no archive at {url}, where events were moved to: see that it is there, and"
            " that it may be read."
        ) from None


def _compared(
    archive: "ArchiveReader", url: str, page: Sequence[Moved], *, again: bool = True
) -> list[RecordedEvent]:
    """Return events that are those that were moved; raises `ArchiveUnusable`."""
    try:
        events = list(archive.at(each.position for each in page))
        for each, event in zip(page, events, strict=True):
            if not _same(event, each):
                raise ArchiveDamaged(
                    f"Position {each.position} in the archive {url} is not the event that was"
                    " moved there: put the archive back from a copy."
                )
    except ArchiveDamaged:
        # What is kept in memory may be of the time before the archive was put back.
        archive.forget()
        if not again:
            raise
        return _compared(archive, url, page, again=False)
    return events


def _same(event: RecordedEvent, moved: Moved) -> bool:
    """Return whether an event is the one that was moved, and stood where the ledger says."""
    try:
        told = (bits(event.stream_id), event.version, leaf_hash(entry(event)))
    except (UnicodeEncodeError, TypeError, ValueError, AttributeError):
        # A damaged archive may have something that is no event.
        return False
    return told == (moved.stream, moved.version, moved.leaf)
