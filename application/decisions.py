"""One command decided on wallets and payments as the commands before it left them."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import assert_never
from uuid import UUID

from application.commands import PaymentCommand, Submission, WalletCommand
from application.state import State
from application.wallet_decisions import on_wallet
from application.written_amounts import read_amounts
from domain import approvals, authorizing, holds, payment_state, payments, refunds, wallets
from domain.approvals import ApprovePayment, RejectPayment
from domain.events import Action, Event, RequestAccepted, RequestRefused, Side
from domain.exchanges import ExchangeMoney, exchange_of
from domain.holds import CaptureHold, ExpirePayment, IncreaseHold, ReleaseHold
from domain.identifiers import PaymentId, WalletId, bits
from domain.instants import Instant, later
from domain.payment_events import PaymentEvent
from domain.payment_state import Payment
from domain.payments import MakePayment, Movement
from domain.refunds import RefundPayment, ReversePayment
from domain.refusals import InsufficientFunds, NothingToDo, PaymentNotFound, Refusal
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


@dataclass(frozen=True, slots=True)
class Decision:
    """Events in the order of storing, the first of which is the answer, and what they change.

    It holds until `valid_before`, where that is earlier than the end of the day.
    """

    events: tuple[tuple[UUID, int, Event], ...]
    right: Side
    wallets: tuple[Wallet, ...] = ()
    payments: tuple[Payment, ...] = ()
    refusal: Refusal | None = None
    valid_before: Instant | None = None


def decide(submission: Submission, state: State, now: Instant) -> Decision:
    """Decide one command; a refusal is a decision too, a `Rejection` is raised."""
    command, caller, stream = submission.command, submission.caller, submission.stream
    if submission.written:
        command = read_amounts(submission, submission.written, state)
    match command:
        case MakePayment():
            return _begin(command, caller, stream, state.wallets, now)
        case ExchangeMoney():
            order = exchange_of(command, state.wallets, caller, state.digits)
            return _begin(order, caller, stream, state.wallets, now)
        case OpenWallet():
            event = open_wallet(command, caller)
            wallet = wallets.opened(command.wallet_id, event)
            right: Side = "operate" if command.kind == "system" else "member"
            return Decision(((stream, 1, event),), right, (wallet,))
        case RefundPayment() | ReversePayment():
            return _undo(command, caller, stream, state, now)
    if isinstance(command, PaymentCommand):
        return _on_payment(command, caller, stream, state, now)
    return _on_wallet(command, caller, stream, state.wallets, now)


def try_payment(
    command: MakePayment, caller: Caller, known: Mapping[WalletId, Wallet], now: Instant
) -> None:
    """Decide a payment without recording anything; raises its refusal or rejection."""
    payments.require_payer(command.legs, known, caller)
    _beginning(command, caller, known, now)


def _begin(
    command: MakePayment,
    caller: Caller,
    stream: UUID,
    known: Mapping[WalletId, Wallet],
    now: Instant,
) -> Decision:
    right = payments.require_payer(command.legs, known, caller)
    try:
        fact, movements = _beginning(command, caller, known, now)
    except Refusal as refusal:
        return _declined(command, stream, right, refusal, now)
    return _decided(stream, fact, right, known, movements, now)


def _beginning(
    command: MakePayment, caller: Caller, known: Mapping[WalletId, Wallet], now: Instant
) -> tuple[PaymentEvent, list[Movement]]:
    """Decide how a payment begins: done at once, held, or waiting for other owners."""
    needed = approvals.quorums(command, known)
    if not needed and command.kind != "hold":
        movements = payments.make(command, known, caller, now)
        return payments.completed(command, now), movements
    movements = authorizing.hold(command, known, caller, now)
    expires_at = later(now, command.expires_in)
    if needed:
        return approvals.requested(command, needed, caller, expires_at, now), movements
    standing = authorizing.placed(command.amount, expires_at, now)
    return authorizing.authorized(command, standing), movements


def _undo(
    command: RefundPayment | ReversePayment,
    caller: Caller,
    stream: UUID,
    state: State,
    now: Instant,
) -> Decision:
    payment = _find(state, command.payment_id)
    right = refunds.right_to_refund(payment, state.wallets, caller)
    fact: PaymentEvent
    if isinstance(command, RefundPayment):
        order = refunds.refund_of(command, payment)
    else:
        order = refunds.reversal_of(command, payment)
    try:
        if isinstance(command, RefundPayment):
            fact, movements = refunds.refund(order, payment, state.wallets, caller, now)
        else:
            fact, movements = refunds.reverse(order, payment, state.wallets, caller, now)
    except Refusal as refusal:
        return _declined(order, stream, right, refusal, now)
    answer = payments.completed(order, now)
    return _decided(stream, answer, right, state.wallets, movements, now, payment, (fact,))


def _on_payment(
    command: PaymentCommand, caller: Caller, stream: UUID, state: State, now: Instant
) -> Decision:
    payment, known, action = _find(state, command.payment_id), state.wallets, ACTIONS[type(command)]
    right = _right_on_payment(command, payment, known, caller)
    facts: Sequence[PaymentEvent]
    try:
        facts, movements = _changed(command, payment, known, caller, now)
    except Refusal as refusal:
        short = isinstance(refusal, InsufficientFunds)
        refused = RequestRefused(
            action=action,
            payment_id=payment.payment_id,
            code=refusal.code,
            available=refusal.available if isinstance(refusal, InsufficientFunds) else None,
            currency=payment.began.currency if short else None,
        )
        return Decision(((stream, 1, refused),), right, refusal=refusal)
    answer = RequestAccepted(
        action=action,
        role=_side_of(payment, known, caller),
        payment_id=payment.payment_id,
        standing=payment_state.standing_after(facts[-1]),
    )
    return _decided(stream, answer, right, known, movements, now, payment, facts)


def _side_of(payment: Payment, known: Mapping[WalletId, Wallet], caller: Caller) -> str | None:
    """Return on which side a caller is, who sees what the payer wrote only as a payer."""
    if caller.operate:
        return None
    pays = any(wallets.role_of(known[leg.source_wallet_id], caller) for leg in payment.legs)
    return "payer" if pays else "payee"


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
    return _decided(stream, answer, right, known, movements, now)


def _find(state: State, payment_id: PaymentId) -> Payment:
    payment = state.payments.get(payment_id)
    if payment is None:
        raise PaymentNotFound
    return payment


def _declined(
    command: MakePayment, stream: UUID, right: Side, refusal: Refusal, now: Instant
) -> Decision:
    event = payments.declined(command, refusal, now)
    return Decision(((stream, 1, event),), right, refusal=refusal)


def _decided(
    stream: UUID,
    answer: Event,
    right: Side,
    known: Mapping[WalletId, Wallet],
    movements: Iterable[Movement],
    now: Instant,
    payment: Payment | None = None,
    facts: Iterable[PaymentEvent] = (),
) -> Decision:
    """Give every event its place in its stream: the answer, the payment's, then the wallets'."""
    events: list[tuple[UUID, int, Event]] = [(stream, 1, answer)]
    valid_before = None if payment is None else _holds_until(payment, now)
    for fact in facts:
        assert payment is not None, "what is added is added to a payment"
        payment = payment_state.evolve(payment, fact)
        events.append((bits(payment.payment_id), payment.version, fact))
    changed: dict[WalletId, Wallet] = {}
    today = now[:10]
    for wallet_id, event in movements:
        wallet = wallets.evolve(changed.get(wallet_id) or known[wallet_id], event, today)
        changed[wallet_id] = wallet
        events.append((bits(wallet_id), wallet.version, event))
    return Decision(
        tuple(events),
        right,
        tuple(changed.values()),
        () if payment is None else (payment,),
        valid_before=valid_before,
    )


def _holds_until(payment: Payment, now: Instant) -> Instant | None:
    """Return until when what was decided on a payment holds: until it runs out, if it has not."""
    expires_at = payment.standing.expires_at
    waits = payment.standing.status in {"authorized", "awaiting-approval"}
    return expires_at if waits and expires_at is not None and expires_at > now else None
