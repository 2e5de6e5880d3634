"""Draws what clients of the simulation ask for, some of it again with a key that was used."""

from collections.abc import Mapping
from dataclasses import replace
from hashlib import sha256
from random import Random
from uuid import UUID

from application.commands import AtomicBatch, Command, DryRun, Submission, Work
from domain.holds import CaptureHold, IncreaseHold, ReleaseHold
from domain.identifiers import PaymentId, WalletId, payment_id, wallet_id
from domain.payments import WEEK, MakePayment, transfer_money
from domain.refunds import RefundPayment, ReversePayment
from domain.wallet_rules import (
    ChangeOverdraftLimit,
    CloseWallet,
    FreezeWallet,
    OpenWallet,
    UnfreezeWallet,
)
from tests.simulation.requests import CLIENT, NOBODYS, Request, stream_of

SHARES: Mapping[str, int] = {
    "transfer": 22,
    "hold": 15,
    "capture": 14,
    "release": 4,
    "increase": 5,
    "refund": 8,
    "reversal": 6,
    "batch": 8,
    "dry run": 3,
    "opening": 3,
    "overdraft": 4,
    "freeze": 3,
    "unfreeze": 4,
    "closing": 1,
}
"""How often each kind of request is drawn, in parts of all."""

HOLD_SECONDS = (1, 1, 2, 4, 10, WEEK)
LATEST = 3
"""Of the payments drawn so far, so many are gone on, that clients meet at the same ones."""


class Drawer:
    """Draws requests about a few wallets and the payments between them."""

    def __init__(self, random: Random, wallets: int) -> None:
        """Draw by a chance of one's own."""
        self._random = random
        self.openings = [self._opening(f"wallet-{number}") for number in range(wallets)]
        self._wallets = [wallet_id(stream_of(request.key)) for request in self.openings]
        self._holds: list[PaymentId] = []
        self._payments: list[PaymentId] = []
        self.drawn: list[Request] = []

    @property
    def streams(self) -> list[UUID]:
        """The streams of all that has been drawn and would be on record."""
        return [item.stream for request in self.drawn for item in request.items]

    def draw(self) -> Request:
        """Return the next request: a new one, or one that somebody has sent before."""
        random = self._random
        if self.drawn and random.random() < 0.12:
            return random.choice(self.drawn)
        key = f"key-{len(self.drawn)}"
        if self.drawn and random.random() < 0.05:
            # The same key for something else.
            key = random.choice(self.drawn).key
        request = Request(key, self._work(key))
        self.drawn.append(request)
        return request

    def _work(self, key: str) -> Work:
        (kind,) = self._random.choices(list(SHARES), list(SHARES.values()))
        match kind:
            case "batch":
                items = [f"{key}-{number}" for number in range(self._random.randint(1, 4))]
                return AtomicBatch(
                    tuple(self._submission(item, self._transfer(item)) for item in items)
                )
            case "dry run":
                return DryRun(self._transfer(key), CLIENT)
            case "opening":
                return self._opening(key).work
            case "transfer" | "hold":
                return self._submission(key, self._begun(key, kind))
            case "overdraft" | "freeze" | "unfreeze" | "closing":
                return self._submission(key, self._ruled(kind))
        return self._submission(key, self._gone_on(key, kind))

    def _begun(self, key: str, kind: str) -> MakePayment:
        payment = self._transfer(key)
        self._payments.append(payment.payment_id)
        if kind == "transfer":
            return payment
        self._holds.append(payment.payment_id)
        return replace(payment, kind="hold", expires_in=self._random.choice(HOLD_SECONDS))

    def _gone_on(self, key: str, kind: str) -> Command:
        """Return a command on a payment that was drawn before, mostly a short time ago."""
        random = self._random
        known = self._payments if kind in {"refund", "reversal"} else self._holds
        if not known:
            return self._begun(key, "hold")
        name = random.choice(known[-LATEST:] if random.random() < 0.9 else known)
        some = random.randint(1, 60)
        amount = None if random.random() < 0.2 else some
        match kind:
            case "capture":
                return CaptureHold(name, amount, final=random.random() < 0.3)
            case "release":
                return ReleaseHold(name)
            case "increase":
                return IncreaseHold(name, some, random.choice([None, 1, 5]))
            case "refund":
                return RefundPayment(payment_id(stream_of(key)), name, amount, key)
        return ReversePayment(payment_id(stream_of(key)), name, key)

    def _ruled(self, kind: str) -> Command:
        wallet = self._random.choice(self._wallets)
        match kind:
            case "overdraft":
                limit = self._random.choice([0, 100, 500, None])
                return ChangeOverdraftLimit(wallet, limit, "asked")
            case "freeze":
                return FreezeWallet(wallet, "lost")
            case "unfreeze":
                return UnfreezeWallet(wallet, "found")
        return CloseWallet(wallet, "moved")

    def _transfer(self, key: str) -> MakePayment:
        random = self._random
        source = random.choice(self._wallets)
        known = [*self._wallets, NOBODYS] if random.random() < 0.1 else self._wallets
        if random.random() < 0.9:
            known = [wallet for wallet in known if wallet != source]
        return transfer_money(
            payment_id=payment_id(stream_of(key)),
            source_wallet_id=source,
            destination_wallet_id=WalletId(random.choice(known)),
            amount=random.randint(1, 200),
            currency="EUR",
            description=key,
        )

    def _opening(self, key: str) -> Request:
        command = OpenWallet(
            wallet_id=wallet_id(stream_of(key)),
            kind="personal",
            account_class="liability",
            name=key,
            reference=None,
            currency="EUR",
            overdraft_limit=self._random.choice([0, 500, 1000]),
        )
        return Request(key, self._submission(key, command))

    def _submission(self, key: str, command: Command) -> Submission:
        return Submission(command, CLIENT, stream_of(key), f"{hash_of(command):064x}")


def hash_of(command: object) -> int:
    """Return a number that tells commands apart, the same in every process."""
    return int(sha256(repr(command).encode()).hexdigest(), 16)
