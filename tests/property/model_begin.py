"""How payments begin in the model: done at once, held, or waiting for other owners."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction

from domain.exchanges import ExchangeMoney
from domain.payments import MakePayment
from domain.wallets import Caller
from tests.property.model_parts import MOST, Book, Deal, Move, No, Purse, sums
from tests.property.model_wallets import look_into, may_pay

COUNTING = {"transfer", "hold", "split"}


@dataclass(frozen=True)
class Order:
    """A payment as it is asked for."""

    kind: str
    moves: list[Move]
    amount: int
    currency: str
    expires_in: int


def order_of(command: MakePayment) -> Order:
    """Return what a command asks for."""
    moves: list[Move] = [
        (leg.source_wallet_id, leg.destination_wallet_id, leg.amount, leg.currency)
        for leg in command.legs
    ]
    return Order(command.kind, moves, command.amount, command.currency, command.expires_in)


def try_to_begin(book: Book, command: MakePayment, caller: Caller) -> None:
    """Find out how a payment would end; only purses that are not there yet are made by that."""
    order = order_of(command)
    require_payer(book, order.moves, caller)
    quorums(book, order)
    refuse(book, order, caller)


def begin(book: Book, command: MakePayment, caller: Caller) -> None:
    """Begin a payment, or keep that it was refused."""
    begin_order(book, command.payment_id, order_of(command), caller)


def begin_exchange(
    book: Book, command: ExchangeMoney, caller: Caller, digits: Mapping[str, int]
) -> None:
    """Begin the exchange of money, rounded down by exact fractions."""
    source = look_into(book, command.source_wallet_id, caller)
    others = [book.purses.get(name) for name in (command.destination_wallet_id, *command.through)]
    for place, other in enumerate(others):
        if other is None:
            raise No("not-found")
        if place and other.kind != "system":
            raise No("field-invalid")
    payee = book.purses[command.destination_wallet_id]
    whole = Fraction(command.amount, 10 ** digits[source.currency])
    rate = Fraction(command.rate.numerator, command.rate.denominator)
    worth = (whole * rate * 10 ** digits[payee.currency]).__floor__()
    if worth == 0 or worth > 10**18:
        raise No("field-invalid")
    taker, giver = command.through
    moves: list[Move] = [
        (command.source_wallet_id, taker, command.amount, source.currency),
        (giver, command.destination_wallet_id, worth, payee.currency),
    ]
    order = Order("exchange", moves, command.amount, source.currency, 0)
    begin_order(book, command.payment_id, order, caller)


def require_payer(book: Book, moves: list[Move], caller: Caller) -> None:
    """Refuse a caller who may not pay, or what is not there."""
    for payer, payee, _, _ in moves:
        look_into(book, payer, caller)
        if payee not in book.purses:
            raise No("not-found")
    for payer, _, _, _ in moves:
        may_pay(book.purses[payer], caller)


def require_open(
    book: Book, moves: list[Move], caller: Caller, though_frozen: bool = False
) -> None:
    """Refuse a payer's purse that is closed or frozen, and a payee's that is closed."""
    for payer, _, _, _ in moves:
        if book.purses[payer].closed:
            raise No("wallet-closed")
        if book.purses[payer].frozen and not though_frozen:
            raise No("wallet-frozen")
    for _, payee, _, _ in moves:
        purse = book.purses[payee]
        if purse.closed:
            raise No("wallet-closed" if purse.seen_by(caller) else "payee-unavailable")


def require_limits(book: Book, moves: list[Move]) -> None:
    """Refuse what passes the limit of a payment or of a day."""
    for payer, amount in sums(moves).items():
        purse = book.purses[payer]
        if purse.per_payment is not None and amount > purse.per_payment:
            raise No("limit-exceeded")
        if purse.per_day is not None and purse.spent[book.today] + amount > purse.per_day:
            raise No("limit-exceeded")


def require_held(book: Book, moves: list[Move]) -> None:
    """Refuse to hold what is not there."""
    for payer, amount in sums(moves).items():
        rest = book.available(payer) - amount
        _require_rest(book.purses[payer], rest, amount)
        if book.held(payer) + amount > MOST:
            raise No("balance-out-of-range")


def require_paid(book: Book, moves: list[Move], currency: str) -> None:
    """Refuse moves of which one, in their order, has not its money or no room.

    What was available is only told in the currency of the payment.
    """
    moved: Counter[str] = Counter()
    for payer, payee, amount, each in moves:
        rest = book.available(payer) + moved[payer] - amount
        try:
            _require_rest(book.purses[payer], rest, amount)
        except No as no:
            raise no if each == currency else No(no.end[0]) from None
        if book.purses[payee].balance + moved[payee] + amount > MOST:
            raise No("balance-out-of-range")
        moved[payer] -= amount
        moved[payee] += amount


def move(book: Book, moves: list[Move]) -> None:
    """Let the money move."""
    for payer, payee, amount, _ in moves:
        book.purses[payer].balance -= amount
        book.purses[payee].balance += amount


def _require_rest(purse: Purse, rest: int, amount: int) -> None:
    if purse.limit is not None and rest < -purse.limit:
        raise No("insufficient-funds", rest + amount)
    if rest < -MOST:
        raise No("balance-out-of-range")


def declined(order: Order) -> Deal:
    """Return the deal that is kept of a payment which was refused."""
    return Deal(order.kind, order.moves, order.amount, order.currency, "declined")


def begin_order(book: Book, name: str, order: Order, caller: Caller) -> None:
    """Begin a payment, or keep that it was refused, once its caller may pay."""
    require_payer(book, order.moves, caller)
    deal = declined(order)
    needed = quorums(book, order)
    try:
        refuse(book, order, caller)
    except No:
        book.deals[name] = deal
        raise
    if order.kind in COUNTING:
        for payer, amount in sums(order.moves).items():
            book.purses[payer].spent[book.today] += amount
    if needed or order.kind == "hold":
        deal.state = "waiting" if needed else "held"
        deal.asked, deal.asker, deal.quorums = bool(needed), caller.subject, needed
        deal.expires = book.now + order.expires_in * 1_000_000
        deal.layers = [[book.today, order.amount]]
    else:
        deal.state, deal.taken = "done", order.amount
        move(book, order.moves)
    book.deals[name] = deal


def require_fitting(book: Book, moves: list[Move]) -> None:
    """Refuse to pay from a purse into itself, or between currencies."""
    if any(payer == payee for payer, payee, _, _ in moves):
        raise No("same-wallet")
    for payer, payee, _, currency in moves:
        if {book.purses[payer].currency, book.purses[payee].currency} != {currency}:
            raise No("currency-mismatch")


def refuse(book: Book, order: Order, caller: Caller) -> None:
    """Raise the first reason not to begin a payment whose caller may pay."""
    moves = order.moves
    require_fitting(book, moves)
    require_open(book, moves, caller)
    if order.kind in COUNTING:
        require_limits(book, moves)
    if order.kind == "hold" or quorums(book, order):
        require_held(book, moves)
    else:
        require_paid(book, moves, order.currency)


def quorums(book: Book, order: Order) -> dict[str, int]:
    """Return which purses wait for how many other owners."""
    if order.kind not in COUNTING:
        return {}
    return {
        payer: book.purses[payer].approvals
        for payer, amount in sums(order.moves).items()
        if book.purses[payer].approvals and amount > book.purses[payer].above
    }
