"""Setting money aside for a payment, and freeing it again."""

from collections.abc import Sequence

from domain.events import HoldReleaseReason, WalletFundsHeld, WalletHoldReleased
from domain.identifiers import PaymentId
from domain.instants import Instant, later
from domain.money import MAX_BALANCE
from domain.payment_events import Leg, PaymentAuthorized, PaymentStanding
from domain.payment_state import Payment
from domain.payments import (
    Known,
    MakePayment,
    Movement,
    require_limits,
    require_open,
    require_shape,
    sums,
)
from domain.refusals import BalanceOutOfRange, InsufficientFunds
from domain.wallets import Caller


def hold(command: MakePayment, known: Known, caller: Caller, now: Instant) -> list[Movement]:
    """Decide to set aside what a payment will take; raises the refusals of a payment."""
    today = now[:10]
    require_shape(command.legs, known)
    require_open(command.legs, known, caller)
    require_limits(command.legs, known, today)
    expires_at = later(now, command.expires_in)
    return set_aside(command.payment_id, command.legs, known, expires_at)


def set_aside(
    payment_id: PaymentId, legs: Sequence[Leg], known: Known, expires_at: Instant
) -> list[Movement]:
    """Hold the sum of the legs in each payer's wallet; raises `InsufficientFunds` or range."""
    held: list[Movement] = []
    for wallet_id, amount in sums(legs).items():
        wallet = known[wallet_id]
        if not wallet.affords(amount):
            raise InsufficientFunds(wallet.available)
        if wallet.available - amount < -MAX_BALANCE or wallet.held + amount > MAX_BALANCE:
            raise BalanceOutOfRange
        currency = wallet.rules.currency
        held.append((wallet_id, WalletFundsHeld(payment_id, amount, currency, expires_at)))
    return held


def authorized(command: MakePayment, standing: PaymentStanding) -> PaymentAuthorized:
    """Return the fact that a hold was placed."""
    (leg,) = command.legs
    return PaymentAuthorized(
        kind="hold",
        amount=command.amount,
        currency=command.currency,
        source_wallet_id=leg.source_wallet_id,
        destination_wallet_id=leg.destination_wallet_id,
        effective_at=command.effective_at,
        description=command.description,
        reference=command.reference,
        metadata=command.metadata,
        standing=standing,
    )


def placed(amount: int, expires_at: Instant, now: Instant) -> PaymentStanding:
    """Return how a hold stands when it has been placed."""
    return PaymentStanding(
        status="authorized",
        amount=amount,
        left=amount,
        expires_at=expires_at,
        counted_on=now[:10],
        counted=amount,
    )


def freed(payment: Payment, reason: HoldReleaseReason, now: Instant) -> list[Movement]:
    """Return what happens to the payers' wallets when all that is left is not held any more."""
    standing = payment.standing
    if standing.status == "authorized":
        (leg,) = payment.legs
        back = {leg.source_wallet_id: (standing.left, given_back(standing, standing.left, now))}
    else:
        counts = standing.counted_on == now[:10]
        totals = sums(payment.legs).items()
        back = {wallet: (amount, amount if counts else 0) for wallet, amount in totals}
    currency = payment.began.currency
    return [
        (wallet, WalletHoldReleased(payment.payment_id, amount, currency, reason, counted))
        for wallet, (amount, counted) in back.items()
    ]


def has_run_out(payment: Payment, now: Instant) -> bool:
    """Whether a payment that waits for something has waited too long."""
    expires_at = payment.standing.expires_at
    return expires_at is not None and expires_at <= now


def given_back(standing: PaymentStanding, released: int, now: Instant) -> int:
    """Return what a release gives back to today's limit: what was placed last is freed first."""
    return min(released, standing.counted) if standing.counted_on == now[:10] else 0
