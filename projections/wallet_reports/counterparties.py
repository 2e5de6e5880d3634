"""Whom a wallet paid and by whom it was paid, the largest volume first.

Movements are added up here and not where they are read: a busy wallet has as many counterparties
as movements, and sums that are kept go on with the movements that came later.
"""

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

from psycopg import sql

from projections.contract import Snapshot
from projections.wallet_reports.movements import MOVED, Period, parameters

# Amounts are above zero, so the sign tells the direction.
DEALT = sql.SQL("""
    SELECT coalesce(array_agg(counterparty), '{{}}'), coalesce(array_agg(position), '{{}}'),
        coalesce(array_agg(CASE direction WHEN 'debit' THEN -amount ELSE amount END), '{{}}')
    FROM ({moved}) AS moved""").format(moved=MOVED)
RECORDED = "SELECT position, recorded_at FROM entries WHERE position = ANY (%s)"


class Dealing(NamedTuple):
    """What went between a wallet and another one, in minor units.

    `position` is that of the last movement. There are thousands of them at a time, which is why
    they are tuples.
    """

    counterparty: str
    paid_count: int
    paid: int
    received_count: int
    received: int
    position: int

    @property
    def volume(self) -> int:
        """What was paid and received, in minor units."""
        return self.paid + self.received

    def moved(self, position: int, amount: int) -> "Dealing":
        """Return it after a movement; what was paid is below zero."""
        name, paid_count, paid, received_count, received, last = self
        if amount < 0:
            paid_count, paid = paid_count + 1, paid - amount
        else:
            received_count, received = received_count + 1, received + amount
        return Dealing(name, paid_count, paid, received_count, received, max(position, last))


@dataclass(frozen=True, slots=True)
class Dealings:
    """What went between a wallet and all others in so many movements, and in which order."""

    movements: int = 0
    by_counterparty: Mapping[str, Dealing] = field(default_factory=dict)
    order: Sequence[tuple[int, str]] = ()

    def after(self, movements: Iterable[tuple[str, int, int]]) -> "Dealings":
        """Return them after movements: counterparty, position, and amount as `Dealing.moved`."""
        count, moved = self.movements, dict[str, Dealing]()
        for name, position, amount in movements:
            count += 1
            before = moved.get(name) or self.by_counterparty.get(name)
            moved[name] = (before or Dealing(name, 0, 0, 0, 0, 0)).moved(position, amount)
        if not moved:
            return self
        order = [place for place in self.order if place[1] not in moved]
        order += [(-dealing.volume, name) for name, dealing in moved.items()]
        # What is in order already is found to be so, and takes no time.
        order.sort()
        return Dealings(count, {**self.by_counterparty, **moved}, order)

    def page(self, after: tuple[int, str] | None, limit: int) -> list[Dealing]:
        """Return so many, behind a volume and a counterparty, or the first."""
        begin = 0 if after is None else bisect_right(self.order, (-after[0], after[1]))
        return [self.by_counterparty[name] for _, name in self.order[begin : begin + limit]]


async def list_dealt(
    snapshot: Snapshot, wallet_id: str, period: Period
) -> Sequence[tuple[str, int, int]]:
    """Return the movements of a period, one more than `MOST_MOVEMENTS` at most, in no order.

    It reads entries and value dates, so a snapshot must have both as far as the period.
    """
    asked = await parameters(snapshot, wallet_id, period)
    row = await (await snapshot.execute(DEALT, asked)).fetchone()
    assert row is not None, "an aggregate has one row"
    return list(zip(*row, strict=True))


async def list_times(snapshot: Snapshot, positions: Sequence[int]) -> Mapping[int, datetime]:
    """Return when some entries were recorded, by their positions."""
    return dict(await (await snapshot.execute(RECORDED, [list(positions)])).fetchall())
