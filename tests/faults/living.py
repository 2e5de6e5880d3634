"""What clients ask of things that live on: holds, refunds, approvals, limits and schedules."""

import json
import random
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from tests.faults.drawing import DIGITS, WALLETS, Drawing, Request

HOLDS, PAYMENTS, SCHEDULES = "/v1/holds", "/v1/payments", "/v1/schedules"
REMEMBERED = 40
RECENT = 8
"""So few that what was captured or refunded once is often asked for again."""

PAID = ("completed", "partially-refunded")

Paid = tuple[str, str, int]
"""A payment with its currency and its amount in minor units."""


class LivingDrawing(Drawing):
    """Draws what goes on with payments and schedules, too, of which it learns from the answers."""

    def __init__(
        self,
        choose: random.Random,
        prefix: str,
        wallets: Sequence[tuple[str, str]],
        shared: Sequence[tuple[str, str]],
        owners: Sequence[str],
    ) -> None:
        """Take what `Drawing` takes, wallets above whose threshold other owners must approve."""
        super().__init__(choose, prefix, [*wallets, *shared])
        self._with_owners = list(shared)
        self._owners = list(owners)
        self._limited = list(wallets[1:2])
        self._holds: list[Paid] = []
        self._payments: list[Paid] = []
        self._waiting: list[Paid] = []
        self._schedules: list[str] = []

    def kinds(self) -> dict[Callable[[], Request], int]:
        """Return what may be asked for now, with how often."""
        kinds = super().kinds() | {self._hold: 14, self._split: 6, self._schedule: 3}
        kinds |= {self._limits: 2, self._from_shared: 6, self._role: 2}
        if self._holds:
            kinds |= {self._capture: 14, self._release: 3, self._increase: 4}
        if self._payments:
            kinds |= {self._refund: 9, self._reverse: 3}
        if self._waiting:
            kinds |= {self._decide: 12, self._decide_alone: 1}
        if self._schedules:
            kinds |= {self._pause: 1}
        return kinds

    def learn(self, request: Request, status: int, answer: str) -> None:
        """Keep what can be gone on with, as well."""
        super().learn(request, status, answer)
        if request.other or request.key is None or status not in (200, 201):
            return
        told = json.loads(answer)
        if "schedule_id" in told:
            self._schedules = [*self._schedules, told["schedule_id"]][-REMEMBERED:]
        if "payment_id" not in told or told["kind"] in ("refund", "reversal"):
            return
        name, currency = told["payment_id"], told["currency"]
        for known in (self._holds, self._payments, self._waiting):
            known[:] = [paid for paid in known if paid[0] != name]
        place = {"authorized": self._holds, "awaiting-approval": self._waiting}.get(told["status"])
        if told["status"] in PAID:
            place = self._payments
        if place is not None:
            part = told.get("left" if place is self._holds else "captured", told["amount"])
            minor = int(Decimal(part).scaleb(DIGITS[currency]))
            place.append((name, currency, minor or 1))
            del place[:-REMEMBERED]

    def rival(self, request: Request) -> Request | None:
        """Return what only one of the two can win against, asked at the same time elsewhere."""
        start, _, word = request.path.rpartition("/")
        key = self._key()
        if word == "capture":
            return Request(f"{start}/release", "{}", key)
        if word == "refund":
            return Request(f"{start}/reverse", json.dumps({"reason": key}), key)
        if word == "approve":
            by = self._choose.choice(self._owners)
            return Request(f"{start}/reject", json.dumps({"reason": key}), key, by=by)
        return None

    def _hold(self) -> Request:
        key = self._key()
        body = self._body(key)
        if self._choose.random() < 0.6:
            body["expires_in"] = self._choose.randint(1, 6)
        return Request(HOLDS, json.dumps(body), key)

    def _capture(self) -> Request:
        name, currency, amount = self._choose.choice(self._holds[-RECENT:])
        body: dict[str, Any] = {}
        if self._choose.random() < 0.7:
            body["amount"] = self._text(self._choose.randint(1, amount), currency)
            body["final"] = self._choose.random() < 0.4
        return Request(f"{HOLDS}/{name}/capture", json.dumps(body), self._key())

    def _release(self) -> Request:
        name, _, _ = self._choose.choice(self._holds[-RECENT:])
        return Request(f"{HOLDS}/{name}/release", "{}", self._key())

    def _increase(self) -> Request:
        name, currency, _ = self._choose.choice(self._holds[-RECENT:])
        body: dict[str, Any] = {"amount": self._text(self._choose.randint(1, 500), currency)}
        if self._choose.random() < 0.5:
            body["expires_in"] = self._choose.randint(2, 8)
        return Request(f"{HOLDS}/{name}/increase", json.dumps(body), self._key())

    def _refund(self) -> Request:
        name, currency, amount = self._choose.choice(self._payments[-RECENT:])
        key = self._key()
        body = {"reason": key}
        if self._choose.random() < 0.7:
            body["amount"] = self._text(self._choose.randint(1, amount), currency)
        return Request(f"{PAYMENTS}/{name}/refund", json.dumps(body), key)

    def _reverse(self) -> Request:
        name, _, _ = self._choose.choice(self._payments[-RECENT:])
        key = self._key()
        return Request(f"{PAYMENTS}/{name}/reverse", json.dumps({"reason": key}), key)

    def _split(self) -> Request:
        key = self._key()
        source, payee, currency = self._pair()
        legs = [(source, payee)]
        while len(legs) < self._choose.randint(1, 4):
            pair = self._pair()
            if pair[2] == currency:
                legs.append(pair[:2])
        body: dict[str, Any] = {"description": key}
        if self._choose.random() < 0.5:
            body["legs"] = [
                {
                    "source_wallet_id": payer,
                    "destination_wallet_id": paid,
                    "amount": self._text(self._choose.randint(1, 900), currency),
                    "currency": currency,
                }
                for payer, paid in legs
            ]
        else:
            part = self._choose.randint(100_000, 900_000)
            amount = self._text(self._choose.randint(100, 4000), currency)
            body |= {"source_wallet_id": source, "amount": amount, "currency": currency}
            body["shares"] = [
                {"destination_wallet_id": payee, "parts_per_million": part},
                {"destination_wallet_id": payee, "remainder": True},
            ]
        # Fees are on top for the one payer; where several pay, nobody would know who.
        if ("legs" not in body or len(legs) == 1) and self._choose.random() < 0.4:
            body["fees"] = [{"wallet_id": payee, "amount": self._text(25, currency)}]
        return Request(PAYMENTS, json.dumps(body), key)

    def _from_shared(self) -> Request:
        """Pay from a wallet of several owners, nearly always above its threshold."""
        key = self._key()
        source, currency = self._choose.choice(self._with_owners)
        others = [w for w, c in self._shared if c == currency and w != source]
        body = self._body(key)
        body |= {"source_wallet_id": source, "destination_wallet_id": self._choose.choice(others)}
        body |= {
            "currency": currency,
            "amount": self._text(self._choose.randint(900, 3000), currency),
        }
        path = "/v1/transfers"
        if self._choose.random() < 0.3:
            path, body["expires_in"] = HOLDS, self._choose.randint(2, 20)
        return Request(path, json.dumps(body), key)

    def _decide(self) -> Request:
        name, _, _ = self._choose.choice(self._waiting)
        key, by = self._key(), self._choose.choice(self._owners)
        word = self._choose.choices(("approve", "reject"), (4, 1))[0]
        return Request(f"{PAYMENTS}/{name}/{word}", json.dumps({"reason": key}), key, by=by)

    def _decide_alone(self) -> Request:
        """Ask for what one has asked for oneself, which only others may allow."""
        name, _, _ = self._choose.choice(self._waiting)
        key, expect = self._key(), ("role-missing",)
        return Request(f"{PAYMENTS}/{name}/approve", json.dumps({"reason": key}), key, expect)

    def _role(self) -> Request:
        """Give an owner another role, or theirs again: who is none any more decides no more."""
        wallet, _ = self._choose.choice(self._with_owners)
        role = self._choose.choice(("owner", "owner", "owner", "spender", "viewer"))
        body = {"user_id": self._choose.choice(self._owners), "role": role}
        return Request(f"{WALLETS}/{wallet}/members", json.dumps(body), self._key())

    def _limits(self) -> Request:
        wallet, currency = self._choose.choice(self._own[-20:] or self._limited)
        per_day = self._choose.choice((None, 3_000, 30_000, 300_000))
        body = {"per_payment": self._choose.choice((None, self._text(2_500, currency)))}
        body["per_day"] = None if per_day is None else self._text(per_day, currency)
        return Request(f"{WALLETS}/{wallet}/limits", json.dumps(body), None, method="PUT")

    def _schedule(self) -> Request:
        key = self._key()
        body: dict[str, Any] = {"transfer": self._body(key)}
        body["starts_on"] = datetime.now(UTC).date().isoformat()
        if self._choose.random() < 0.5:
            body |= {"recurrence": "FREQ=DAILY", "count": self._choose.randint(1, 3)}
        return Request(SCHEDULES, json.dumps(body), key)

    def _pause(self) -> Request:
        name = self._choose.choice(self._schedules)
        word = self._choose.choice(("pause", "resume", "resume"))
        return Request(f"{SCHEDULES}/{name}/{word}", "{}", self._key())
