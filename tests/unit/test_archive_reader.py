"""Single events are read from an archive in any place, a row group at a time."""

import random
from collections.abc import Iterator
from typing import Any

import fsspec
import pytest
from fsspec.spec import AbstractFileSystem

from domain.identifiers import StreamId
from domain.instants import Instant
from domain.recorded import RecordedEvent
from infrastructure.archive.failure import ArchiveAway, ArchiveDamaged
from infrastructure.archive.place import Place
from infrastructure.archive.reader import MOST_KEPT, ArchiveReader
from infrastructure.archive.rows import CHUNK
from interfaces.archiving.part import write_events

LAST = 3 * CHUNK + 7


def event(position: int) -> RecordedEvent:
    return RecordedEvent(
        position,
        StreamId("wal_0QSBHRWTT6A3D9MAQEQXVBJ698"),
        position,
        "wallet.credited.v1",
        b'{"amount":%d}' % position,
        b"{}",
        Instant("2026-01-31T12:00:00.000001Z"),
    )


def write(place: Place, first: int, last: int, named: tuple[int, int] | None = None) -> None:
    """Write a part; the reader goes by the names, and what is proven is not its matter."""
    begins, ends = named or (first, last)
    name = f"{begins:019d}-{ends:019d}"
    with place.writing(f"{name}.parquet") as (_, file):
        write_events((event(each) for each in range(first, last + 1)), file)
    with place.writing(f"{name}.json") as (_, file):
        file.write(b"{}")


@pytest.fixture(params=["memory://archives/book", "file"])
def place(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Place]:
    """Give an archive of two parts in an object store of this process, and in a folder."""
    url = request.param
    found = Place(str(tmp_path_factory.mktemp("book")) if url == "file" else url)
    write(found, 1, LAST)
    write(found, LAST + 1, LAST + 5)
    yield found
    for name in (*found.names(".parquet"), *found.names(".json")):
        found.remove(name)


def test_any_positions_are_found_in_the_order_asked_for(place: Place) -> None:
    """At the ends of row groups and parts, one by one, far apart and repeatedly."""
    reader, dice = ArchiveReader(place.url), random.Random(1)
    edges = [1, CHUNK, CHUNK + 1, 2 * CHUNK, 3 * CHUNK + 1, LAST, LAST + 1, LAST + 5]
    drawn = [dice.randint(1, LAST + 5) for _ in range(50)]
    for positions in (edges, drawn, sorted(drawn), [5, 5, 5], []):
        assert list(reader.at(positions)) == [event(each) for each in positions]
    whole = list(reader.at(range(1, LAST + 6)))
    assert whole == [event(each) for each in range(1, LAST + 6)]
    assert len(reader._kept) == MOST_KEPT


def test_parts_that_came_later_are_found(place: Place) -> None:
    reader = ArchiveReader(place.url)
    assert list(reader.at([LAST + 5])) == [event(LAST + 5)]
    with pytest.raises(ArchiveDamaged, match=f"no part with position {LAST + 6}"):
        list(reader.at([LAST + 6]))
    write(place, LAST + 6, LAST + 9)
    assert list(reader.at([LAST + 6])) == [event(LAST + 6)]


def test_a_part_of_other_positions_is_told(place: Place) -> None:
    """Fewer than its name says, or others: its row groups do not lie where they should."""
    write(place, LAST + 7, LAST + 9, named=(LAST + 6, LAST + 9))
    write(place, LAST + 10, LAST + 11, named=(LAST + 10, LAST + 30_000))
    for position in (LAST + 6, LAST + 9, LAST + 12, LAST + 25_000):
        with pytest.raises(ArchiveDamaged):
            list(ArchiveReader(place.url).at([position]))


def test_what_is_no_parquet_is_told(place: Place) -> None:
    with place.writing(f"{LAST + 6:019d}-{LAST + 9:019d}.parquet") as (_, file):
        file.write(b"PAR1 and nothing more")
    with place.writing(f"{LAST + 6:019d}-{LAST + 9:019d}.json") as (_, file):
        file.write(b"{}")
    with pytest.raises(ArchiveDamaged, match="damaged"):
        list(ArchiveReader(place.url).at([LAST + 7]))


class Lost(Exception):
    """What the package of a store raises, which is no `OSError`."""


class LostStore(AbstractFileSystem):  # type: ignore[misc]  # fsspec has no types
    """A store that is known and does not answer."""

    protocol = "lost"

    def exists(self, path: str, **_: Any) -> bool:
        raise Lost(path)

    def open(self, path: str, *_: Any, **__: Any) -> Any:
        raise Lost(path)


def test_whatever_a_store_raises_is_told_as_away() -> None:
    fsspec.register_implementation("lost", LostStore)
    place = Place("lost://bucket/book")
    with pytest.raises(ArchiveAway, match=r"lost://bucket/book cannot be used \(Lost\)"):
        place.names(".json")
    with pytest.raises(ArchiveAway), place.reading("x"):
        pass
    with pytest.raises(ArchiveAway):
        list(ArchiveReader(place.url).at([1]))
