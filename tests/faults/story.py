"""One payment as its events leave it, and what it asks of wallets."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

Leg = tuple[str, str, int, str]
Due = tuple[str, str, dict[str, Any], str | None]
"""A wallet, the event that must happen to it, what it must say, and the entry's description."""

COUNTED = ("transfer", "split", "hold")
REFUNDABLE = ("transfer", "hold")
OPEN = ("authorized", "awaiting-approval")


@dataclass(slots=True)
class Story:
    """A payment as its events leave it."""

    name: str
    position: int
    recorded_at: datetime
    began: dict[str, Any]
    legs: list[Leg]
    status: str
    amount: int
    began_as: str | None = None
    ended_by: str | None = None
    captured: int = 0
    left: int = 0
    refunded: int = 0
    refundable: int = 0
    expires_at: str | None = None
    counted_on: str | None = None
    counted: int = 0
    approved_by: list[str] = field(default_factory=list)
    failure: str | None = None

    @property
    def kind(self) -> str:
        """What kind of payment it is."""
        return str(self.began["kind"])

    def over(self, now: datetime) -> bool:
        """Whether its time has passed."""
        return self.expires_at is not None and datetime.fromisoformat(self.expires_at) <= now

    def sums(self) -> dict[str, int]:
        """Return what each payer gives."""
        totals: dict[str, int] = {}
        for source, _, amount, _ in self.legs:
            totals[source] = totals.get(source, 0) + amount
        return totals

    def standing(self) -> dict[str, Any]:
        """Return how it stands, as an event must say it."""
        names = (
            *("status", "ended_by", "amount", "captured", "left", "refunded", "refundable"),
            *("expires_at", "counted_on", "counted", "approved_by"),
        )
        return {name: getattr(self, name) for name in names}


def legs_of(fields: Mapping[str, Any]) -> list[Leg]:
    """Return the movements of a payment as it began."""
    names = ("source_wallet_id", "destination_wallet_id", "amount", "currency")
    told = fields.get("legs") or [fields]
    return [tuple(leg[name] for name in names) for leg in told]


def settled(story: Story) -> str:
    """Return the status of a payment that has taken its money."""
    if not story.refunded:
        return "completed"
    return "partially-refunded" if story.refundable else "refunded"


def closed(story: Story, now: datetime) -> str | None:
    """Return why a hold cannot be captured, released or increased any more."""
    if story.status != "authorized":
        return f"goes on after its end as {story.status}"
    return "goes on after its time" if story.over(now) else None


def given_back(story: Story, released: int, now: datetime) -> int:
    """Return what is given back to the limit of the day on which it was placed."""
    same = story.counted_on == now.date().isoformat()
    return min(released, story.counted) if same else 0


@dataclass(slots=True)
class Dues:
    """What must happen to wallets in the same command, and what open payments hold of each."""

    open: Counter[str] = field(default_factory=Counter)
    due: list[Due] = field(default_factory=list)

    def hold(self, story: Story, wallet: str, amount: int, *, described: bool = True) -> None:
        facts = {"payment_id": story.name, "amount": amount, "expires_at": story.expires_at}
        facts["currency"] = story.began["currency"]
        text = story.began.get("description") if described else None
        self.open[wallet] += amount
        self.due.append((wallet, "wallet.funds_held.v1", facts, text))

    def free(self, story: Story, reason: str, now: datetime) -> None:
        if story.status == "authorized":
            back = given_back(story, story.left, now)
            self.released(story, story.legs[0][0], story.left, reason, back)
            return
        counts = story.counted_on == now.date().isoformat()
        for wallet, amount in story.sums().items():
            self.released(story, wallet, amount, reason, amount if counts else 0)

    def released(self, story: Story, wallet: str, amount: int, reason: str, back: int) -> None:
        facts = {"payment_id": story.name, "amount": amount, "reason": reason}
        facts |= {"currency": story.began["currency"], "given_back": back}
        text = story.began.get("description") if reason == "captured" else None
        self.open[wallet] -= amount
        self.due.append((wallet, "wallet.hold_released.v1", facts, text))

    def captured(self, story: Story, source: str, payee: str, amount: int, at: str) -> None:
        self.open[source] -= amount
        facts = self._facts(story, amount, at)
        text = story.began.get("description")
        out = facts | {"counterparty": payee}
        self.due.append((source, "wallet.hold_captured.v1", out, text))
        self.due.append((payee, "wallet.credited.v1", facts | {"counterparty": source}, text))

    def pay(self, story: Story, at: str) -> None:
        counted = None if story.kind in COUNTED else 0
        text = story.began.get("description")
        for source, payee, amount, _ in story.legs:
            facts = self._facts(story, amount, at)
            out = facts | {"counterparty": payee, "counted": counted}
            self.due.append((source, "wallet.debited.v1", out, text))
            self.due.append((payee, "wallet.credited.v1", facts | {"counterparty": source}, text))

    def _facts(self, story: Story, amount: int, at: str) -> dict[str, Any]:
        currency = story.began["currency"]
        return {
            "payment_id": story.name,
            "amount": amount,
            "currency": currency,
            "effective_at": at,
        }
