"""Flows of busy wallets, kept as of a position, so that only what came later is added up.

What is recorded up to a position never changes, and neither does what tells its category. So the
sums of a period as of one position are those as of a later one but for the movements between.
"""

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from projections.balances import BALANCES
from projections.contract import Snapshot
from projections.entries import ENTRIES
from projections.payments import PAYMENTS
from projections.value_dates import VALUE_DATES
from projections.wallet_reports import (
    MOST_MOVEMENTS,
    FlowRow,
    Period,
    TooManyMovements,
    list_flows,
)

LEAST_MOVEMENTS = 500
"""With fewer of them it is not worth while to keep their sums."""

MOST_ROWS = 500
MOST_KEPT = 200

# Which rows there are: a read model that is built again has other files, and whoever recovers a
# ledger begins another epoch.
ROWS = """
    SELECT array_agg((store, epoch, version)::text ORDER BY projection),
        (SELECT array_agg(pg_relation_filenode(t.named::regclass) ORDER BY t.named)
         FROM unnest(%s::text[]) AS t (named))
    FROM checkpoint WHERE projection = ANY (%s)"""
READ = (BALANCES, ENTRIES, PAYMENTS, VALUE_DATES)
_NAMES = [[table for each in READ for table in each.tables], [each.name for each in READ]]

Key = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class _Sums:
    at: int
    movements: int
    rows: Sequence[FlowRow]


class KeptFlows:
    """The flows of one ledger; those asked for last are kept."""

    def __init__(self, references: Sequence[str]) -> None:
        """Take the references of system wallets by which flows are told apart."""
        self._references = references
        self._kept: OrderedDict[Key, _Sums] = OrderedDict()

    async def flows(self, snapshot: Snapshot, wallet_id: str, period: Period) -> Sequence[FlowRow]:
        """Return what `list_flows` does, and raise what it raises."""
        row = await (await snapshot.execute(ROWS, _NAMES)).fetchone()
        key = (repr(row), wallet_id, period.since, period.until, period.direction)
        known = self._kept.get(key)
        if known is not None and known.at <= period.at:
            period = replace(period, beyond=known.at)
        else:
            known = None
        later = await list_flows(snapshot, wallet_id, period, self._references)
        sums = _together(known, later, period.at)
        if sums.movements > MOST_MOVEMENTS:
            raise TooManyMovements
        self._keep(key, sums)
        return sums.rows

    def _keep(self, key: Key, sums: _Sums) -> None:
        before = self._kept.get(key)
        if before is not None and before.at > sums.at:
            return
        if sums.movements >= LEAST_MOVEMENTS and len(sums.rows) <= MOST_ROWS:
            self._kept[key] = sums
            self._kept.move_to_end(key)
            while len(self._kept) > MOST_KEPT:
                self._kept.popitem(last=False)


def _together(known: _Sums | None, later: Sequence[FlowRow], at: int) -> _Sums:
    movements = later[0].movements if later else 0
    if known is None:
        return _Sums(at, movements, later)
    found = {_named(row): row for row in known.rows}
    for row in later:
        before = found.get(_named(row), replace(row, count=0, amount=Decimal()))
        count, amount = before.count + row.count, before.amount + row.amount
        found[_named(row)] = replace(row, count=count, amount=amount)
    return _Sums(at, known.movements + movements, list(found.values()))


def _named(row: FlowRow) -> Key:
    return row.month, row.direction, row.category, row.kind, row.counterparty
