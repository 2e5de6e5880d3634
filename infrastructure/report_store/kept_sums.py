"""What was added up of busy wallets, kept as of a position, so that only what came later is read.

What is recorded up to a position never changes. So what a period adds up to as of one position is
what it adds up to as of an earlier one and the movements between.
"""

from collections import OrderedDict
from collections.abc import Sequence
from typing import Any, Generic, TypeVar

from projections.contract import Projection, Snapshot

LEAST_MOVEMENTS = 500
"""With fewer of them it is not worth while to keep what they add up to."""

MOST_KEPT = 200
"""How many sums are kept, however small: anybody may ask for one period after the other."""

# Which rows there are: a read model that is built again has other files, and whoever recovers a
# ledger begins another epoch.
ROWS = """
    SELECT array_agg((store, epoch, version)::text ORDER BY projection),
        (SELECT array_agg(pg_relation_filenode(t.named::regclass) ORDER BY t.named)
         FROM unnest(%s::text[]) AS t (named))
    FROM checkpoint WHERE projection = ANY (%s)"""

Key = tuple[Any, ...]
Sums = TypeVar("Sums")


class KeptSums(Generic[Sums]):
    """Sums of one ledger; those asked for last are kept."""

    def __init__(self, reads: Sequence[Projection], most: int) -> None:
        """Take the read models that are added up, and how much is kept; `keep` tells of what."""
        tables = [table for each in reads for table in each.tables]
        self._read = [tables, [each.name for each in reads]]
        self._most = most
        self._kept: OrderedDict[Key, tuple[int, Sums, int]] = OrderedDict()
        self._size = 0

    async def key(self, snapshot: Snapshot, *asked: Any) -> Key:
        """Return what names sums of the rows that there are."""
        row = await (await snapshot.execute(ROWS, self._read)).fetchone()
        return repr(row), *asked

    def find(self, key: Key, at: int) -> tuple[int, Sums] | None:
        """Return a position, not beyond another one, and the sums as of it, if they are kept."""
        known = self._kept.get(key)
        return known[:2] if known is not None and known[0] <= at else None

    def keep(self, key: Key, at: int, sums: Sums, size: int) -> None:
        """Keep sums as of a position unless there are later ones, and let go of the oldest."""
        before = self._kept.get(key)
        if size > self._most or (before is not None and before[0] > at):
            return
        self._size += size - (0 if before is None else before[2])
        self._kept[key] = at, sums, size
        self._kept.move_to_end(key)
        while self._size > self._most or len(self._kept) > MOST_KEPT:
            _, (_, _, gone) = self._kept.popitem(last=False)
            self._size -= gone
