"""Commands on payment requests, decided: asking, paying, and ending without a payment."""

from collections.abc import Mapping
from dataclasses import replace
from uuid import UUID

from application.commands import PaymentRequestCommand
from application.deciding import Decision, beginning, decided, declined
from application.state import State
from domain import payment_requests as requests
from domain import payments
from domain.events import Action, RequestAccepted, RequestRefused, Side
from domain.identifiers import PaymentRequestId, bits
from domain.instants import Instant
from domain.payment_request_events import PaymentRequestEvent
from domain.payment_requests import (
    AcceptPaymentRequest,
    CancelPaymentRequest,
    DeclinePaymentRequest,
    PaymentRequest,
    RequestPayment,
)
from domain.refusals import PaymentRequestNotFound, Refusal, RequestClosed
from domain.wallets import Caller

ACTIONS: Mapping[type[PaymentRequestCommand], Action] = {
    DeclinePaymentRequest: "decline-request",
    CancelPaymentRequest: "cancel-request",
}


def ask(
    command: RequestPayment, caller: Caller, stream: UUID, state: State, now: Instant
) -> Decision:
    """Decide a request for an amount; the request itself is the answer."""
    right = requests.right_to_request(command, state.wallets, caller)
    wallet = state.wallets[command.wallet_id]
    try:
        created = requests.request(command, wallet, caller, now)
    except Refusal as refusal:
        refused = RequestRefused(
            action="request-payment", wallet_id=command.wallet_id, code=refusal.code
        )
        return Decision(((stream, 1, refused),), right, refusal=refusal)
    asked = PaymentRequest(command.payment_request_id, 1, created, created.standing)
    return Decision(((stream, 1, created),), right, requests=(asked,))


def accept(
    command: AcceptPaymentRequest, caller: Caller, stream: UUID, state: State, now: Instant
) -> Decision:
    """Decide a payment of what a request asks for; both happen, or the payment is declined."""
    asked = _find(state, command.payment_request_id)
    requests.right_to_answer(asked, caller)
    order = requests.payment_for(command, asked)
    right = payments.require_payer(order.legs, state.wallets, caller)
    try:
        fact = requests.accept(command, asked, caller, now)
        answer, movements = beginning(order, caller, state.wallets, now, state.closed_through)
    except Refusal as refusal:
        refused = declined(order, stream, right, refusal, now)
        if isinstance(refusal, RequestClosed):
            return refused
        # Recorded past the request's end it would tell another reason.
        return replace(refused, valid_before=asked.began.expires_at)
    decision = decided(stream, answer, right, state.wallets, movements, now)
    return _with(decision, asked, fact)


def end(
    command: PaymentRequestCommand, caller: Caller, stream: UUID, state: State, now: Instant
) -> Decision:
    """Decide the end of a request without a payment."""
    asked = _find(state, command.payment_request_id)
    action, right = ACTIONS[type(command)], _right_to_end(command, asked, state, caller)
    try:
        fact = requests.end(command, asked, caller, now)
    except Refusal as refusal:
        refused = RequestRefused(
            action=action, code=refusal.code, payment_request_id=command.payment_request_id
        )
        return Decision(((stream, 1, refused),), right, refusal=refusal)
    answer = RequestAccepted(
        action=action,
        payment_request_id=command.payment_request_id,
        request_standing=fact.standing,
    )
    return _with(decided(stream, answer, right, state.wallets, (), now), asked, fact)


def _right_to_end(
    command: PaymentRequestCommand, asked: PaymentRequest, state: State, caller: Caller
) -> Side:
    if isinstance(command, CancelPaymentRequest):
        return requests.right_to_cancel(asked, state.wallets, caller)
    return requests.right_to_answer(asked, caller)


def _find(state: State, name: PaymentRequestId) -> PaymentRequest:
    asked = state.requests.get(name)
    if asked is None:
        raise PaymentRequestNotFound
    return asked


def _with(decision: Decision, asked: PaymentRequest, fact: PaymentRequestEvent) -> Decision:
    """Put the request's event behind the answer; it was decided before the request's end."""
    after = requests.evolve(asked, fact)
    answer, *moved = decision.events
    placed = (bits(after.payment_request_id), after.version, fact)
    return replace(
        decision,
        events=(answer, placed, *moved),
        requests=(after,),
        valid_before=asked.began.expires_at,
    )
