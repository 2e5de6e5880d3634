"""Exchanges: money of one currency for money of another, through two wallets of the system."""

from collections.abc import Callable
from dataclasses import dataclass

from domain.identifiers import PaymentId, WalletId
from domain.money import MAX_AMOUNT
from domain.payment_events import Leg, Rate
from domain.payments import Known, MakePayment, find
from domain.refusals import FieldInvalid
from domain.shares import exchanged
from domain.wallets import Caller, require_sight


@dataclass(frozen=True, slots=True)
class ExchangeMoney:
    """Give an amount, in minor units of the source's currency, for its worth at a rate."""

    payment_id: PaymentId
    source_wallet_id: WalletId
    destination_wallet_id: WalletId
    through: tuple[WalletId, WalletId]
    amount: int
    rate: Rate


def exchange_of(
    command: ExchangeMoney, known: Known, caller: Caller, digits: Callable[[str], int]
) -> MakePayment:
    """Return the payment that an exchange is; `digits` knows the minor digits of a currency.

    Raises `WalletNotFound` in the order of the body's fields, `FieldInvalid` for a wallet that is
    not the system's and for an amount that comes to nothing.
    """
    source = find(known, command.source_wallet_id)
    require_sight(source, caller)
    destination = find(known, command.destination_wallet_id)
    for place, name in enumerate(command.through):
        if find(known, name).rules.kind != "system":
            raise FieldInvalid(f"through/{place}", "must be a wallet of the system")
    given, got = source.rules.currency, destination.rules.currency
    worth = exchanged(command.amount, command.rate, digits(given), digits(got))
    if worth == 0:
        raise FieldInvalid("amount", "comes to nothing in the destination's currency")
    if worth > MAX_AMOUNT:
        raise FieldInvalid("amount", "comes to more than 10^18 minor units at this rate")
    taker, giver = command.through
    return MakePayment(
        payment_id=command.payment_id,
        kind="exchange",
        legs=(
            Leg(command.source_wallet_id, taker, command.amount, given),
            Leg(giver, command.destination_wallet_id, worth, got),
        ),
        amount=command.amount,
        currency=given,
        rate=command.rate,
    )
