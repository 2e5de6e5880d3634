"""Reads single events of an archive by their positions, a row group at a time."""

from bisect import bisect_right
from collections import OrderedDict
from collections.abc import Iterable, Iterator
from contextlib import suppress
from functools import lru_cache
from itertools import groupby
from threading import Lock

import pyarrow as pa
import pyarrow.parquet as pq

from domain.recorded import RecordedEvent
from infrastructure.archive.failure import ArchiveDamaged, PartDamaged
from infrastructure.archive.parts import spans_of
from infrastructure.archive.place import Place
from infrastructure.archive.rows import CHUNK, COLUMNS, events_of, readable

MOST_KEPT = 4
"""How many row groups stay in memory, some 4 MB each: a page lies within one or two."""

Group = tuple[int, int]
"""The first position of a part, and the number of a row group within it."""


class ArchiveReader:
    """One archive; several threads may ask. What it returns is not proven."""

    def __init__(self, url: str) -> None:
        """Take where it lies; raises `ArchiveUnusable` where that is no place."""
        self._place = Place(url)
        self._spans: list[tuple[int, int]] = []
        self._kept: OrderedDict[Group, pa.Table] = OrderedDict()
        self._lock = Lock()

    def at(self, positions: Iterable[int]) -> Iterator[RecordedEvent]:
        """Yield the events at positions, in the order in which they are given.

        Raises `ArchiveUnusable` at one that the archive does not have.
        """
        for group, wanted in groupby(positions, self._group):
            rows, asked = self._rows(group), list(wanted)
            begins = group[0] + group[1] * CHUNK
            with readable():
                found = list(events_of(rows.take([position - begins for position in asked])))
            if [event.position for event in found] != asked:
                raise PartDamaged(
                    f"The part that begins at position {group[0]} in the archive {self._place.url}"
                    " has other positions than its name tells: put it back from a copy."
                )
            yield from found

    def forget(self) -> None:
        """Read everything anew from now on, as what was found so far was not right."""
        with self._lock:
            self._spans = []
            self._kept.clear()

    def _group(self, position: int) -> Group:
        first, _ = self._span(position)
        return first, (position - first) // CHUNK

    def _span(self, position: int) -> tuple[int, int]:
        found = _within(self._spans, position)
        if found is None:
            self._spans = spans_of(self._place)
            found = _within(self._spans, position)
        if found is None:
            raise ArchiveDamaged(
                f"The archive {self._place.url} has no part with position {position}: put it back"
                " from a copy."
            )
        return found

    def _rows(self, group: Group) -> pa.Table:
        with self._lock, suppress(KeyError):
            self._kept.move_to_end(group)
            return self._kept[group]
        first, number = group
        _, last = self._span(first)
        with self._place.reading(f"{first:019d}-{last:019d}.parquet") as file, readable():
            opened = pq.ParquetFile(file, pre_buffer=False)
            rows = opened.read_row_group(number, columns=COLUMNS.names, use_threads=False)
        with self._lock:
            self._kept[group] = rows
            while len(self._kept) > MOST_KEPT:
                self._kept.popitem(last=False)
        return rows


@lru_cache(maxsize=8)
def archive_at(url: str) -> ArchiveReader:
    """Return the archive at a place, which this process keeps."""
    return ArchiveReader(url)


def _within(spans: list[tuple[int, int]], position: int) -> tuple[int, int] | None:
    number = bisect_right(spans, (position, 2**63)) - 1
    if number < 0 or spans[number][1] < position:
        return None
    return spans[number]
