"""What clients of the simulation ask for, drawn by chance, and how a try of it ended."""

from dataclasses import dataclass, field
from hashlib import sha256
from random import Random
from typing import NamedTuple
from uuid import UUID

from application.commands import AtomicBatch, DryRun, Outcome, Submission, Work
from domain.identifiers import WalletId, key_stream, payment_id, wallet_id
from domain.payments import MakePayment, transfer_money
from domain.wallet_rules import (
    ChangeOverdraftLimit,
    CloseWallet,
    FreezeWallet,
    OpenWallet,
    UnfreezeWallet,
)
from domain.wallets import Caller

CLIENT = Caller("ada", "simulation", operate=True)
NOBODYS = wallet_id(UUID(int=0))


def stream_of(key: str) -> UUID:
    """Return the stream that a key begins."""
    return key_stream("main", "simulation", CLIENT.subject, key)


class Reply(NamedTuple):
    """An outcome as a client got it, and how many events were stored then."""

    outcome: Outcome
    stored: int


@dataclass
class Request:
    """One request with all tries of it, over all clients that sent it.

    `unanswered` has each arrival at a process of which no client has heard, `asked_at` the
    database's time at the first one, where its clock does not step.
    """

    key: str
    work: Work
    arrivals: int = 0
    asked_at: str = ""
    unanswered: set[int] = field(default_factory=set)
    replies: list[Reply] = field(default_factory=list)

    @property
    def items(self) -> tuple[Submission, ...]:
        """The commands that would be on record."""
        return commands(self.work)


def commands(work: Work) -> tuple[Submission, ...]:
    """Return the commands of a piece of work that would be on record."""
    if isinstance(work, AtomicBatch):
        return tuple(item for item in work.items if item is not None)
    return (work,) if isinstance(work, Submission) else ()


class Drawer:
    """Draws requests about a few wallets, some of them again with a key that was used."""

    def __init__(self, random: Random, wallets: int) -> None:
        """Draw by a chance of one's own."""
        self._random = random
        self.openings = [self._opening(f"wallet-{number}") for number in range(wallets)]
        self._wallets = [wallet_id(stream_of(request.key)) for request in self.openings]
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
        random, chance = self._random, self._random.random()
        wallet = random.choice(self._wallets)
        if chance < 0.62:
            return self._submission(key, self._transfer(key))
        if chance < 0.72:
            items = [f"{key}-{number}" for number in range(random.randint(1, 4))]
            return AtomicBatch(
                tuple(self._submission(item, self._transfer(item)) for item in items)
            )
        if chance < 0.75:
            return DryRun(self._transfer(key), CLIENT)
        if chance < 0.8:
            return self._opening(key).work
        if chance < 0.84:
            return self._submission(
                key, ChangeOverdraftLimit(wallet, random.choice([0, 100, 500, None]), "asked")
            )
        if chance < 0.9:
            return self._submission(key, FreezeWallet(wallet, "lost"))
        if chance < 0.98:
            return self._submission(key, UnfreezeWallet(wallet, "found"))
        return self._submission(key, CloseWallet(wallet, "moved"))

    def _transfer(self, key: str) -> MakePayment:
        random = self._random
        known = [*self._wallets, NOBODYS] if random.random() < 0.1 else self._wallets
        return transfer_money(
            payment_id=payment_id(stream_of(key)),
            source_wallet_id=random.choice(self._wallets),
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
            overdraft_limit=self._random.choice([0, 300, 500]),
        )
        return Request(key, self._submission(key, command))

    def _submission(
        self,
        key: str,
        command: OpenWallet
        | MakePayment
        | FreezeWallet
        | UnfreezeWallet
        | CloseWallet
        | ChangeOverdraftLimit,
    ) -> Submission:
        return Submission(command, CLIENT, stream_of(key), f"{hash_of(command):064x}")


def hash_of(command: object) -> int:
    """Return a number that tells commands apart, the same in every process."""
    return int(sha256(repr(command).encode()).hexdigest(), 16)
