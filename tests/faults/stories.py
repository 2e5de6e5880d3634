"""Payments told anew from their events: holds, captures, refunds, reversals and approvals.

What each event says of how a payment stands is not believed but worked out a second time, and so
is what must happen to wallets beside it.
"""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from tests.faults.book_wallets import Wallet
from tests.faults.names import identifier
from tests.faults.story import (
    COUNTED,
    OPEN,
    REFUNDABLE,
    Dues,
    Story,
    closed,
    given_back,
    legs_of,
    settled,
)

Row = tuple[int, Any, int, str, bytes, bytes, datetime]


@dataclass(slots=True)
class Stories:
    """All payments; `dues` are the wallets' events that must follow in the same command."""

    fault: Callable[[str], None]
    wallets: Mapping[str, Wallet]
    days: dict[tuple[date, str, str], list[int]]
    told: dict[str, Story] = field(default_factory=dict)
    dues: Dues = field(default_factory=Dues)
    legs: list[tuple[Any, ...]] = field(default_factory=list)
    step: tuple[Any, ...] | None = None
    counts: Counter[str] = field(default_factory=Counter)
    _undoing: tuple[str, str, int, str] | None = None

    def tell(self, row: Row, fields: dict[str, Any]) -> None:
        """Follow one event of a payment."""
        position, stream, version, topic, _, _, now = row
        name, word = identifier("pay", stream), topic.split(".")[1]
        self.counts[word] += 1
        self.step = None
        self.legs = []
        if version == 1:
            self._begin(row, name, word, fields)
            return
        story = self.told.get(name)
        steps = {
            "completed": self._carry_out,
            "authorized": self._carry_out,
            "approved": self._approve,
            "rejected": self._reject,
            "increased": self._increase,
            "captured": self._capture,
            "released": self._release,
            "refunded": self._refund,
            "reversed": self._reverse,
        }
        if story is None or word not in steps:
            self.fault(f"position {position}: {topic} of a payment that never began so")
            return
        story.began_as = story.began_as or story.status
        wrong = steps[word](story, fields, now)
        if wrong is not None:
            self.fault(f"position {position}: {name} {wrong}")
        self._stands(position, story, fields)
        effective = fields.get("effective_at")
        at = now if effective is None else datetime.fromisoformat(effective)
        self.step = (position, name, story.status, fields.get("amount"), now, at)

    def end(self, position: int) -> None:
        """Say what is missing when a command ends."""
        if self._undoing is not None:
            self.fault(f"position {position}: {self._undoing[3]} gives back and nothing is told")
            self._undoing = None

    def overdue(self, now: datetime) -> list[Story]:
        """Return what has run out and still waits."""
        return [s for s in self.told.values() if s.status in OPEN and s.over(now)]

    def _begin(self, row: Row, name: str, word: str, fields: dict[str, Any]) -> None:
        position, now = row[0], row[6]
        story = Story(name, position, now, fields, legs_of(fields), "completed", fields["amount"])
        self.told[name] = story
        self.legs = [
            (name, place, position, amount, source, payee, currency)
            for place, (source, payee, amount, currency) in enumerate(story.legs)
            if fields.get("legs")
        ]
        if word == "declined":
            story.status, story.failure = "declined", fields["code"]
            self._day(now.date(), story)[2] += 1
            self._declined(position, story, now.date())
            return
        if story.kind in COUNTED:
            self._permitted(position, story, word)
        if word == "completed":
            if story.kind in REFUNDABLE:
                story.refundable = story.amount
            self.dues.pay(story, fields["effective_at"])
            self._completed(story, fields["effective_at"], story.amount)
            if story.kind in ("refund", "reversal"):
                original = fields["original_payment_id"]
                self._undoing = original, story.kind, story.amount, name
            return
        story.status = "authorized" if word == "authorized" else "awaiting-approval"
        story.left = story.amount if word == "authorized" else 0
        story.expires_at = fields["standing"]["expires_at"]
        story.counted_on, story.counted = now.date().isoformat(), story.amount
        if story.over(now):
            self.fault(f"position {position}: {name} was over when it began")
        for wallet, amount in story.sums().items():
            self.dues.hold(story, wallet, amount)
        self._stands(position, story, fields)

    def _stands(self, position: int, story: Story, fields: dict[str, Any]) -> None:
        told = fields.get("standing")
        if told is None:
            return
        for name, value in story.standing().items():
            if told[name] != value:
                said = f"{told[name]!r} in its event and must be {value!r}"
                self.fault(f"position {position}: {name} of {story.name} is {said}")

    def _permitted(self, position: int, story: Story, word: str) -> None:
        for name, amount in story.sums().items():
            wallet = self.wallets[name]
            if wallet.per_payment is not None and amount > wallet.per_payment:
                self.fault(f"position {position}: {story.name} passes the limit of a payment")
            if wallet.awaits(amount) and word != "approval_requested":
                self.fault(f"position {position}: {story.name} did not wait for other owners")

    def _declined(self, position: int, story: Story, today: date) -> None:
        code, sums = story.failure, story.sums().items()
        wallets = self.wallets
        if code == "insufficient-funds" and all(wallets[w].affords(a) for w, a in sums):
            self.fault(f"position {position}: declined for want of money that was there")
        if code == "wallet-frozen" and not any(any(wallets[w].frozen.values()) for w, _ in sums):
            self.fault(f"position {position}: declined as frozen and was not")
        if code == "limit-exceeded" and all(wallets[w].keeps_to_limits(a, today) for w, a in sums):
            self.fault(f"position {position}: declined for a limit that it kept to")

    def _approve(self, story: Story, fields: dict[str, Any], now: datetime) -> str | None:
        wrong = self._decider(story, fields["by"], now)
        if fields["by"] in story.approved_by:
            wrong = wrong or "was approved twice by one owner"
        story.approved_by.append(fields["by"])
        return wrong

    def _reject(self, story: Story, fields: dict[str, Any], now: datetime) -> str | None:
        wrong = self._decider(story, fields["by"], now)
        self.dues.free(story, "rejected", now)
        story.status, story.counted, story.failure = "declined", 0, "approval-rejected"
        self._day(now.date(), story)[2] += 1
        return wrong

    def _decider(self, story: Story, by: str, now: datetime) -> str | None:
        if story.status != "awaiting-approval" or story.over(now):
            return "was decided on and did not wait"
        if by == story.began["requested_by"]:
            return "was decided on by who asked for it"
        quorums = story.began["quorums"]
        if not any(self.wallets[q["wallet_id"]].members.get(by) == "owner" for q in quorums):
            return "was decided on by who owns none of its wallets"
        return None

    def _carry_out(self, story: Story, fields: dict[str, Any], now: datetime) -> str | None:
        wrong = None
        if story.status != "awaiting-approval" or story.over(now):
            wrong = "was carried out and did not wait"
        for quorum in story.began.get("quorums", ()):
            members = self.wallets[quorum["wallet_id"]].members
            agreed = sum(members.get(by) == "owner" for by in story.approved_by)
            if agreed < quorum["required"]:
                wrong = wrong or f"was carried out with {agreed} of {quorum['required']} owners"
        if story.kind == "hold":
            story.status, story.left = "authorized", story.amount
            return wrong
        story.status, story.expires_at = "completed", None
        story.counted_on, story.counted = None, 0
        story.refundable = story.amount if story.kind in REFUNDABLE else 0
        for source, payee, amount, _ in story.legs:
            self.dues.captured(story, source, payee, amount, fields["effective_at"])
        self._completed(story, fields["effective_at"], story.amount)
        return wrong

    def _increase(self, story: Story, fields: dict[str, Any], now: datetime) -> str | None:
        wrong, today = closed(story, now), now.date()
        amount, wallet = fields["amount"], story.legs[0][0]
        if not self.wallets[wallet].keeps_to_limits(amount, today):
            wrong = wrong or "was increased past a limit"
        ends = fields["standing"]["expires_at"]
        if ends < (story.expires_at or ends):
            wrong = wrong or "was shortened"
        story.expires_at = ends
        story.amount, story.left = story.amount + amount, story.left + amount
        day = today.isoformat()
        story.counted = amount + (story.counted if story.counted_on == day else 0)
        story.counted_on = day
        self.dues.hold(story, wallet, amount, described=False)
        return wrong

    def _capture(self, story: Story, fields: dict[str, Any], now: datetime) -> str | None:
        wrong = closed(story, now)
        amount, rest = fields["amount"], fields["released"]
        if amount + rest > story.left or rest not in (0, story.left - amount):
            wrong = (
                wrong or f"has {story.left} left, of which {amount} were captured and {rest} freed"
            )
        back = given_back(story, rest, now)
        story.captured, story.left = story.captured + amount, story.left - amount - rest
        story.refundable += amount
        story.counted = min(story.counted - back, story.left)
        if story.left == 0:
            story.ended_by, story.status = "captured", settled(story)
            self._completed(story, fields["effective_at"], story.captured)
        source, payee = story.legs[0][:2]
        self.dues.captured(story, source, payee, amount, fields["effective_at"])
        if rest:
            self.dues.released(story, source, rest, "captured", back)
        return wrong

    def _release(self, story: Story, fields: dict[str, Any], now: datetime) -> str | None:
        waited, reason = story.status == "awaiting-approval", fields["reason"]
        wrong = closed(story, now)
        if reason == "expired":
            self.counts["expired"] += 1
            wrong = None if story.status in OPEN else "was released after its end"
            if not story.over(now):
                wrong = wrong or "expired before its time"
        free = story.amount if waited else story.left
        if fields["amount"] != free:
            wrong = wrong or f"was released by {fields['amount']} where {free} were held"
        self.dues.free(story, reason, now)
        unpaid = "expired" if reason == "expired" else "cancelled"
        story.status = settled(story) if story.captured else unpaid
        story.ended_by = None if waited else reason
        story.left = story.counted = 0
        if story.ended_by and story.captured:
            self._completed(story, fields["effective_at"], story.captured)
        return wrong

    def _refund(self, story: Story, fields: dict[str, Any], _now: datetime) -> str | None:
        beside = self._undone(story, "refund", fields["refund_payment_id"], fields["amount"])
        wrong: str | None = None
        paid = story.refunded + story.refundable
        if story.status == "reversed":
            wrong = wrong or "was refunded after its reversal"
        story.refunded += fields["amount"]
        story.refundable -= fields["amount"]
        if story.refunded > paid:
            wrong = wrong or f"was {paid} and {story.refunded} of it were refunded"
        if not story.left:
            story.status = settled(story)
        return wrong or beside

    def _reverse(self, story: Story, fields: dict[str, Any], _now: datetime) -> str | None:
        beside = self._undone(story, "reversal", fields["reversal_payment_id"], fields["amount"])
        wrong: str | None = None
        if story.status != "completed" or story.refunded:
            wrong = wrong or f"was reversed and is {story.status}"
        if fields["amount"] != (story.captured or story.amount):
            wrong = wrong or "was reversed by another amount"
        story.status, story.refundable = "reversed", 0
        return wrong or beside

    def _undone(self, story: Story, kind: str, name: str, amount: int) -> str | None:
        expected, self._undoing = self._undoing, None
        if expected != (story.name, kind, amount, name):
            return f"tells of a {kind} that is not beside it"
        back = [(payee, source) for source, payee, _, _ in reversed(story.legs)]
        if [leg[:2] for leg in self.told[name].legs] != back:
            return f"has a {kind} between other wallets"
        return None

    def _completed(self, story: Story, at: str, volume: int) -> None:
        total = self._day(datetime.fromisoformat(at).date(), story)
        total[0] += 1
        total[1] += volume

    def _day(self, day: date, story: Story) -> list[int]:
        return self.days.setdefault((day, story.began["currency"], story.kind), [0, 0, 0])
