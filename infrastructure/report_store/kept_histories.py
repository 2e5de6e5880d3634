"""Balances of wallets along time; those of busy ones are kept and go on with what comes later."""

from collections.abc import Sequence
from dataclasses import dataclass

from infrastructure.report_store.kept_sums import LEAST_MOVEMENTS, KeptSums
from projections.contract import Snapshot
from projections.entries import ENTRIES
from projections.wallet_reports.balance_history import (
    Curve,
    PointRow,
    list_points,
    list_posted,
    opening,
)
from projections.wallet_reports.movements import MOST_MOVEMENTS, TooManyMovements

MOST_MOVEMENTS_KEPT = 500_000
"""How many movements are kept of all wallets together: 16 bytes each."""


@dataclass(frozen=True, slots=True)
class History:
    """What was posted at first, in minor units, and after some of so many movements."""

    opening: int
    movements: int
    points: Sequence[PointRow]


class KeptHistories:
    """The histories of one ledger's wallets."""

    def __init__(self) -> None:
        """Keep nothing yet."""
        self._kept: KeptSums[Curve] = KeptSums((ENTRIES,), MOST_MOVEMENTS_KEPT)

    async def history(
        self, snapshot: Snapshot, wallet_id: str, *, after: int, at: int, points: int
    ) -> History:
        """Return what was posted at a position, and then up to another in so many points at most.

        It reads entries. Raises `TooManyMovements`.
        """
        key = await self._kept.key(snapshot, wallet_id, after)
        beyond, known = self._kept.find(key, at) or (after, Curve())
        curve = known.after(*await list_posted(snapshot, wallet_id, after=beyond, at=at))
        movements = len(curve.positions)
        if movements > MOST_MOVEMENTS:
            raise TooManyMovements
        if movements >= LEAST_MOVEMENTS:
            self._kept.keep(key, at, curve, movements)
        begun = await opening(snapshot, wallet_id, after)
        return History(begun, movements, await list_points(snapshot, curve.drawn(points)))
