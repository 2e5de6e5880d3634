"""A payment as an outsider folds it: from the amounts of all its events, not from one of them."""

from dataclasses import dataclass, field
from typing import Any

BEGINNINGS = frozenset(
    f"payment.{name}.v1" for name in ("completed", "declined", "authorized", "approval_requested")
)


@dataclass
class FoldedPayment:
    """What the events read so far add up to; amounts in minor units."""

    kind: str = ""
    amount: int = 0
    status: str = ""
    captured: int = 0
    left: int = 0
    refunded: int = 0
    reversed: bool = False
    freed_last: int = 0
    agreed: list[str] = field(default_factory=list)

    @property
    def refundable(self) -> int:
        """What has been paid and not been given back, of what can be given back."""
        if self.reversed or self.kind not in {"transfer", "hold"}:
            return 0
        return self.captured - self.refunded

    def read(self, type_name: str, fields: dict[str, Any]) -> None:
        """Add one more event, and hold what it says of the standing against the sum."""
        self.freed_last = 0
        if not self.kind:
            assert type_name in BEGINNINGS, "a payment begins with its beginning"
            self.kind, self.amount = fields["kind"], fields["amount"]
        _ADD[type_name](self, fields)
        standing = fields.get("standing")
        if standing is not None:
            found = {name: standing[name] for name in self.shown()}
            assert found == self.shown(), (type_name, found, self.shown())

    def shown(self) -> dict[str, Any]:
        """Return what a standing tells, as far as amounts and statuses go."""
        return {
            "status": self.status,
            "amount": self.amount,
            "left": self.left,
            "refunded": self.refunded,
            "refundable": self.refundable,
            "approved_by": self.agreed,
        }

    def _settle(self, unpaid: str) -> None:
        if self.left:
            return
        if not self.captured:
            self.status = unpaid
        elif not self.refunded:
            self.status = "completed"
        else:
            whole = self.refunded == self.captured
            self.status = "refunded" if whole else "partially-refunded"

    def _completed(self, _fields: dict[str, Any]) -> None:
        self.status, self.captured = "completed", self.amount

    def _declined(self, _fields: dict[str, Any]) -> None:
        self.status = "declined"

    def _authorized(self, _fields: dict[str, Any]) -> None:
        self.status, self.left = "authorized", self.amount

    def _asked(self, _fields: dict[str, Any]) -> None:
        self.status = "awaiting-approval"

    def _approved(self, fields: dict[str, Any]) -> None:
        self.agreed.append(fields["by"])

    def _rejected(self, _fields: dict[str, Any]) -> None:
        self.status, self.freed_last = "declined", self.amount

    def _increased(self, fields: dict[str, Any]) -> None:
        self.amount += fields["amount"]
        self.left += fields["amount"]

    def _captured(self, fields: dict[str, Any]) -> None:
        self.captured += fields["amount"]
        self.freed_last = fields["released"]
        self.left -= fields["amount"] + fields["released"]
        self._settle("")

    def _released(self, fields: dict[str, Any]) -> None:
        waited = self.status == "awaiting-approval"
        assert fields["amount"] == (self.amount if waited else self.left)
        self.freed_last, self.left = fields["amount"], 0
        self._settle({"released": "cancelled", "expired": "expired"}[fields["reason"]])

    def _refunded(self, fields: dict[str, Any]) -> None:
        self.refunded += fields["amount"]
        self._settle("")

    def _reversed(self, fields: dict[str, Any]) -> None:
        assert fields["amount"] == self.captured, "a reversal is the exact opposite"
        self.reversed, self.status = True, "reversed"


_ADD = {
    "payment.completed.v1": FoldedPayment._completed,
    "payment.declined.v1": FoldedPayment._declined,
    "payment.authorized.v1": FoldedPayment._authorized,
    "payment.approval_requested.v1": FoldedPayment._asked,
    "payment.approved.v1": FoldedPayment._approved,
    "payment.rejected.v1": FoldedPayment._rejected,
    "payment.increased.v1": FoldedPayment._increased,
    "payment.captured.v1": FoldedPayment._captured,
    "payment.released.v1": FoldedPayment._released,
    "payment.refunded.v1": FoldedPayment._refunded,
    "payment.reversed.v1": FoldedPayment._reversed,
}
