"""Approvals: a payment above a shared wallet's threshold waits until other owners agree."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from domain.authorizing import freed, has_run_out, placed
from domain.events import WalletCredited, WalletHoldCaptured
from domain.identifiers import PaymentId, WalletId
from domain.instants import Instant
from domain.money import MAX_BALANCE
from domain.payment_events import (
    PaymentApprovalRequested,
    PaymentApproved,
    PaymentAuthorized,
    PaymentCompleted,
    PaymentEvent,
    PaymentRejected,
    PaymentStanding,
    Quorum,
)
from domain.payment_sight import require_payment_sight
from domain.payment_state import Payment, standing_after
from domain.payments import Known, MakePayment, Movement, named, require_open, sums
from domain.refusals import (
    AlreadyApproved,
    ApprovalNotNeeded,
    BalanceOutOfRange,
    RoleMissing,
)
from domain.wallets import Caller, role_of


@dataclass(frozen=True, slots=True)
class ApprovePayment:
    """Agree, as another owner, to a payment that waits."""

    payment_id: PaymentId
    reason: str | None


@dataclass(frozen=True, slots=True)
class RejectPayment:
    """Refuse, as another owner, a payment that waits."""

    payment_id: PaymentId
    reason: str | None


def quorums(command: MakePayment, known: Known) -> tuple[Quorum, ...]:
    """Return which wallets of a payment wait for how many other owners."""
    if not command.counted:
        return ()
    return tuple(
        Quorum(wallet_id, known[wallet_id].rules.approvals_required)
        for wallet_id, amount in sums(command.legs).items()
        if known[wallet_id].awaits_approval(amount)
    )


def requested(
    command: MakePayment,
    needed: tuple[Quorum, ...],
    caller: Caller,
    expires_at: Instant,
    now: Instant,
) -> PaymentApprovalRequested:
    """Return the fact that a payment waits for other owners."""
    source, destination, legs = named(command)
    standing = placed(command.amount, expires_at, now)
    return PaymentApprovalRequested(
        kind=command.kind,
        amount=command.amount,
        currency=command.currency,
        source_wallet_id=source,
        destination_wallet_id=destination,
        effective_at=command.effective_at,
        description=command.description,
        reference=command.reference,
        metadata=command.metadata,
        legs=legs,
        requested_by=caller.subject,
        quorums=needed,
        standing=replace(standing, status="awaiting-approval", left=0),
    )


def require_other_owner(payment: Payment, known: Known, caller: Caller) -> None:
    """Let only another owner decide than the one who asked for the payment.

    Raises `PaymentNotFound` for a stranger, `RoleMissing` for everybody else who is none.
    """
    require_payment_sight(payment, known, caller)
    began = payment.began
    deciding = {leg.source_wallet_id for leg in payment.legs}
    if isinstance(began, PaymentApprovalRequested):
        deciding = {quorum.wallet_id for quorum in began.quorums}
        if caller.subject == began.requested_by:
            raise RoleMissing
    if all(role_of(known[name], caller) != "owner" for name in deciding):
        raise RoleMissing


def _waiting(payment: Payment, now: Instant) -> PaymentApprovalRequested:
    began = payment.began
    waits = payment.standing.status == "awaiting-approval" and not has_run_out(payment, now)
    if not waits or not isinstance(began, PaymentApprovalRequested):
        raise ApprovalNotNeeded
    return began


def approve(
    command: ApprovePayment, payment: Payment, known: Known, caller: Caller, now: Instant
) -> tuple[tuple[PaymentEvent, ...], list[Movement]]:
    """Decide an approval; the last one that is needed carries the payment out.

    Only who is an owner still counts then. Where the payment cannot be carried out, the approval
    is refused for that reason and the payment goes on waiting.
    """
    began, standing = _waiting(payment, now), payment.standing
    if caller.subject in standing.approved_by:
        raise AlreadyApproved
    agreed = (*standing.approved_by, caller.subject)
    approved = PaymentApproved(
        by=caller.subject,
        reason=command.reason,
        standing=replace(standing, approved_by=agreed),
    )
    if not all(_reached(quorum, known, agreed) for quorum in began.quorums):
        return (approved,), []
    require_open(payment.legs, known, caller)
    if began.kind == "hold":
        return (approved, _hold_of(began, approved.standing)), []
    done = _completed(began, now)
    done = replace(done, standing=replace(standing_after(done), approved_by=agreed))
    return (approved, done), list(_carried_out(payment, known, done.effective_at))


def reject(
    command: RejectPayment, payment: Payment, caller: Caller, now: Instant
) -> tuple[PaymentRejected, list[Movement]]:
    """Decide a rejection, which ends the payment as declined and frees its money."""
    began = _waiting(payment, now)
    rejected = PaymentRejected(
        by=caller.subject,
        reason=command.reason,
        kind=began.kind,
        currency=began.currency,
        standing=replace(payment.standing, status="declined", counted=0),
    )
    return rejected, freed(payment, "rejected", now)


def _reached(quorum: Quorum, known: Known, agreed: tuple[str, ...]) -> bool:
    members = known[quorum.wallet_id].rules.members
    return sum(members.get(name) == "owner" for name in agreed) >= quorum.required


def _carried_out(payment: Payment, known: Known, effective_at: Instant) -> Iterator[Movement]:
    arrived: dict[WalletId, int] = {}
    for leg in payment.legs:
        payer, payee, amount = leg.source_wallet_id, leg.destination_wallet_id, leg.amount
        arrived[payee] = arrived.get(payee, 0) + amount
        if known[payee].posted + arrived[payee] > MAX_BALANCE:
            raise BalanceOutOfRange
        name, currency = payment.payment_id, leg.currency
        yield payer, WalletHoldCaptured(name, amount, currency, payee, effective_at)
        yield payee, WalletCredited(name, amount, currency, payer, effective_at)


def _completed(began: PaymentApprovalRequested, now: Instant) -> PaymentCompleted:
    return PaymentCompleted(
        kind=began.kind,
        amount=began.amount,
        currency=began.currency,
        source_wallet_id=began.source_wallet_id,
        destination_wallet_id=began.destination_wallet_id,
        effective_at=began.effective_at or now,
        description=began.description,
        reference=began.reference,
        metadata=began.metadata,
        legs=began.legs,
    )


def _hold_of(began: PaymentApprovalRequested, standing: PaymentStanding) -> PaymentAuthorized:
    assert began.source_wallet_id is not None, "a hold has one leg"
    assert began.destination_wallet_id is not None, "a hold has one leg"
    return PaymentAuthorized(
        kind="hold",
        amount=began.amount,
        currency=began.currency,
        source_wallet_id=began.source_wallet_id,
        destination_wallet_id=began.destination_wallet_id,
        effective_at=began.effective_at,
        description=began.description,
        reference=began.reference,
        metadata=began.metadata,
        standing=replace(standing, status="authorized", left=began.amount),
    )
