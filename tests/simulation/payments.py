"""Payments of a simulated world as the amounts of their events add up, by rules of its own."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

Fields = Mapping[str, Any]

Moved = tuple[str, str, str, int]
"""A wallet, the type of its event, for which payment it is, and the amount."""


@dataclass
class Paid:
    """One payment; amounts in minor units. `end` is what has ended a hold."""

    name: str
    kind: str
    source: str
    payee: str
    amount: int
    declined: bool = False
    captured: int = 0
    left: int = 0
    refunded: int = 0
    reversed: bool = False
    expires_at: str = ""
    end: str = ""

    @property
    def refundable(self) -> int:
        """What was paid and can be given back."""
        if self.reversed or self.kind not in {"transfer", "hold"}:
            return 0
        return self.captured - self.refunded

    @property
    def status(self) -> str:
        """The one word for how it stands."""
        if self.declined or self.reversed:
            return "declined" if self.declined else "reversed"
        if self.left:
            return "authorized"
        if not self.captured:
            return {"released": "cancelled", "expired": "expired"}.get(self.end, "nothing")
        if not self.refunded:
            return "completed"
        return "refunded" if self.refunded == self.captured else "partially-refunded"

    def agrees(self, standing: Fields) -> bool:
        """Whether what an event says of the payment is what its events add up to."""
        names = ("status", "amount", "left", "refunded", "refundable")
        told = all(standing.get(name) == getattr(self, name) for name in names)
        return told and standing.get("captured") == (self.captured if self.kind == "hold" else 0)

    def moves(self, what: str, fields: Fields) -> list[Moved]:
        """Return what an event of the payment must move, in a command whole."""
        amount = fields.get("amount", 0)
        match what:
            case "completed":
                return [
                    (self.source, "wallet.debited.v1", self.name, amount),
                    (self.payee, "wallet.credited.v1", self.name, amount),
                ]
            case "authorized" | "increased":
                return [(self.source, "wallet.funds_held.v1", self.name, amount)]
            case "captured":
                rest = (self.source, "wallet.hold_released.v1", self.name, fields["released"])
                return [
                    (self.source, "wallet.hold_captured.v1", self.name, amount),
                    (self.payee, "wallet.credited.v1", self.name, amount),
                    *([rest] if fields["released"] else []),
                ]
            case "released":
                return [(self.source, "wallet.hold_released.v1", self.name, amount)]
        return []

    def go_on(self, what: str, fields: Fields, at: str) -> Iterator[str]:
        """Add an event that is not the first one, and tell what must not have been."""
        steps = {
            "captured": self._capture,
            "released": self._release,
            "increased": self._increase,
            "refunded": self._refund,
            "reversed": self._reverse,
        }
        if what not in steps:
            yield f"{what} once more"
            return
        yield from steps[what](fields, at)
        if not self.agrees(fields["standing"]):
            yield f"it is {self} and the event says {fields['standing']}"

    def _capture(self, fields: Fields, at: str) -> Iterator[str]:
        amount, released = fields["amount"], fields["released"]
        if self.end:
            yield f"captured after it was {self.end}"
        if at >= self.expires_at:
            yield f"captured at {at}, past its end at {self.expires_at}"
        if fields["effective_at"][:10] != at[:10]:
            yield "captured for another day than it is recorded"
        self.captured += amount
        self.left -= amount + released
        if self.captured > self.amount or self.left < 0:
            yield f"{self.captured} captured of {self.amount}, {self.left} left"
        if self.left == 0:
            self.end = "captured"

    def _release(self, fields: Fields, at: str) -> Iterator[str]:
        amount, reason = fields["amount"], fields["reason"]
        if self.end:
            yield f"{reason} after it was {self.end}"
        if (at >= self.expires_at) is not (reason == "expired"):
            yield f"{reason} at {at}, its end being at {self.expires_at}"
        if amount != self.left:
            yield f"frees {amount} of {self.left}"
        self.left, self.end = 0, reason

    def _increase(self, fields: Fields, at: str) -> Iterator[str]:
        if self.end or at >= self.expires_at:
            yield "increased after its end"
        self.amount += fields["amount"]
        self.left += fields["amount"]
        end = fields["standing"]["expires_at"]
        if end < self.expires_at:
            yield "its end has come nearer"
        self.expires_at = end

    def _refund(self, fields: Fields, _at: str) -> Iterator[str]:
        self.refunded += fields["amount"]
        if self.reversed:
            yield "refunded after it was reversed"
        if self.refunded > self.captured:
            yield f"{self.refunded} refunded of {self.captured}"

    def _reverse(self, fields: Fields, _at: str) -> Iterator[str]:
        if self.reversed or self.refunded or self.left:
            yield f"reversed when it was {self.status}"
        if fields["amount"] != self.captured:
            yield f"{fields['amount']} reversed of {self.captured}"
        self.reversed = True


def begun(name: str, what: str, fields: Fields) -> Paid:
    """Return a payment by its first event."""
    paid = Paid(
        name,
        fields["kind"],
        fields["source_wallet_id"],
        fields["destination_wallet_id"],
        fields["amount"],
    )
    if what == "authorized":
        paid.left, paid.expires_at = paid.amount, fields["standing"]["expires_at"]
    elif what == "completed":
        paid.captured = paid.amount
    else:
        paid.declined = True
    return paid
