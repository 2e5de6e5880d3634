"""Counterparties of wallets; those of busy ones are kept and go on with what is recorded later."""

from collections.abc import Sequence
from dataclasses import replace

from infrastructure.report_store.kept_sums import LEAST_MOVEMENTS, KeptSums
from projections.contract import Snapshot
from projections.entries import ENTRIES
from projections.value_dates import VALUE_DATES
from projections.wallet_reports.counterparties import Dealing, Dealings, list_dealt
from projections.wallet_reports.movements import MOST_MOVEMENTS, Period, TooManyMovements

MOST_COUNTERPARTIES = 50_000
"""How many are kept of all wallets together: some 25 MB, and the most that one wallet can have."""


class KeptCounterparties:
    """The counterparties of one ledger's wallets."""

    def __init__(self) -> None:
        """Keep nothing yet."""
        self._kept: KeptSums[Dealings] = KeptSums((ENTRIES, VALUE_DATES), MOST_COUNTERPARTIES)

    async def page(
        self,
        snapshot: Snapshot,
        wallet_id: str,
        period: Period,
        *,
        after: tuple[int, str] | None,
        limit: int,
    ) -> Sequence[Dealing]:
        """Return whom a wallet dealt with, the largest volume first.

        `after` is volume and counterparty of the last one of the page before. It reads entries and
        value dates, so a snapshot must have both as far as the period. Raises `TooManyMovements`.
        """
        asked = (wallet_id, period.since, period.until, period.direction)
        key = await self._kept.key(snapshot, *asked)
        beyond, known = self._kept.find(key, period.at) or (period.beyond, Dealings())
        later = await list_dealt(snapshot, wallet_id, replace(period, beyond=beyond))
        dealings = known.after(later)
        if dealings.movements > MOST_MOVEMENTS:
            raise TooManyMovements
        if dealings.movements >= LEAST_MOVEMENTS:
            self._kept.keep(key, period.at, dealings, len(dealings.order))
        return dealings.page(after, limit)
