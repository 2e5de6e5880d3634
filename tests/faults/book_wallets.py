"""Wallets as their events leave them: what they have, hold and may, and who belongs to them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

EFFECTS = {
    "wallet.debited.v1": (-1, 0, "debit"),
    "wallet.credited.v1": (1, 0, "credit"),
    "wallet.funds_held.v1": (0, 1, None),
    "wallet.hold_captured.v1": (-1, -1, "debit"),
    "wallet.hold_released.v1": (0, -1, None),
}
"""What an amount does to posted and to held, and in which direction money moved."""

FROZEN = {"wallet.frozen.v1": True, "wallet.unfrozen.v1": False}


@dataclass(slots=True)
class Wallet:
    """A wallet; `row` is what the read model must say of its opening."""

    balance: int
    limit: int | None
    row: Mapping[str, Any]
    position: int
    held: int = 0
    members: dict[str, str] = field(default_factory=dict)
    frozen: dict[str, bool] = field(default_factory=dict)
    closed: bool = False
    per_payment: int | None = None
    per_day: int | None = None
    approvals: tuple[int, int] = (0, 0)
    spent_on: date | None = None
    spent: int = 0

    @property
    def stopped(self) -> bool:
        """Whether nothing may leave it."""
        return self.closed or any(self.frozen.values())

    def affords(self, amount: int) -> bool:
        """Whether so much may leave, or be held, without passing the overdraft limit."""
        return self.limit is None or self.balance - self.held - amount >= -self.limit

    def keeps_to_limits(self, amount: int, today: date) -> bool:
        """Whether a payment of so much keeps to the limits of a payment and of the day."""
        if self.per_payment is not None and amount > self.per_payment:
            return False
        spent = self.spent if self.spent_on == today else 0
        return self.per_day is None or spent + amount <= self.per_day

    def count(self, amount: int, today: date) -> None:
        """Count what leaves, or comes free again, against the limit of the day."""
        if amount:
            self.spent = amount + (self.spent if self.spent_on == today else 0)
            self.spent_on = today

    def follow(self, topic: str, fields: dict[str, Any], today: date) -> str | None:
        """Count an event against the limit of the day, which nothing that counts may pass."""
        if topic == "wallet.hold_released.v1":
            self.count(-fields["given_back"], today)
            return None
        counted = fields.get("counted")
        if topic not in ("wallet.debited.v1", "wallet.funds_held.v1") or counted == 0:
            return None
        self.count(fields["amount"], today)
        if self.per_day is not None and self.spent > self.per_day:
            return f"gave {self.spent} on {today}"
        return None

    def awaits(self, amount: int) -> bool:
        """Whether a payment of so much needs other owners."""
        required, above = self.approvals
        return required > 0 and amount > above

    def change(self, topic: str, fields: dict[str, Any]) -> str | None:
        """Follow an event that moves no money; return what is wrong with it."""
        if topic == "wallet.overdraft_limit_changed.v1":
            self.limit = fields["overdraft_limit"]
            return None if self.affords(0) else "has an overdraft limit below what it uses"
        if topic in FROZEN:
            self.frozen[fields["side"]] = FROZEN[topic]
        elif topic == "wallet.closed.v1":
            self.closed = True
            if self.balance or self.held:
                return f"was closed with {self.balance} and {self.held} held"
        elif topic == "wallet.limits_changed.v1":
            self.per_payment, self.per_day = fields["per_payment"], fields["per_day"]
        elif topic == "wallet.approvals_changed.v1":
            self.approvals = fields["required"], fields["above"]
        elif topic == "wallet.member_added.v1":
            self.members[fields["user_id"]] = fields["role"]
        elif topic == "wallet.member_removed.v1":
            del self.members[fields["user_id"]]
        else:
            return f"has an event of the unknown type {topic}"
        return None if "owner" in self.members.values() or not self.members else "has no owner"
