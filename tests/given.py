"""The words of tests about decisions: given these events, when this command, then those events."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from domain.events import (
    WalletClosed,
    WalletCredited,
    WalletDebited,
    WalletEvent,
    WalletFrozen,
    WalletOpened,
)
from domain.identifiers import PaymentId, WalletId, payment_id, wallet_id
from domain.instants import Instant
from domain.money import Currencies
from domain.payments import MakePayment, transfer_money
from domain.refusals import Refusal, Rejection
from domain.wallets import Caller, Wallet, evolve, opened

ISO = Currencies({})
NOW = Instant("2026-01-31T12:00:00.000000Z")
LATER = Instant("2026-02-01T00:00:00.000000Z")

OWNER = Caller("usr_owner", "tests", operate=False)
STRANGER = Caller("usr_stranger", "tests", operate=False)
OPERATOR = Caller("usr_operator", "tests", operate=True)


def wallet_named(number: int) -> WalletId:
    """Return the wallet id of a small number."""
    return wallet_id(UUID(int=number))


def payment_named(number: int) -> PaymentId:
    """Return the payment id of a small number."""
    return payment_id(UUID(int=number))


OURS, THEIRS = wallet_named(1), wallet_named(2)
PAID = payment_named(9)


def opening(**fields: Any) -> WalletOpened:
    """Return the opening of the owner's personal wallet in EUR, but for the fields given."""
    return WalletOpened(
        **{
            "kind": "personal",
            "account_class": "liability",
            "owner": OWNER.subject,
            "name": "Everyday",
            "currency": "EUR",
            "overdraft_limit": 0,
            **fields,
        }
    )


def credited(amount: int, currency: str = "EUR") -> WalletCredited:
    """Return money coming in from elsewhere."""
    return WalletCredited(payment_named(8), amount, currency, wallet_named(7), NOW)


def debited(amount: int, currency: str = "EUR") -> WalletDebited:
    """Return money going out to elsewhere."""
    return WalletDebited(payment_named(8), amount, currency, wallet_named(7), NOW)


FROZEN_BY_MEMBER = WalletFrozen("member", "card lost")
FROZEN_BY_OPERATOR = WalletFrozen("operate", "asked by court")
CLOSED = WalletClosed("moved away")


def wallet(
    *events: WalletEvent, name: WalletId = OURS, first: WalletOpened | None = None
) -> Wallet:
    """Return the wallet that events lead to, opened by the owner unless `first` says otherwise."""
    found = opened(name, first or opening())
    for event in events:
        found = evolve(found, event, NOW[:10])
    return found


def ruled(found: Wallet, **rules: Any) -> Wallet:
    """Return a wallet with these rules changed."""
    return replace(found, rules=replace(found.rules, **rules))


def transfer_of(amount: int, **fields: Any) -> MakePayment:
    """Return a transfer in EUR from our wallet to theirs, but for the fields given."""
    return transfer_money(
        **{
            "payment_id": PAID,
            "source_wallet_id": OURS,
            "destination_wallet_id": THEIRS,
            "amount": amount,
            "currency": "EUR",
            **fields,
        }
    )


@dataclass(frozen=True)
class Decided:
    """What came of a command: events, or the exception that it ended in."""

    result: object

    def then(self, *events: object) -> None:
        """Expect exactly these events."""
        assert self.result == events

    def refused(self, no: type[Refusal | Rejection]) -> Any:
        """Expect this refusal or rejection and no subclass of it; return it."""
        assert type(self.result) is no, self.result
        return self.result


def decided(decide: Any, *arguments: object) -> Decided:
    """Run a decision and keep whichever end it takes."""
    try:
        result = decide(*arguments)
    except (Refusal, Rejection) as no:
        return Decided(no)
    return Decided(tuple(result) if isinstance(result, Sequence) else (result,))
