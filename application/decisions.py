"""One command decided on wallets and payments as the commands before it left them."""

from collections.abc import Mapping, Sequence
from typing import assert_never
from uuid import UUID

from application import request_decisions, schedule_decisions
from application.commands import (
    PaymentCommand,
    PaymentRequestCommand,
    ScheduleCommand,
    Submission,
    WalletCommand,
)
from application.deciding import Decision, beginning, decided, declined, holds_until
from application.state import State
from application.wallet_decisions import on_wallet
from application.written_amounts import read_amounts
from domain import (
    approvals,
    authorizing,
    holds,
    payment_state,
    payments,
    periods,
    refunds,
    wallets,
)
from domain.approvals import ApprovePayment, RejectPayment
from domain.events import Action, RequestAccepted, RequestRefused, Side
from domain.exchanges import ExchangeMoney, exchange_of
from domain.holds import CaptureHold, ExpirePayment, IncreaseHold, ReleaseHold
from domain.identifiers import PaymentId, WalletId
from domain.instants import Instant
from domain.occurrences import RunOccurrence
from domain.operations import RecordOperation
from domain.payment_events import PaymentEvent
from domain.payment_requests import AcceptPaymentRequest, RequestPayment
from domain.payment_state import Payment
from domain.payments import MakePayment, Movement
from domain.periods import ClosePeriod
from domain.refunds import RefundPayment, ReversePayment
from domain.refusals import InsufficientFunds, NothingToDo, PaymentNotFound, Refusal
from domain.schedules import CreateSchedule
from domain.wallet_rules import OpenWallet, open_wallet
from domain.wallets import Caller, Wallet

ACTIONS: Mapping[type[PaymentCommand], Action] = {
    CaptureHold: "capture",
    ReleaseHold: "release",
    ExpirePayment: "expire",
    IncreaseHold: "increase",
    ApprovePayment: "approve",
    RejectPayment: "reject",
}


def decide(submission: Submission, state: State, now: Instant) -> Decision:
    """Decide one command; a refusal is a decision too, a `Rejection` is raised."""
    command, caller, stream = submission.command, submission.caller, submission.stream
    if submission.written:
        command = read_amounts(submission, submission.written, state)
    match command:
        case MakePayment():
            return _begin(command, caller, stream, state, now)
        case ExchangeMoney():
            order = exchange_of(command, state.wallets, caller, state.digits)
            return _begin(order, caller, stream, state, now)
        case OpenWallet():
            event = open_wallet(command, caller)
            wallet = wallets.opened(command.wallet_id, event)
            right: Side = "operate" if command.kind == "system" else "member"
            return Decision(((stream, 1, event),), right, (wallet,))
        case RefundPayment() | ReversePayment():
            return _undo(command, caller, stream, state, now)
        case RequestPayment():
            return request_decisions.ask(command, caller, stream, state, now)
        case AcceptPaymentRequest():
            return request_decisions.accept(command, caller, stream, state, now)
        case CreateSchedule():
            return schedule_decisions.create(command, caller, stream, state, now)
        case RunOccurrence():
            return schedule_decisions.run(command, caller, stream, state, now)
        case ClosePeriod():
            return _close(command, stream, state, now)
        case RecordOperation():
            return Decision(((stream, 1, command.fact),), "operate")
    if isinstance(command, PaymentCommand):
        return _on_payment(command, caller, stream, state, now)
    if isinstance(command, PaymentRequestCommand):
        return request_decisions.end(command, caller, stream, state, now)
    if isinstance(command, ScheduleCommand):
        return schedule_decisions.change(command, caller, stream, state, now)
    return _on_wallet(command, caller, stream, state.wallets, now)


def try_payment(command: MakePayment, caller: Caller, state: State, now: Instant) -> None:
    """Decide a payment without recording anything; raises its refusal or rejection."""
    payments.require_payer(command.legs, state.wallets, caller)
    beginning(command, caller, state.wallets, now, state.closed_through)


def _begin(
    command: MakePayment,
    caller: Caller,
    stream: UUID,
    state: State,
    now: Instant,
) -> Decision:
    known = state.wallets
    right = payments.require_payer(command.legs, known, caller)
    try:
        fact, movements = beginning(command, caller, known, now, state.closed_through)
    except Refusal as refusal:
        return declined(command, stream, right, refusal, now)
    return decided(stream, fact, right, known, movements, now)


def _undo(
    command: RefundPayment | ReversePayment,
    caller: Caller,
    stream: UUID,
    state: State,
    now: Instant,
) -> Decision:
    payment = _find(state, command.payment_id)
    fact: PaymentEvent
    if isinstance(command, RefundPayment):
        right = refunds.right_to_refund(payment, state.wallets, caller)
        order = refunds.refund_of(command, payment)
    else:
        right = refunds.right_to_reverse(payment, state.wallets, caller)
        order = refunds.reversal_of(command, payment)
    try:
        if isinstance(command, RefundPayment):
            fact, movements = refunds.refund(order, payment, state.wallets, caller, now)
        else:
            fact, movements = refunds.reverse(order, payment, state.wallets, caller, now)
    except Refusal as refusal:
        return declined(order, stream, right, refusal, now)
    answer = payments.completed(order, now)
    return decided(stream, answer, right, state.wallets, movements, now, payment, (fact,))


def _on_payment(
    command: PaymentCommand, caller: Caller, stream: UUID, state: State, now: Instant
) -> Decision:
    payment, known, action = _find(state, command.payment_id), state.wallets, ACTIONS[type(command)]
    right = _right_on_payment(command, payment, known, caller)
    facts: Sequence[PaymentEvent]
    try:
        facts, movements = _changed(command, payment, known, caller, now)
        periods.require_open_for(facts, state.closed_through)
        facts = periods.ended_in_the_open(facts, state.closed_through, now)
    except Refusal as refusal:
        short = isinstance(refusal, InsufficientFunds)
        refused = RequestRefused(
            action=action,
            payment_id=payment.payment_id,
            code=refusal.code,
            available=refusal.available if isinstance(refusal, InsufficientFunds) else None,
            currency=payment.began.currency if short else None,
        )
        until = holds_until(payment, now)
        return Decision(((stream, 1, refused),), right, refusal=refusal, valid_before=until)
    answer = RequestAccepted(
        action=action,
        role=_side_of(payment, known, caller),
        payment_id=payment.payment_id,
        standing=payment_state.standing_after(facts[-1]),
        shown_legs=_shown_legs(payment, known, caller),
    )
    return decided(stream, answer, right, known, movements, now, payment, facts)


def _side_of(payment: Payment, known: Mapping[WalletId, Wallet], caller: Caller) -> str | None:
    """Return on which side a caller is, who sees what the payer wrote only as a payer."""
    if caller.operate:
        return None
    pays = any(wallets.role_of(known[leg.source_wallet_id], caller) for leg in payment.legs)
    return "payer" if pays else "payee"


def _shown_legs(
    payment: Payment, known: Mapping[WalletId, Wallet], caller: Caller
) -> tuple[int, ...] | None:
    """Return which legs a payer of some of them sees; everybody else here sees the only one."""
    theirs = tuple(
        place
        for place, leg in enumerate(payment.legs)
        if caller.operate or wallets.role_of(known[leg.source_wallet_id], caller)
    )
    return theirs if 0 < len(theirs) < len(payment.legs) else None


def _right_on_payment(
    command: PaymentCommand, payment: Payment, known: Mapping[WalletId, Wallet], caller: Caller
) -> Side:
    match command:
        case CaptureHold():
            return holds.right_on_hold(payment, known, caller, payer_may=True)
        case ReleaseHold():
            return holds.right_on_hold(payment, known, caller, payer_may=False)
        case IncreaseHold():
            return holds.right_on_hold(payment, known, caller, payer_may=True, payee_may=False)
        case ExpirePayment():
            if not caller.system:
                raise PaymentNotFound
            return "system"
        case ApprovePayment() | RejectPayment():
            approvals.require_other_owner(payment, known, caller)
            return "member"
        case _:
            assert_never(command)


def _changed(
    command: PaymentCommand,
    payment: Payment,
    known: Mapping[WalletId, Wallet],
    caller: Caller,
    now: Instant,
) -> tuple[Sequence[PaymentEvent], list[Movement]]:
    fact: PaymentEvent
    match command:
        case CaptureHold():
            fact, movements = holds.capture(command, payment, known, caller, now)
        case ReleaseHold():
            fact, movements = holds.release(payment, now, "released")
        case IncreaseHold():
            fact, movements = holds.increase(command, payment, known, caller, now)
        case ExpirePayment():
            waits = payment.standing.status in {"authorized", "awaiting-approval"}
            if not waits or not authorizing.has_run_out(payment, now):
                raise NothingToDo
            fact, movements = holds.release(payment, now, "expired")
        case ApprovePayment():
            return approvals.approve(command, payment, known, caller, now)
        case RejectPayment():
            fact, movements = approvals.reject(command, payment, caller, now)
        case _:
            assert_never(command)
    return (fact,), movements


def _on_wallet(
    command: WalletCommand,
    caller: Caller,
    stream: UUID,
    known: Mapping[WalletId, Wallet],
    now: Instant,
) -> Decision:
    wallet = payments.find(known, command.wallet_id)
    answer, right, events, refusal = on_wallet(command, wallet, caller, now[:10])
    if refusal is not None:
        return Decision(((stream, 1, answer),), right, refusal=refusal)
    movements = [(wallet.wallet_id, event) for event in events]
    return decided(stream, answer, right, known, movements, now)


def _close(command: ClosePeriod, stream: UUID, state: State, now: Instant) -> Decision:
    try:
        closed = periods.close(command, state.closed_through, now)
    except Refusal as refusal:
        refused = RequestRefused(action="close-period", code=refusal.code)
        return Decision(((stream, 1, refused),), "operate", refusal=refusal)
    return Decision(((stream, 1, closed),), "operate", closes=closed.through)


def _find(state: State, payment_id: PaymentId) -> Payment:
    payment = state.payments.get(payment_id)
    if payment is None:
        raise PaymentNotFound
    return payment
