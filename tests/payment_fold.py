"""Payments as an outsider adds them up from their events, never from how an event says they stand.

What cannot be added up, which is until when a payment waits, is taken from the event.
"""

from collections import defaultdict
from datetime import date, datetime
from typing import Any

Told = dict[str, Any]
Row = tuple[Any, ...]

COLUMNS = (
    "position, payment_id, amount, available, recorded_at, effective_at, source_wallet_id,"
    " destination_wallet_id, kind, status, currency, failure_code, description, reference,"
    " metadata, began_as, captured, uncaptured, refunded, refundable, expires_at,"
    " original_payment_id, requested_by, approved_by, quorums"
)
BEGINNINGS = {
    "completed": "completed",
    "declined": "declined",
    "authorized": "authorized",
    "approval_requested": "awaiting-approval",
}


class PaymentFold:
    """All payments, their legs and steps, and what came of them day by day."""

    def __init__(self) -> None:
        self.known: dict[str, Told] = {}
        self.legs: list[Row] = []
        self.steps: list[Row] = []
        self.days: dict[tuple[date, str, str], dict[str, int]] = defaultdict(
            lambda: {"count": 0, "volume": 0, "declined": 0}
        )
        self.declined: dict[tuple[date, str, str, str], list[int]] = defaultdict(list)

    def add(
        self, position: int, payment: str, version: int, what: str, told: Told, at: datetime
    ) -> None:
        """Add an event of a payment, whose type is `payment.WHAT.v1`."""
        step = self._begin if version == 1 else self._go_on
        step(position, payment, what, told, at)
        self._count(self.known[payment], what, told, at)

    def rows(self) -> list[Row]:
        return [tuple(payment.values()) for payment in self.known.values()]

    def _begin(self, position: int, name: str, what: str, told: Told, at: datetime) -> None:
        asked = told.get("quorums")
        self.known[name] = {
            "position": position,
            "payment_id": name,
            "amount": told["amount"],
            "available": told.get("available"),
            "recorded_at": at,
            "effective_at": moment(told["effective_at"]) or at,
            "source_wallet_id": told["source_wallet_id"],
            "destination_wallet_id": told["destination_wallet_id"],
            "kind": told["kind"],
            "status": BEGINNINGS[what],
            "currency": told["currency"],
            "failure_code": told.get("code"),
            "description": told["description"],
            "reference": told["reference"],
            "metadata": told["metadata"],
            "began_as": None,
            "captured": 0,
            "uncaptured": told["amount"] if what == "authorized" else 0,
            "refunded": 0,
            "refundable": refundable(what, told),
            "expires_at": until(told),
            "original_payment_id": told.get("original_payment_id"),
            "requested_by": told.get("requested_by"),
            "approved_by": None if asked is None else [],
            "quorums": asked and {each["wallet_id"]: each["required"] for each in asked},
        }
        for number, leg in enumerate(told.get("legs") or []):
            wallets = (leg["source_wallet_id"], leg["destination_wallet_id"])
            self.legs.append((name, number, position, leg["amount"], *wallets, leg["currency"]))

    def _go_on(self, position: int, name: str, what: str, told: Told, at: datetime) -> None:
        payment = self.known[name]
        payment["began_as"] = payment["began_as"] or payment["status"]
        amount = told.get("amount")
        match what:
            case "approved":
                payment["approved_by"] = [*payment["approved_by"], told["by"]]
            case "rejected":
                payment.update(status="declined", failure_code="approval-rejected")
            case "completed":
                payment.update(status="completed", expires_at=None)
                payment["refundable"] = refundable(what, told)
            case "authorized":
                payment.update(status="authorized", uncaptured=amount)
            case "increased":
                payment["amount"] += amount
                payment["uncaptured"] += amount
                payment["expires_at"] = until(told)
            case "captured":
                payment["captured"] += amount
                payment["refundable"] += amount
                payment["uncaptured"] -= amount + told["released"]
                payment["status"] = settled(payment)
            case "released":
                payment["uncaptured"] = 0
                unpaid = {"released": "cancelled", "expired": "expired"}[told["reason"]]
                payment["status"] = settled(payment) if payment["captured"] else unpaid
            case "refunded":
                payment["refunded"] += amount
                payment["refundable"] -= amount
                payment["status"] = settled(payment)
            case _:
                assert what == "reversed", what
                payment.update(status="reversed", refundable=0)
        effective_at = moment(told.get("effective_at")) or at
        self.steps.append((position, name, payment["status"], amount, at, effective_at))

    def _count(self, payment: Told, what: str, told: Told, at: datetime) -> None:
        if what in ("declined", "rejected"):
            key = (at.date(), payment["currency"], payment["kind"])
            self.days[key]["declined"] += 1
            self.declined[*key, payment["failure_code"]].append(payment["amount"])
            return
        volume = told["amount"] if what == "completed" else 0
        if what in ("captured", "released") and payment["uncaptured"] == 0:
            volume = payment["captured"]
        if volume:
            day = moment(told["effective_at"])
            assert day is not None
            total = self.days[day.date(), payment["currency"], payment["kind"]]
            total["count"] += 1
            total["volume"] += volume


def refundable(what: str, told: Told) -> int:
    return int(told["amount"]) if what == "completed" and told["kind"] == "transfer" else 0


def settled(payment: Told) -> str:
    """Return how a payment stands that has taken money, by what is left and what was given back."""
    if payment["uncaptured"]:
        return "authorized"
    if payment["refunded"] == 0:
        return "completed"
    return "partially-refunded" if payment["refundable"] else "refunded"


def until(told: Told) -> datetime | None:
    """Return until when a payment waits."""
    return moment((told.get("standing") or {}).get("expires_at"))


def moment(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)
