"""Refunds and reversals: payments of their own that give money back, bounded by the first one."""

from dataclasses import dataclass, replace

from domain.events import Side
from domain.identifiers import PaymentId
from domain.instants import Instant
from domain.payment_events import Leg, PaymentKind, PaymentRefunded, PaymentReversed
from domain.payment_sight import require_payment_sight, untold
from domain.payment_state import Payment, settled
from domain.payments import Known, MakePayment, Movement, pay, require_open
from domain.refusals import (
    AlreadyRefunded,
    AlreadyReversed,
    AmountExceedsPayment,
    NotPayee,
    NotRefundable,
    NotReversible,
    RoleMissing,
)
from domain.wallets import Caller, role_of


@dataclass(frozen=True, slots=True)
class RefundPayment:
    """Give so many minor units of a payment back, none being all that is left of it."""

    refund_payment_id: PaymentId
    payment_id: PaymentId
    amount: int | None
    reason: str | None


@dataclass(frozen=True, slots=True)
class ReversePayment:
    """Undo a payment by its exact opposite."""

    reversal_payment_id: PaymentId
    payment_id: PaymentId
    reason: str


REFUNDABLE = frozenset({"transfer", "hold"})
REVERSIBLE = frozenset({"transfer", "hold", "split", "exchange"})


def right_to_refund(payment: Payment, known: Known, caller: Caller) -> Side:
    """Return by which right a caller refunds; raises `PaymentNotFound`, `NotPayee`, `RoleMissing`.

    The payee's owners and spenders give back; the payer cannot take.
    """
    require_payment_sight(payment, known, caller)
    if not untold(payment.standing) and _pays(payment, known, caller, paid=True):
        return "member"
    if caller.operate:
        return "system" if caller.system else "operate"
    raise NotPayee if _pays(payment, known, caller, paid=False) else RoleMissing


def right_to_reverse(payment: Payment, known: Known, caller: Caller) -> Side:
    """Return an operator's right to reverse; raises `PaymentNotFound` or `RoleMissing`."""
    require_payment_sight(payment, known, caller)
    if not caller.operate:
        raise RoleMissing
    return "system" if caller.system else "operate"


def _pays(payment: Payment, known: Known, caller: Caller, *, paid: bool) -> bool:
    """Whether a caller may pay from a wallet of one side of a payment."""
    return any(
        role_of(known[leg.destination_wallet_id if paid else leg.source_wallet_id], caller)
        in {"owner", "spender"}
        for leg in payment.legs
    )


def refund_of(command: RefundPayment, payment: Payment) -> MakePayment:
    """Return the payment that a refund is, the amount as asked or what is left."""
    left = payment.standing.refundable if command.amount is None else command.amount
    # What is declined has an amount too, also where nothing is left that could be asked for.
    amount = left or payment.standing.amount
    return _opposite(payment, command.refund_payment_id, "refund", amount, command.reason)


def refund(
    order: MakePayment, payment: Payment, known: Known, caller: Caller, now: Instant
) -> tuple[PaymentRefunded, list[Movement]]:
    """Decide a refund; nothing is forced: a payee without the money is `InsufficientFunds`."""
    standing = payment.standing
    if standing.status == "reversed":
        raise AlreadyReversed
    if payment.kind not in REFUNDABLE or standing.refundable + standing.refunded == 0:
        raise NotRefundable
    if order.amount > standing.refundable or standing.refundable == 0:
        raise AmountExceedsPayment
    require_open(order.legs, known, caller)
    movements = list(pay(order.payment_id, order.legs, known, now[:10], now, 0))
    refunded = standing.refunded + order.amount
    paid = standing.refundable + standing.refunded
    after = replace(
        standing,
        status=standing.status if standing.left else settled(paid, refunded),
        refunded=refunded,
        refundable=standing.refundable - order.amount,
    )
    fact = PaymentRefunded(
        refund_payment_id=order.payment_id,
        amount=order.amount,
        currency=order.currency,
        standing=after,
    )
    return fact, movements


def reversal_of(command: ReversePayment, payment: Payment) -> MakePayment:
    """Return the payment that a reversal is: of a hold, of what was captured."""
    amount = payment.standing.captured or payment.standing.amount
    return _opposite(payment, command.reversal_payment_id, "reversal", amount, command.reason)


def reverse(
    order: MakePayment, payment: Payment, known: Known, caller: Caller, now: Instant
) -> tuple[PaymentReversed, list[Movement]]:
    """Decide a reversal, which an operator gives and a frozen wallet does not stop."""
    standing = payment.standing
    if standing.status == "reversed":
        raise AlreadyReversed
    if standing.refunded:
        raise AlreadyRefunded
    if payment.kind not in REVERSIBLE or standing.status != "completed":
        raise NotReversible
    require_open(order.legs, known, caller, though_frozen=True)
    movements = list(pay(order.payment_id, order.legs, known, now[:10], now, 0))
    fact = PaymentReversed(
        reversal_payment_id=order.payment_id,
        amount=order.amount,
        currency=order.currency,
        standing=replace(standing, status="reversed", refundable=0),
    )
    return fact, movements


def _opposite(
    payment: Payment, name: PaymentId, kind: PaymentKind, amount: int, reason: str | None
) -> MakePayment:
    """Return a payment that gives back, the last leg first; the one leg of most with an amount."""
    legs = tuple(_back(leg, leg.amount) for leg in reversed(payment.legs))
    if len(legs) == 1:
        legs = (_back(payment.legs[0], amount),)
    return MakePayment(
        payment_id=name,
        kind=kind,
        legs=legs,
        amount=amount,
        currency=payment.began.currency,
        description=reason,
        original_payment_id=payment.payment_id,
    )


def _back(leg: Leg, amount: int) -> Leg:
    return Leg(leg.destination_wallet_id, leg.source_wallet_id, amount, leg.currency)
