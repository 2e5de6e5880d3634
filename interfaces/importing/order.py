"""The order of a file's transactions: by day, and within a day credits before debits."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import groupby
from operator import attrgetter

from interfaces.importing.rows import BadLine, Row


class BadLineFound(ValueError):
    """A line is bad and was not to be skipped; no row of its day or after it was given out."""

    def __init__(self, bad: BadLine) -> None:
        """Keep which line it is."""
        super().__init__(f"Line {bad.line}: {bad.reason}")
        self.bad = bad


KEPT = 100_000
"""Of so many lines a first look keeps what it read; of more they are read once more."""


@dataclass(slots=True)
class Survey:
    """What a first look at a file finds; `sorted` tells whether its dates never go back."""

    rows: int = 0
    sorted: bool = True
    bad: list[BadLine] = field(default_factory=list)
    kept: list[Row | BadLine] | None = field(default_factory=list)


def survey(found: Iterable[Row | BadLine]) -> Survey:
    """Count a file's rows, look at their order and collect its bad lines."""
    result = Survey()
    last = None
    for item in found:
        if result.kept is not None:
            result.kept.append(item)
            if len(result.kept) > KEPT:
                result.kept = None
        if isinstance(item, BadLine):
            result.bad.append(item)
            continue
        result.rows += 1
        if last is not None and item.day < last:
            result.sorted = False
        last = item.day
    return result


def days(
    read: Callable[[], Iterable[Row | BadLine]], seen: Survey, skip_bad: bool
) -> Iterator[list[Row]]:
    """Yield each day's rows in the order in which they are to be imported.

    A file whose dates never go back is read day by day; another one is sorted in memory, and
    imported only when it has no bad line. Raises `BadLineFound` unless bad lines are skipped.
    """
    good = _good(read() if seen.kept is None else seen.kept, skip_bad)
    in_order = good if seen.sorted else iter(sorted(good, key=attrgetter("day")))
    for _, rows in groupby(in_order, key=attrgetter("day")):
        # Sorting is stable, so that each half of a day keeps the order of the file.
        yield sorted(rows, key=_is_debit)


def _good(found: Iterable[Row | BadLine], skip_bad: bool) -> Iterator[Row]:
    for item in found:
        if isinstance(item, Row):
            yield item
        elif not skip_bad:
            raise BadLineFound(item)


def _is_debit(row: Row) -> bool:
    return row.amount < 0
