"""Schedules and payment requests as an outsider folds them: each date ends once, and in order."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.property.folded_payments import FoldedPayment

TRIES = 3
ENDINGS = {
    "schedule.occurred.v1": "paid",
    "schedule.occurrence_given_up.v1": "given up",
    "schedule.occurrence_skipped.v1": "skipped",
}
PAID = {"completed", "awaiting-approval"}


@dataclass
class FoldedSchedule:
    """What the events read so far add up to; days are text, whose order is that of time."""

    began: dict[str, Any] = field(default_factory=dict)
    status: str = ""
    next_on: str | None = None
    retry_on: str | None = None
    attempt: int = 1
    ended: dict[str, str] = field(default_factory=dict)
    tried: dict[str, list[str]] = field(default_factory=dict)
    """On which days each date was tried."""

    paid: set[str] = field(default_factory=set)

    @property
    def due(self) -> tuple[str, str, int] | None:
        """When something is to be done next, for which date, and which try it is."""
        if self.status != "active" or self.next_on is None:
            return None
        return self.retry_on or self.next_on, self.next_on, self.attempt

    def read(
        self,
        type_name: str,
        fields: dict[str, Any],
        today: str,
        payments: Mapping[str, FoldedPayment],
    ) -> None:
        """Add one more event of a day; what it pays has been read before it."""
        assert self.status != "deleted", "nothing follows the end"
        if type_name == "schedule.created.v1":
            self.began = fields
        elif "occur" in type_name:
            self._occurred(type_name, fields, today, payments)
        standing = fields["standing"]
        assert standing["done"] == len(self.ended), "what is over is counted"
        following = standing["next_on"]
        if following is not None:
            assert following not in self.ended
            assert following > max(self.ended, default=""), "dates come in their order"
        assert (following is None) is (standing["status"] in {"ended", "deleted"})
        self.status, self.next_on = standing["status"], following
        self.retry_on, self.attempt = standing["retry_on"], standing["attempt"]

    def _occurred(
        self,
        type_name: str,
        fields: dict[str, Any],
        today: str,
        payments: Mapping[str, FoldedPayment],
    ) -> None:
        on, name = fields["on"], fields.get("payment_id")
        assert self.status == "active", "nothing comes of a schedule that rests"
        assert on == self.next_on, "the next date is the one that is tried"
        assert on <= today, "nothing comes early"
        days = self.tried.setdefault(on, [])
        assert today not in days, "one try a day"
        days.append(today)
        assert len(days) <= TRIES, "there is no end of trying"
        if name is not None:
            assert name not in self.paid, "a date is paid once"
            self.paid.add(name)
            payment = payments[name]
            assert payment.amount == self.began["amount"]
            done = payment.status in PAID
            assert done is (type_name == "schedule.occurred.v1"), "paid or declined, as it is told"
        if type_name in ENDINGS:
            self.ended[on] = ENDINGS[type_name]
        else:
            assert fields["standing"]["retry_on"] > today, "it is tried again on a later day"


@dataclass
class FoldedRequest:
    """What the events read so far add up to."""

    began: dict[str, Any] = field(default_factory=dict)
    status: str = ""

    def read(
        self,
        type_name: str,
        fields: dict[str, Any],
        recorded_at: str,
        payments: Mapping[str, FoldedPayment],
    ) -> None:
        """Add one more event; there is one more at most, and in time."""
        if type_name == "payment_request.created.v1":
            assert not self.began
            self.began = fields
        else:
            assert self.status == "open", "a request ends once"
            assert recorded_at < self.began["expires_at"], "a request ends in time"
        standing = fields["standing"]
        self.status = standing["status"]
        if self.status == "accepted":
            payment = payments[standing["payment_id"]]
            assert payment.amount == self.began["amount"]
            assert payment.status in PAID
