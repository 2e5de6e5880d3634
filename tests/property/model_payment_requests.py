"""The model's rules on payment requests: who may ask, and who ends what was asked for, how."""

from application.commands import PaymentRequestCommand
from domain.payment_requests import (
    AcceptPaymentRequest,
    CancelPaymentRequest,
    RequestPayment,
)
from domain.wallets import Caller
from tests.property.model_begin import Order, begin_order, declined, require_payer
from tests.property.model_orders import Asking
from tests.property.model_parts import Book, Move, No
from tests.property.model_wallets import look_into, may_pay

WAIT = 7 * 24 * 3600
CLOSED = "request-closed"


def ask(book: Book, command: RequestPayment, caller: Caller) -> None:
    """Ask for money into a purse, which may be frozen."""
    purse = look_into(book, command.wallet_id, caller)
    may_pay(purse, caller)
    if purse.currency != command.currency:
        raise No("currency-mismatch")
    if purse.closed:
        raise No("wallet-closed")
    book.askings[command.payment_request_id] = Asking(
        command.wallet_id,
        command.amount,
        command.currency,
        command.payer,
        book.now + command.expires_in * 1_000_000,
    )


def accept(book: Book, command: AcceptPaymentRequest, caller: Caller) -> None:
    """Pay what is asked for; what is refused, for whatever reason, leaves the request open."""
    asking = _answered(book, command.payment_request_id, caller)
    moves: list[Move] = [(command.source_wallet_id, asking.wallet, asking.amount, asking.currency)]
    order = Order("transfer", moves, asking.amount, asking.currency, WAIT)
    require_payer(book, moves, caller)
    if not asking.is_open(book.now):
        book.deals[command.payment_id] = declined(order)
        raise No(CLOSED)
    begin_order(book, command.payment_id, order, caller)
    asking.ended_by, asking.by = "accepted", caller.subject
    asking.payment = command.payment_id


def end(book: Book, command: PaymentRequestCommand, caller: Caller) -> None:
    """End a request without a payment."""
    if isinstance(command, CancelPaymentRequest):
        asking, how = _cancelled(book, command.payment_request_id, caller), "cancelled"
    else:
        asking, how = _answered(book, command.payment_request_id, caller), "declined"
    if not asking.is_open(book.now):
        raise No(CLOSED)
    asking.ended_by, asking.by = how, caller.subject


def _answered(book: Book, name: str, caller: Caller) -> Asking:
    asking = book.askings.get(name)
    if asking is None or not (asking.meant_for(caller) or caller.operate):
        raise No("request-not-found")
    return asking


def _cancelled(book: Book, name: str, caller: Caller) -> Asking:
    asking = book.askings.get(name)
    if asking is None:
        raise No("request-not-found")
    purse = book.purses[asking.wallet]
    if purse.pays(caller) or caller.operate:
        return asking
    if caller.subject in purse.roles:
        raise No("role-missing")
    raise No("not-payee" if asking.meant_for(caller) else "request-not-found")
