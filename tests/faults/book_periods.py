"""Closed periods told anew: what is dated in one stands before its closing in the log."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from tests.faults.names import PERIOD_CLOSED
from tests.faults.story import Story

DATED = (
    *("payment.completed.v1", "payment.authorized.v1", "payment.approval_requested.v1"),
    *("payment.captured.v1", "wallet.debited.v1", "wallet.credited.v1"),
    *("wallet.hold_captured.v1", "payment.released.v1"),
)
"""What may bear no value date in a closed period: all that statements and totals are made of."""

CODE = "period-closed"

Row = tuple[int, Any, int, str, bytes, bytes, datetime]


@dataclass(slots=True)
class Periods:
    """How far periods are closed, as the order of the log alone decides it."""

    fault: Callable[[str], None]
    through: date | None = None
    closed: int = 0
    refused: int = 0
    backdated: int = 0

    def tell(self, row: Row, fields: Mapping[str, Any], told: Mapping[str, Story]) -> None:
        """Follow one event, before the payments do."""
        position, _, _, topic, _, _, now = row
        if topic == PERIOD_CLOSED:
            self._close(position, date.fromisoformat(fields["through"]), now.date())
        elif topic in DATED:
            at = fields.get("effective_at")
            if self._closes(at):
                self.fault(f"position {position}: {topic} of {at} after that day was closed")
            if topic == "payment.completed.v1" and at is not None:
                self.backdated += datetime.fromisoformat(at).date() < now.date()
        elif fields.get("code") == CODE and topic in ("payment.declined.v1", "request.refused.v1"):
            self._refuse(position, fields, told)

    def _close(self, position: int, day: date, today: date) -> None:
        if day >= today:
            self.fault(f"position {position}: {day} is closed and is not over")
        if self.through is not None and day <= self.through:
            self.fault(f"position {position}: {day} is closed again")
        self.through = day
        self.closed += 1

    def _refuse(self, position: int, fields: Mapping[str, Any], told: Mapping[str, Story]) -> None:
        """Note a refusal for a day that was open."""
        self.refused += 1
        if fields.get("action") == "close-period":
            closed = self.through is not None
        elif (payment := fields.get("payment_id")) is not None:
            story = told.get(payment)
            closed = story is not None and self._closes(story.began.get("effective_at"))
        else:
            closed = self._closes(fields.get("effective_at"))
        if not closed:
            self.fault(f"position {position}: refused for a period that was not closed")

    def _closes(self, effective_at: str | None) -> bool:
        """Whether a value date lies in a closed period."""
        if effective_at is None or self.through is None:
            return False
        return datetime.fromisoformat(effective_at).date() <= self.through
