"""Flows of wallets; those of busy ones are kept and go on with what is recorded later."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from infrastructure.report_store.kept_sums import LEAST_MOVEMENTS, KeptSums
from projections.balances import BALANCES
from projections.contract import Snapshot
from projections.entries import ENTRIES
from projections.payments import PAYMENTS
from projections.value_dates import VALUE_DATES
from projections.wallet_reports.cash_flow import FlowRow, list_flows
from projections.wallet_reports.movements import MOST_MOVEMENTS, Period, TooManyMovements

MOST_ROWS = 100_000
"""How many rows are kept of all wallets together: some 30 MB."""

READ = (BALANCES, ENTRIES, PAYMENTS, VALUE_DATES)


@dataclass(frozen=True, slots=True)
class _Flows:
    movements: int
    rows: Sequence[FlowRow]


class KeptFlows:
    """The flows of one ledger's wallets. What tells a movement's category never changes either."""

    def __init__(self, references: Sequence[str]) -> None:
        """Take the references of system wallets by which flows are told apart."""
        self._references = references
        self._kept: KeptSums[_Flows] = KeptSums(READ, MOST_ROWS)

    async def flows(self, snapshot: Snapshot, wallet_id: str, period: Period) -> Sequence[FlowRow]:
        """Return what `list_flows` does, and raise what it raises."""
        asked = (wallet_id, period.since, period.until, period.direction)
        key = await self._kept.key(snapshot, *asked)
        beyond, known = self._kept.find(key, period.at) or (period.beyond, None)
        later = await list_flows(
            snapshot, wallet_id, replace(period, beyond=beyond), self._references
        )
        flows = _together(known, later)
        if flows.movements > MOST_MOVEMENTS:
            raise TooManyMovements
        if flows.movements >= LEAST_MOVEMENTS:
            self._kept.keep(key, period.at, flows, len(flows.rows))
        return flows.rows


def _together(known: _Flows | None, later: Sequence[FlowRow]) -> _Flows:
    movements = later[0].movements if later else 0
    if known is None:
        return _Flows(movements, later)
    found = {_named(row): row for row in known.rows}
    for row in later:
        before = found.get(_named(row), replace(row, count=0, amount=Decimal()))
        count, amount = before.count + row.count, before.amount + row.amount
        found[_named(row)] = replace(row, count=count, amount=amount)
    return _Flows(known.movements + movements, list(found.values()))


def _named(row: FlowRow) -> tuple[Any, ...]:
    return row.month, row.direction, row.category, row.kind, row.counterparty
