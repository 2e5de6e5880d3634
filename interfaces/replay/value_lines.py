"""What movements ask for in the read model of value dates."""

from typing import LiteralString

from interfaces.replay.rows_in_order import Row, RowsInOrder
from interfaces.replay.stored import Moved, Stored

VALUE_DAYS: LiteralString = """
SELECT position, wallet_id, value_date::text FROM value_days
WHERE position <= %s ORDER BY position"""
VALUE_DAY_FIELDS = ("position", "wallet_id", "value_date")
LATE_ENTRIES: LiteralString = """
SELECT position, wallet_id, value_date::text, amount FROM late_entries
WHERE position <= %s ORDER BY position"""
LATE_ENTRY_FIELDS = ("position", "wallet_id", "value_date", "amount")


class ValueDates:
    """Follows the latest value date of each wallet; memory grows with wallets."""

    def __init__(self, days: RowsInOrder, late: RowsInOrder, until: int) -> None:
        """Take the rows of both tables, which are compared up to a position."""
        self._days = days
        self._late = late
        self._until = until
        self._latest: dict[str, str] = {}

    def add(self, event: Stored, moved: Moved) -> None:
        """Compare what a movement asks for; one that only holds money asks for nothing."""
        if moved.effective_at is None or event.position > self._until:
            return
        day, latest = moved.effective_at[:10], self._latest.get(event.name, "")
        row: Row = (event.position, event.name, day)
        if day > latest:
            self._latest[event.name] = day
            self._days.expect(row)
        elif day < latest:
            credit = event.type == "wallet.credited.v1"
            self._late.expect((*row, moved.amount if credit else -moved.amount))

    def end(self) -> None:
        """Report the rows behind the last that a movement asks for."""
        self._days.end()
        self._late.end()
