"""How a wallet's balance went, drawn in so many points at most."""

from array import array
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from psycopg.rows import class_row

from projections.contract import Snapshot
from projections.wallet_reports.movements import MOST_MOVEMENTS

OPENING = """
    SELECT posted_after FROM entries
    WHERE wallet_id = %(wallet_id)s AND position <= %(after)s ORDER BY position DESC LIMIT 1"""
POSTED = """
    SELECT coalesce(array_agg(position), '{}'), coalesce(array_agg(posted_after), '{}')
    FROM (
        SELECT position, posted_after FROM entries
        WHERE wallet_id = %(wallet_id)s AND direction IS NOT NULL
            AND position > %(after)s AND position <= %(at)s
        ORDER BY position LIMIT %(most)s + 1) AS moved"""
POINTS = """
    SELECT position, recorded_at, posted_after AS posted FROM entries
    WHERE position = ANY (%s) ORDER BY position"""


def _numbers() -> "array[int]":
    return array("q")


@dataclass(frozen=True, slots=True)
class Curve:
    """What was posted after each movement, in minor units, by position, in order."""

    positions: "array[int]" = field(default_factory=_numbers)
    posted: "array[int]" = field(default_factory=_numbers)

    def after(self, positions: Sequence[int], posted: Sequence[int]) -> "Curve":
        """Return it with movements that came later."""
        if not positions:
            return self
        return Curve(self.positions + array("q", positions), self.posted + array("q", posted))

    def drawn(self, points: int) -> list[int]:
        """Return the positions that a chart of so many points shows.

        Among them are always the first and the last one, and the first of the lowest and of the
        highest; of each stretch of the others it is the last one.
        """
        return [self.positions[index] for index in sorted(self._drawn(points))]

    def _drawn(self, points: int) -> Iterable[int]:
        count, posted = len(self.posted), self.posted
        if count <= points:
            return range(count)
        ends = {-(-stretch * count // (points - 3)) - 1 for stretch in range(1, points - 2)}
        return ends | {0, posted.index(min(posted)), posted.index(max(posted))}


@dataclass(frozen=True, slots=True)
class PointRow:
    """What was posted after a movement, in minor units."""

    position: int
    recorded_at: datetime
    posted: int


async def opening(snapshot: Snapshot, wallet_id: str, after: int) -> int:
    """Return what was posted in a wallet at a position, in minor units; it reads entries."""
    asked = {"wallet_id": wallet_id, "after": after}
    row = await (await snapshot.execute(OPENING, asked)).fetchone()
    return 0 if row is None else int(row[0])


async def list_posted(
    snapshot: Snapshot, wallet_id: str, *, after: int, at: int
) -> tuple[Sequence[int], Sequence[int]]:
    """Return the positions of movements behind one and up to another, and what they left posted.

    There is one more than `MOST_MOVEMENTS` at most. It reads entries.
    """
    asked = {"wallet_id": wallet_id, "after": after, "at": at, "most": MOST_MOVEMENTS}
    row = await (await snapshot.execute(POSTED, asked)).fetchone()
    assert row is not None, "an aggregate has one row"
    return row[0], row[1]


async def list_points(snapshot: Snapshot, positions: Sequence[int]) -> list[PointRow]:
    """Return some points of a curve in order; it reads entries."""
    async with snapshot.cursor(row_factory=class_row(PointRow)) as cursor:
        await cursor.execute(POINTS, [list(positions)])
        return await cursor.fetchall()
