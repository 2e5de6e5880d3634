"""What the clients of a campaign ask for: every kind of command, and what must be refused."""

import json
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

TRANSFERS, WALLETS = "/v1/transfers", "/v1/wallets"
BATCH = f"{TRANSFERS}/batch"
DIGITS = {"EUR": 2, "JPY": 0, "KWD": 3}
NOBODYS = "wal_00000000000000000000000000"
IMPOSSIBLE = 10**15
"""Minor units that no wallet of a campaign ever has."""

NO_MONEY = ("insufficient-funds", "limit-exceeded", "wallet-frozen", "wallet-closed")


@dataclass(frozen=True)
class Request:
    """One request; what the checker must know of it besides its bytes.

    `expect` are the codes of which one must refuse it, `other` says that its key is on record
    for another body, `dry` that nothing of it may be stored, `by` who asks if it is not the one
    whose campaign it is.
    """

    path: str
    body: str
    key: str | None
    expect: tuple[str, ...] = ()
    other: bool = False
    dry: bool = False
    method: str = "POST"
    by: str | None = None


class Drawing:
    """Draws requests from a seed; learns of the wallets that it has opened."""

    def __init__(
        self, choose: random.Random, prefix: str, wallets: Sequence[tuple[str, str]]
    ) -> None:
        """Take chance, what all keys begin with, and wallets (id, currency) shared by all."""
        self._choose = choose
        self._prefix = prefix
        self._shared = list(wallets)
        self._own: list[tuple[str, str]] = []
        self._number = 0
        self._done: list[Request] = []

    def next(self) -> Request:
        """Return a request with a new key, or one that is to be done again."""
        kinds = self.kinds()
        return self._choose.choices(list(kinds), list(kinds.values()))[0]()

    def kinds(self) -> dict[Callable[[], Request], int]:
        """Return what may be asked for now, with how often."""
        kinds: dict[Callable[[], Request], int] = {
            self._transfer: 50,
            self._open: 6,
            self._on_wallet: 8,
            self._batch: 10,
            self._without_money: 5,
            self._in_another_currency: 3,
            self._to_itself: 2,
            self._to_nobody: 3,
            self._dry: 2,
        }
        if self._done:
            kinds |= {self._again: 6, self._with_another_body: 4}
        return kinds

    def learn(self, request: Request, status: int, answer: str) -> None:
        """Keep what was answered for good, to ask it again, and wallets that were opened."""
        if request.other or request.key is None or '"position"' not in answer:
            return
        if len(self._done) < 500 or self._choose.random() < 0.02:
            self._done.append(request)
        if request.path == WALLETS and status == 201:
            opened = json.loads(answer)
            self._own.append((opened["wallet_id"], opened["currency"]))

    def _key(self) -> str:
        self._number += 1
        return f"{self._prefix}-{self._number}"

    def _pair(self, limited: bool = False) -> tuple[str, str, str]:
        """Return two wallets of one currency, and the currency.

        The first of each currency of those shared by all has no limit.
        """
        known = self._shared + self._own[-20:]
        free = {currency: wallet for wallet, currency in reversed(self._shared)}
        payers = [pair for pair in known if not limited or free[pair[1]] != pair[0]]
        source, currency = self._choose.choice(payers)
        others = [w for w, c in known if c == currency and w != source]
        return source, self._choose.choice(others), currency

    def _text(self, minor: int, currency: str) -> str:
        digits = DIGITS[currency]
        whole, part = divmod(minor, 10**digits)
        return f"{whole}.{part:0{digits}}" if digits else str(whole)

    def _body(self, key: str, minor: int | None = None) -> dict[str, Any]:
        source, destination, currency = self._pair(limited=minor is not None)
        minor = self._choose.randint(1, 4000) if minor is None else minor
        body: dict[str, Any] = {
            "source_wallet_id": source,
            "destination_wallet_id": destination,
            "amount": self._text(minor, currency),
            "currency": currency,
            "description": key,
        }
        if self._choose.random() < 0.1:
            body |= {"reference": f"R{minor}", "metadata": {"order": key}}
        return body

    def _sent(self, key: str, body: dict[str, Any], *expect: str) -> Request:
        return Request(TRANSFERS, json.dumps(body), key, expect)

    def _transfer(self) -> Request:
        key = self._key()
        return self._sent(key, self._body(key))

    def _without_money(self) -> Request:
        key = self._key()
        return self._sent(key, self._body(key, IMPOSSIBLE), *NO_MONEY)

    def _in_another_currency(self) -> Request:
        key = self._key()
        body = self._body(key)
        body["currency"] = self._choose.choice(sorted(set(DIGITS) - {body["currency"]}))
        body["amount"] = "7"
        return self._sent(key, body, "currency-mismatch")

    def _to_itself(self) -> Request:
        key = self._key()
        body = self._body(key)
        body["destination_wallet_id"] = body["source_wallet_id"]
        return self._sent(key, body, "same-wallet")

    def _to_nobody(self) -> Request:
        key = self._key()
        end = self._choose.choice(("source_wallet_id", "destination_wallet_id"))
        return self._sent(key, self._body(key) | {end: NOBODYS}, "wallet-not-found")

    def _dry(self) -> Request:
        self._number += 1
        body = self._body(f"{self._prefix}-dry-{self._number}") | {"dry_run": True}
        return Request(TRANSFERS, json.dumps(body), None, dry=True)

    def _open(self) -> Request:
        key = self._key()
        currency = self._choose.choice(sorted(DIGITS))
        body = {"name": key, "reference": key, "currency": currency}
        if self._choose.random() < 0.5:
            body["overdraft_limit"] = self._text(self._choose.randint(0, 5000), currency)
        return Request(WALLETS, json.dumps(body), key)

    def _on_wallet(self) -> Request:
        key = self._key()
        own = self._own[-20:] or self._shared[:1]
        wallet, _ = self._choose.choice(own)
        action = self._choose.choices(("freeze", "unfreeze", "close"), (4, 8, 1))[0]
        if not self._own:
            # The wallets of all stay as they are, so that money never stops going round.
            action = "unfreeze"
        return Request(f"{WALLETS}/{wallet}/{action}", json.dumps({"reason": key}), key)

    def _batch(self) -> Request:
        items = []
        for _ in range(self._choose.randint(2, 8)):
            key = self._key()
            impossible = IMPOSSIBLE if self._choose.random() < 0.08 else None
            items.append({"idempotency_key": key, **self._body(key, impossible)})
        mode = self._choose.choice(("independent", "atomic"))
        return Request(BATCH, json.dumps({"mode": mode, "transfers": items}), None)

    def _again(self) -> Request:
        return self._choose.choice(self._done)

    def _with_another_body(self) -> Request:
        done = self._choose.choice(self._done)
        path, body = done.path, json.loads(done.body)
        words = {"release": "capture", "capture": "release", "pause": "resume", "resume": "pause"}
        start, _, word = path.rpartition("/")
        if "transfer" in body:
            body["transfer"]["amount"] = f"1{body['transfer']['amount']}"
        elif path.startswith(TRANSFERS):
            body["amount"] = f"1{body['amount']}"
        elif word == "members":
            body["role"] = {"viewer": "owner"}.get(body["role"], "viewer")
        elif word in words:
            # What needs no body is another request under another path.
            path, body = f"{start}/{words[word]}", {}
        else:
            name = next(
                name for name in ("name", "reason", "description", "amount") if name in body
            )
            body[name] = f"1{body[name]}"
        expect = ("idempotency-key-reused",)
        return Request(path, json.dumps(body), done.key, expect, other=True, by=done.by)
