"""Payments: money moves along legs, all of them or none, or is declined, and both are facts."""

from collections.abc import Iterator, Mapping, Sequence

from domain.events import Side, WalletCredited, WalletDebited, WalletEvent
from domain.identifiers import PaymentId, WalletId
from domain.instants import Instant
from domain.money import MAX_BALANCE
from domain.payment_events import (
    Leg,
    PaymentCompleted,
    PaymentDeclined,
    PaymentKind,
    Rate,
)
from domain.refusals import (
    BalanceOutOfRange,
    CurrencyMismatch,
    InsufficientFunds,
    LimitExceeded,
    PayeeUnavailable,
    Refusal,
    SameWallet,
    WalletIsClosed,
    WalletIsFrozen,
    WalletNotFound,
)
from domain.values import dataclass
from domain.wallets import Caller, Wallet, evolve, require_sight, right_to_pay

Known = Mapping[WalletId, Wallet]
"""Wallets as the commands before left them."""

Movement = tuple[WalletId, WalletEvent]
"""A wallet and what happens to it."""


WEEK = 7 * 24 * 3600
"""How long a payment waits when nobody says, in seconds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MakePayment:
    """Move money along legs in their order; amounts in minor units.

    `amount` is what the payer gives in all. The value date's default is now. What is held, also
    while it waits for approval, is held for `expires_in` seconds.
    """

    payment_id: PaymentId
    kind: PaymentKind
    legs: tuple[Leg, ...]
    amount: int
    currency: str
    description: str | None = None
    reference: str | None = None
    metadata: Mapping[str, str] | None = None
    effective_at: Instant | None = None
    original_payment_id: PaymentId | None = None
    rate: Rate | None = None
    expires_in: int = WEEK

    @property
    def source_wallet_id(self) -> WalletId:
        """Who pays the first leg."""
        return self.legs[0].source_wallet_id

    @property
    def destination_wallet_id(self) -> WalletId:
        """Who is paid by the first leg."""
        return self.legs[0].destination_wallet_id

    @property
    def counted(self) -> bool:
        """Whether it counts against the payer's limits."""
        return self.kind in COUNTED


def transfer_money(
    *,
    payment_id: PaymentId,
    source_wallet_id: WalletId,
    destination_wallet_id: WalletId,
    amount: int,
    currency: str,
    description: str | None = None,
    reference: str | None = None,
    metadata: Mapping[str, str] | None = None,
    effective_at: Instant | None = None,
) -> MakePayment:
    """Return the payment of one leg between two wallets."""
    return MakePayment(
        payment_id=payment_id,
        kind="transfer",
        legs=(Leg(source_wallet_id, destination_wallet_id, amount, currency),),
        amount=amount,
        currency=currency,
        description=description,
        reference=reference,
        metadata=metadata,
        effective_at=effective_at,
    )


COUNTED = frozenset({"transfer", "split", "hold"})


def find(known: Known, wallet_id: WalletId) -> Wallet:
    """Return a wallet, or raise `WalletNotFound`."""
    wallet = known.get(wallet_id)
    if wallet is None:
        raise WalletNotFound(wallet_id)
    return wallet


def require_payer(legs: Sequence[Leg], known: Known, caller: Caller) -> Side:
    """Return by which right a caller pays; anyone may pay into a wallet.

    Raises `WalletNotFound` in the order of the body's fields, then `RoleMissing`.
    """
    for leg in legs:
        require_sight(find(known, leg.source_wallet_id), caller)
        find(known, leg.destination_wallet_id)
    # In the order of the alphabet the widest right is the last one: member, operate, system.
    return max([right_to_pay(known[leg.source_wallet_id], caller) for leg in legs])


def require_shape(legs: Sequence[Leg], known: Known) -> None:
    """Refuse a leg within one wallet, or in another currency than a wallet it touches."""
    for leg in legs:
        if leg.source_wallet_id == leg.destination_wallet_id:
            raise SameWallet
    for leg in legs:
        source, destination = known[leg.source_wallet_id], known[leg.destination_wallet_id]
        if leg.currency != source.rules.currency or leg.currency != destination.rules.currency:
            raise CurrencyMismatch


def require_open(
    legs: Sequence[Leg], known: Known, caller: Caller, *, though_frozen: bool = False
) -> None:
    """Refuse a payer's wallet that is closed or frozen, then a payee's that is closed."""
    for leg in legs:
        rules = known[leg.source_wallet_id].rules
        if rules.closed:
            raise WalletIsClosed
        if rules.frozen and not though_frozen:
            raise WalletIsFrozen
    for leg in legs:
        destination = known[leg.destination_wallet_id]
        if destination.rules.closed:
            raise _closed_payee(destination, caller)


def require_limits(legs: Sequence[Leg], known: Known, today: str) -> None:
    """Refuse what passes a limit; a payment counts with its sum from each wallet."""
    for wallet_id, amount in sums(legs).items():
        if not known[wallet_id].within_limits(amount, today):
            raise LimitExceeded


def sums(legs: Sequence[Leg]) -> dict[WalletId, int]:
    """Return what leaves each wallet, in minor units."""
    if len(legs) == 1:
        return {legs[0].source_wallet_id: legs[0].amount}
    totals: dict[WalletId, int] = {}
    for leg in legs:
        totals[leg.source_wallet_id] = totals.get(leg.source_wallet_id, 0) + leg.amount
    return totals


def make(command: MakePayment, known: Known, caller: Caller, now: Instant) -> list[Movement]:
    """Decide a payment whose payer may pay: each leg's debit and credit, in order.

    Raises the first refusal that fits, in this order: same wallet, currency, the payers' state,
    the payees', limits, funds, range.
    """
    legs, today = command.legs, now[:10]
    require_shape(legs, known)
    require_open(legs, known, caller)
    if command.counted:
        require_limits(legs, known, today)
    counted = None if command.counted else 0
    effective_at = command.effective_at or now
    return list(pay(command.payment_id, legs, known, today, effective_at, counted))


def pay(
    payment_id: PaymentId,
    legs: Sequence[Leg],
    known: Known,
    today: str,
    effective_at: Instant,
    counted: int | None,
) -> Iterator[Movement]:
    """Move money along legs, none of which may take a wallet below its limit.

    Raises `InsufficientFunds` or `BalanceOutOfRange`.
    """
    moved: dict[WalletId, Wallet] = {}
    for leg in legs:
        payer, payee, amount = leg.source_wallet_id, leg.destination_wallet_id, leg.amount
        source = moved.get(payer) or known[payer]
        destination = moved.get(payee) or known[payee]
        if not source.affords(amount):
            raise InsufficientFunds(source.available, leg.currency)
        if source.available - amount < -MAX_BALANCE or destination.posted + amount > MAX_BALANCE:
            raise BalanceOutOfRange
        debit = WalletDebited(payment_id, amount, leg.currency, payee, effective_at, counted)
        credit = WalletCredited(payment_id, amount, leg.currency, payer, effective_at)
        if len(legs) > 1:
            moved[payer] = evolve(source, debit, today)
            moved[payee] = evolve(destination, credit, today)
        yield payer, debit
        yield payee, credit


def _closed_payee(destination: Wallet, caller: Caller) -> Refusal:
    if caller.operate or caller.subject in destination.rules.members:
        return WalletIsClosed()
    return PayeeUnavailable()


def completed(command: MakePayment, now: Instant) -> PaymentCompleted:
    """Return the fact that a payment was made."""
    source, destination, legs = named(command)
    return PaymentCompleted(
        kind=command.kind,
        amount=command.amount,
        currency=command.currency,
        source_wallet_id=source,
        destination_wallet_id=destination,
        effective_at=command.effective_at or now,
        description=command.description,
        reference=command.reference,
        metadata=command.metadata,
        original_payment_id=command.original_payment_id,
        legs=legs,
        rate=command.rate,
    )


def declined(command: MakePayment, refusal: Refusal, now: Instant) -> PaymentDeclined:
    """Return the fact that a payment was refused, with all that its answer shows."""
    source, destination, legs = named(command)
    return PaymentDeclined(
        kind=command.kind,
        amount=command.amount,
        currency=command.currency,
        source_wallet_id=source,
        destination_wallet_id=destination,
        effective_at=command.effective_at or now,
        code=refusal.code,
        available=_available(refusal, command.currency),
        description=command.description,
        reference=command.reference,
        metadata=command.metadata,
        original_payment_id=command.original_payment_id,
        legs=legs,
        rate=command.rate,
    )


def _available(refusal: Refusal, currency: str) -> int | None:
    """Return what was available, unless it is in another currency than the payment's own.

    That is a wallet of the system in an exchange, of which the fact has no currency to tell.
    """
    if not isinstance(refusal, InsufficientFunds):
        return None
    return refusal.available if refusal.currency in {None, currency} else None


def named(
    command: MakePayment,
) -> tuple[WalletId | None, WalletId | None, tuple[Leg, ...] | None]:
    """Return the two wallets of a payment, or its legs where it is of many."""
    if command.kind in {"split", "exchange"} or len(command.legs) > 1:
        return None, None, command.legs
    (leg,) = command.legs
    return leg.source_wallet_id, leg.destination_wallet_id, None
