"""What every drawing of requests uses: names, new keys, and what the model knows of payments."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from random import Random
from typing import TypeVar
from uuid import UUID, uuid4

from hypothesis import strategies as st

from application.commands import Command, Submission
from domain.events import WalletKind
from domain.identifiers import PaymentId, WalletId, payment_id, wallet_id
from domain.payment_events import Leg, PaymentKind
from domain.payments import MakePayment
from domain.wallet_rules import OpenWallet
from domain.wallets import Caller
from tests.property.cast import WALLETS
from tests.property.model import Model
from tests.property.model_parts import Deal, Purse

T = TypeVar("T")

HOUR, WEEK = 3_600, 604_800
"""In seconds."""


def pick(data: st.DataObject, options: Sequence[T]) -> T:
    """Draw one of some options that hang on what the ledger did, which is no part of the draw."""
    return options[data.draw(st.integers(0, 99)) % len(options)]


class Sender:
    """Makes submissions with keys of their own for one model."""

    def __init__(self, model: Model, *, patient: bool = False) -> None:
        """Begin with nobody; the patient make no hold that ends while anybody looks."""
        self.model = model
        self.patient = patient
        self.names: dict[str, WalletId] = {}
        self.sent: list[Submission] = []
        self.number = 0
        self.chance = Random(0)

    def purse(self, role: str) -> Purse:
        """Return the model's purse of a role."""
        return self.model.purses[self.names[role]]

    def role_of(self, name: str) -> str:
        """Return which role a wallet plays."""
        return next(role for role, known in self.names.items() if known == name)

    def recorded(self) -> list[Submission]:
        """Return the newest of what was sent that has its answer on record."""
        return [each for each in self.sent[-40:] if each.stream in self.model.keys]

    def deals(self, wanted: Callable[[Deal], bool]) -> list[PaymentId]:
        """Return the newest payments of the model of which something holds."""
        found = [name for name, deal in self.model.deals.items() if wanted(deal)]
        return [PaymentId(name) for name in found[-8:]]

    def deal(self, name: str) -> Deal:
        """Return a payment of the model."""
        return self.model.deals[name]

    def payees(self, deal: Deal) -> list[Caller]:
        """Return who may pay from the first payee's wallet of a payment, by opening."""
        owner = WALLETS.get(self.role_of(deal.moves[0][1]))
        return [] if owner is None else [owner.owner]

    def payer(self, deal: Deal) -> Caller:
        """Return who has opened the first payer's wallet of a payment."""
        return WALLETS[self.role_of(deal.moves[0][0])].owner

    def open(
        self,
        role: str,
        caller: Caller,
        kind: WalletKind = "personal",
        currency: str = "EUR",
        limit: int | None = 0,
    ) -> Submission:
        """Open a wallet for a role."""
        stream = uuid4()
        self.names[role] = wallet_id(stream)
        command = OpenWallet(
            wallet_id=self.names[role],
            kind=kind,
            account_class="liability",
            name=role,
            reference=None,
            currency=currency,
            overdraft_limit=limit,
        )
        return self.submit(caller, command, stream)

    def pay(
        self, caller: Caller, source: str, payee: str, amount: int, currency: str = "EUR"
    ) -> Submission:
        """Pay by one leg."""
        return self.order(caller, "transfer", [(source, payee, amount)], currency)

    def hold(
        self, caller: Caller, source: str, payee: str, amount: int, expires_in: int = WEEK
    ) -> Submission:
        """Hold money for a payee."""
        made = self.order(caller, "hold", [(source, payee, amount)])
        assert isinstance(made.command, MakePayment)
        return replace(made, command=replace(made.command, expires_in=expires_in))

    def order(
        self,
        caller: Caller,
        kind: PaymentKind,
        legs: Sequence[tuple[str, str, int]],
        currency: str = "EUR",
    ) -> Submission:
        """Make a payment of some kind along legs between roles."""
        stream = uuid4()
        command = MakePayment(
            payment_id=payment_id(stream),
            kind=kind,
            legs=tuple(
                Leg(self.names[source], self.names[payee], amount, currency)
                for source, payee, amount in legs
            ),
            amount=sum(amount for _, _, amount in legs),
            currency=currency,
        )
        return self.submit(caller, command, stream)

    def submit(
        self,
        caller: Caller,
        command: Command,
        stream: UUID | None = None,
        written: dict[str, str] | None = None,
    ) -> Submission:
        """Give a command a key and a content of its own."""
        self.number += 1
        return Submission(command, caller, stream or uuid4(), f"{self.number}", None, written)
