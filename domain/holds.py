"""Holds: money set aside for a payee, who captures it in parts or at once, until it runs out."""

from dataclasses import dataclass, replace

from domain.authorizing import freed, given_back, has_run_out, set_aside
from domain.events import Side, WalletCredited, WalletHoldCaptured
from domain.events import WalletHoldReleased as Released
from domain.identifiers import PaymentId
from domain.instants import Instant, later
from domain.money import MAX_AMOUNT, MAX_BALANCE
from domain.payment_events import (
    PaymentCaptured,
    PaymentEvent,
    PaymentIncreased,
    PaymentReleased,
    PaymentStanding,
    PaymentStatus,
    ReleaseReason,
)
from domain.payment_sight import untold
from domain.payment_state import Payment, settled
from domain.payments import (
    Known,
    Movement,
    require_limits,
    require_open,
)
from domain.refusals import (
    AmountExceedsHold,
    BalanceOutOfRange,
    HoldAlreadyCaptured,
    HoldAlreadyReleased,
    HoldExpired,
    LimitExceeded,
    NotPayee,
    PaymentNotFound,
    RoleMissing,
)
from domain.wallets import Caller, Wallet, role_of


@dataclass(frozen=True, slots=True)
class CaptureHold:
    """Pay so many minor units of a hold, none being all that is left; `final` frees the rest."""

    payment_id: PaymentId
    amount: int | None
    final: bool


@dataclass(frozen=True, slots=True)
class ReleaseHold:
    """Free what is left of a hold."""

    payment_id: PaymentId


@dataclass(frozen=True, slots=True)
class ExpirePayment:
    """Free what is left of a hold, or of a payment that waits for approval, past its time."""

    payment_id: PaymentId


@dataclass(frozen=True, slots=True)
class IncreaseHold:
    """Hold so many minor units more, for so many seconds from now at least; none keeps the end."""

    payment_id: PaymentId
    amount: int
    expires_in: int | None


Changed = tuple[PaymentEvent, list[Movement]]
"""What is added to a payment's stream, and what happens to wallets."""


def right_on_hold(
    payment: Payment, known: Known, caller: Caller, *, payer_may: bool, payee_may: bool = True
) -> Side:
    """Return by which right a caller acts on a hold.

    Raises `PaymentNotFound` for a stranger and for what is no hold, `NotPayee` for a payer who may
    not, `RoleMissing` for a member without the right.
    """
    source, destination = _sides(payment, known)
    if payee_may and role_of(destination, caller) in {"owner", "spender"}:
        return "member"
    pays = role_of(source, caller)
    if payer_may and pays in {"owner", "spender"}:
        return "member"
    if caller.operate:
        return "system" if caller.system else "operate"
    if pays is None and role_of(destination, caller) is None:
        raise PaymentNotFound
    if pays in {"owner", "spender"} and not payer_may:
        raise NotPayee
    raise RoleMissing


def capture(
    command: CaptureHold, payment: Payment, known: Known, caller: Caller, now: Instant
) -> Changed:
    """Decide a capture, which moves money and counts against no limit again."""
    standing = _open_hold(payment, now)
    source, destination = _sides(payment, known)
    amount = standing.left if command.amount is None else command.amount
    if amount > standing.left:
        raise AmountExceedsHold
    require_open(payment.legs, known, caller)
    if destination.posted + amount > MAX_BALANCE:
        raise BalanceOutOfRange
    # Whatever says that nothing is left is the end, also when it was not meant to be final.
    released = standing.left - amount if command.final else 0
    left = standing.left - amount - released
    taken = standing.captured + amount
    back = given_back(standing, released, now)
    began, payment_id = payment.began, payment.payment_id
    effective_at = began.effective_at or now
    captured = PaymentCaptured(
        amount=amount,
        released=released,
        currency=began.currency,
        effective_at=effective_at,
        description=began.description,
        standing=replace(
            standing,
            status="authorized" if left else settled(taken, standing.refunded),
            ended_by="captured" if left == 0 else None,
            captured=taken,
            left=left,
            refundable=standing.refundable + amount,
            counted=min(standing.counted - back, left),
        ),
    )
    payer, payee, currency = source.wallet_id, destination.wallet_id, began.currency
    movements: list[Movement] = [
        (payer, WalletHoldCaptured(payment_id, amount, currency, payee, effective_at)),
        (payee, WalletCredited(payment_id, amount, currency, payer, effective_at)),
    ]
    if released:
        rest = Released(payment_id, released, currency, "captured", back)
        movements.append((payer, rest))
    return captured, movements


def release(payment: Payment, now: Instant, reason: ReleaseReason) -> Changed:
    """Decide the end of a hold; with anything captured it ends completed."""
    standing = payment.standing
    if reason == "released":
        standing = _open_hold(payment, now)
    unpaid: PaymentStatus = "expired" if reason == "expired" else "cancelled"
    waited = standing.status == "awaiting-approval"
    released = PaymentReleased(
        amount=standing.amount if waited else standing.left,
        reason=reason,
        kind=payment.kind,
        currency=payment.began.currency,
        effective_at=payment.began.effective_at or now,
        standing=replace(
            standing,
            status=settled(standing.captured, standing.refunded) if standing.captured else unpaid,
            # What nobody approved was no hold yet, and its payee is not told of it.
            ended_by=None if waited else reason,
            left=0,
            counted=0,
        ),
    )
    return released, freed(payment, reason, now)


def increase(
    command: IncreaseHold, payment: Payment, known: Known, caller: Caller, now: Instant
) -> Changed:
    """Decide to hold more, which is bounded and counts as a hold placed."""
    standing = _open_hold(payment, now)
    (leg,) = payment.legs
    more = replace(leg, amount=command.amount)
    require_open((more,), known, caller)
    require_limits((more,), known, now[:10])
    if known[leg.source_wallet_id].awaits_approval(standing.amount + command.amount):
        # There is nobody to wait for, so it would be a way round the other owners; so would many
        # small increases be.
        raise LimitExceeded
    if standing.amount + command.amount > MAX_AMOUNT:
        raise BalanceOutOfRange
    assert standing.expires_at is not None, "a hold has an end"
    expires_at = standing.expires_at
    if command.expires_in is not None:
        # A payer cannot release, so they cannot bring the end nearer either.
        expires_at = max(expires_at, later(now, command.expires_in))
    movements = set_aside(payment.payment_id, (more,), known, expires_at)
    before = standing.counted if standing.counted_on == now[:10] else 0
    increased = PaymentIncreased(
        amount=command.amount,
        currency=payment.began.currency,
        standing=replace(
            standing,
            amount=standing.amount + command.amount,
            left=standing.left + command.amount,
            expires_at=expires_at,
            counted_on=now[:10],
            counted=before + command.amount,
        ),
    )
    return increased, movements


def _open_hold(payment: Payment, now: Instant) -> PaymentStanding:
    """Return the standing of a hold that can still be captured, or raise why it cannot."""
    standing = payment.standing
    if standing.ended_by == "captured":
        raise HoldAlreadyCaptured
    if standing.ended_by == "released":
        raise HoldAlreadyReleased
    if standing.ended_by == "expired" or has_run_out(payment, now):
        raise HoldExpired
    return standing


def _sides(payment: Payment, known: Known) -> tuple[Wallet, Wallet]:
    if payment.kind != "hold" or untold(payment.standing):
        raise PaymentNotFound
    (leg,) = payment.legs
    return known[leg.source_wallet_id], known[leg.destination_wallet_id]
