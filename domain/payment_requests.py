"""Payment requests: a payee asks for an amount, and a payer pays it once, or does not."""

from dataclasses import dataclass
from typing import assert_never

from domain.events import Event, Side
from domain.identifiers import PaymentId, PaymentRequestId, WalletId
from domain.instants import Instant, later
from domain.payment_request_events import (
    PaymentRequestAccepted,
    PaymentRequestCancelled,
    PaymentRequestCreated,
    PaymentRequestDeclined,
    PaymentRequestEvent,
    PaymentRequestStanding,
)
from domain.payments import Known, MakePayment, find, transfer_money
from domain.refusals import (
    CurrencyMismatch,
    NotPayee,
    PaymentRequestNotFound,
    RequestClosed,
    RoleMissing,
    WalletIsClosed,
)
from domain.wallets import Caller, Wallet, right_to_pay, role_of


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestPayment:
    """Ask for an amount in minor units, of `payer` or of whoever comes, for so many seconds."""

    payment_request_id: PaymentRequestId
    wallet_id: WalletId
    amount: int
    currency: str
    payer: str | None
    description: str | None
    expires_in: int


@dataclass(frozen=True, slots=True)
class AcceptPaymentRequest:
    """Pay what a request asks for by a transfer from a wallet."""

    payment_id: PaymentId
    payment_request_id: PaymentRequestId
    source_wallet_id: WalletId


@dataclass(frozen=True, slots=True)
class DeclinePaymentRequest:
    """Say that one does not pay."""

    payment_request_id: PaymentRequestId


@dataclass(frozen=True, slots=True)
class CancelPaymentRequest:
    """Take back what was asked for."""

    payment_request_id: PaymentRequestId


@dataclass(frozen=True, slots=True)
class PaymentRequest:
    """A request as decisions see it: how it began, its version, and how it stands now."""

    payment_request_id: PaymentRequestId
    version: int
    began: PaymentRequestCreated
    standing: PaymentRequestStanding


def reference_of(payment_request_id: PaymentRequestId) -> str:
    """Return the short reference of a request: the end of its id, in two groups of four."""
    return f"{payment_request_id[-8:-4]}-{payment_request_id[-4:]}"


def request(
    command: RequestPayment, wallet: Wallet, caller: Caller, now: Instant
) -> PaymentRequestCreated:
    """Decide a request into a wallet; raises `CurrencyMismatch` or `WalletIsClosed`.

    A frozen wallet may ask: what comes in passes.
    """
    if command.currency != wallet.rules.currency:
        raise CurrencyMismatch
    if wallet.rules.closed:
        raise WalletIsClosed
    return PaymentRequestCreated(
        wallet_id=command.wallet_id,
        amount=command.amount,
        currency=command.currency,
        requested_by=caller.subject,
        payer=command.payer,
        description=command.description,
        expires_at=later(now, command.expires_in),
        standing=PaymentRequestStanding(status="open"),
    )


def right_to_request(command: RequestPayment, known: Known, caller: Caller) -> Side:
    """Return by which right a caller asks; raises `WalletNotFound` or `RoleMissing`."""
    return right_to_pay(find(known, command.wallet_id), caller)


def right_to_answer(asked: PaymentRequest, caller: Caller) -> Side:
    """Return by which right a caller accepts or declines.

    Raises `PaymentRequestNotFound` where it is meant for somebody else.
    """
    if asked.began.payer in {None, caller.subject}:
        return "member"
    if caller.operate:
        return "operate"
    raise PaymentRequestNotFound


def right_to_cancel(asked: PaymentRequest, known: Known, caller: Caller) -> Side:
    """Return by which right a caller cancels, which only the payee's side may.

    Raises `PaymentRequestNotFound` for a stranger, `RoleMissing` for a member without the right,
    `NotPayee` for somebody whom it is meant for.
    """
    role = role_of(known[asked.began.wallet_id], caller)
    if role in {"owner", "spender"}:
        return "member"
    if caller.operate:
        return "operate"
    if role is not None:
        raise RoleMissing
    right_to_answer(asked, caller)
    raise NotPayee


def payment_for(command: AcceptPaymentRequest, asked: PaymentRequest) -> MakePayment:
    """Return the transfer that an acceptance is; it bears the request's short reference."""
    began = asked.began
    return transfer_money(
        payment_id=command.payment_id,
        source_wallet_id=command.source_wallet_id,
        destination_wallet_id=began.wallet_id,
        amount=began.amount,
        currency=began.currency,
        description=began.description,
        reference=reference_of(asked.payment_request_id),
    )


def accept(
    command: AcceptPaymentRequest, asked: PaymentRequest, caller: Caller, now: Instant
) -> PaymentRequestAccepted:
    """Decide an acceptance, which is one only where its payment is made or waits."""
    require_not_ended(asked, now)
    standing = PaymentRequestStanding(
        status="accepted", payment_id=command.payment_id, by=caller.subject
    )
    return PaymentRequestAccepted(standing=standing)


def end(
    command: DeclinePaymentRequest | CancelPaymentRequest,
    asked: PaymentRequest,
    caller: Caller,
    now: Instant,
) -> PaymentRequestDeclined | PaymentRequestCancelled:
    """Decide the end of a request without a payment."""
    require_not_ended(asked, now)
    match command:
        case DeclinePaymentRequest():
            standing = PaymentRequestStanding(status="declined", by=caller.subject)
            return PaymentRequestDeclined(standing=standing)
        case CancelPaymentRequest():
            standing = PaymentRequestStanding(status="cancelled", by=caller.subject)
            return PaymentRequestCancelled(standing=standing)
        case _:
            assert_never(command)


def require_not_ended(asked: PaymentRequest, now: Instant) -> None:
    """Raise `RequestClosed` where a request has ended by what somebody did, or by its time."""
    if asked.standing.status != "open" or asked.began.expires_at <= now:
        raise RequestClosed


def request_of(
    payment_request_id: PaymentRequestId, first: PaymentRequestCreated, last: Event, version: int
) -> PaymentRequest:
    """Return a request from the first and the last event of its stream."""
    assert isinstance(last, PaymentRequestEvent), "a request's stream has its own events only"
    return PaymentRequest(payment_request_id, version, first, last.standing)


def evolve(asked: PaymentRequest, event: PaymentRequestEvent) -> PaymentRequest:
    """Return the request after one more event of its stream."""
    return PaymentRequest(asked.payment_request_id, asked.version + 1, asked.began, event.standing)
