"""Refunds and reversals of the model: money that goes back, never more of it than came."""

from domain.refunds import RefundPayment, ReversePayment
from domain.wallets import Caller
from tests.property.model_begin import move, require_open, require_paid
from tests.property.model_goes_on import look_at
from tests.property.model_parts import Book, Deal, Move, No


def give_back(book: Book, command: RefundPayment | ReversePayment, caller: Caller) -> None:
    """Refund or reverse a deal by one of its own, or keep that it was refused."""
    deal = look_at(book, command.payment_id, caller)
    refunds = isinstance(command, RefundPayment)
    _require_right(book, deal, caller, refunds)
    if isinstance(command, RefundPayment):
        kind, name = "refund", command.refund_payment_id
        amount = (command.amount or deal.returnable) or deal.amount
    else:
        kind, name = "reversal", command.reversal_payment_id
        amount = (deal.taken or deal.amount) if deal.kind == "hold" else deal.amount
    moves: list[Move] = [(payee, payer, n, c) for payer, payee, n, c in reversed(deal.moves)]
    if len(moves) == 1:
        moves = [(*moves[0][:2], amount, moves[0][3])]
    made = Deal(kind, moves, amount, deal.currency, "declined")
    book.deals[name] = made
    if refunds:
        _refuse_refund(deal, amount)
    else:
        _refuse_reversal(deal)
    require_open(book, moves, caller, though_frozen=not refunds)
    require_paid(book, moves, deal.currency)
    move(book, moves)
    made.state, made.taken = "done", amount
    if refunds:
        deal.returned += amount
    else:
        deal.undone = True


def _require_right(book: Book, deal: Deal, caller: Caller, refunds: bool) -> None:
    if caller.operate:
        return
    if not refunds:
        raise No("role-missing")
    if deal.told and any(book.purses[payee].pays(caller) for _, payee, _, _ in deal.moves):
        return
    pays = any(book.purses[payer].pays(caller) for payer, _, _, _ in deal.moves)
    raise No("not-payee" if pays else "role-missing")


def _refuse_refund(deal: Deal, amount: int) -> None:
    if deal.undone:
        raise No("already-reversed")
    if deal.kind not in {"transfer", "hold"} or not deal.taken:
        raise No("not-refundable")
    if amount > deal.returnable or not deal.returnable:
        raise No("amount-exceeds-payment")


def _refuse_reversal(deal: Deal) -> None:
    if deal.undone:
        raise No("already-reversed")
    if deal.returned:
        raise No("already-refunded")
    if deal.kind in {"refund", "reversal"} or deal.status != "completed":
        raise No("not-reversible")
