"""What can happen to a payment of the model that is held or waits for other owners."""

from collections import Counter

from application.commands import PaymentCommand
from domain.approvals import ApprovePayment, RejectPayment
from domain.holds import CaptureHold, ExpirePayment, IncreaseHold, ReleaseHold
from domain.wallets import Caller
from tests.property.model_begin import move, require_held, require_limits, require_open
from tests.property.model_parts import MOST, MOST_PAID, Book, Deal, Move, No


def look_at(book: Book, name: str, caller: Caller) -> Deal:
    """Return a deal that a caller may know of."""
    deal = book.deals.get(name)
    if deal is None:
        raise No("payment-not-found")
    payers, payees = _purses(deal)
    seen = any(caller.subject in book.purses[each].roles for each in payers)
    seen |= deal.told and any(caller.subject in book.purses[each].roles for each in payees)
    if not seen and not caller.operate:
        raise No("payment-not-found")
    return deal


def go_on(book: Book, command: PaymentCommand, caller: Caller) -> None:
    """Do a command on a deal."""
    deal = book.deals.get(command.payment_id)
    if deal is None:
        raise No("payment-not-found")
    match command:
        case CaptureHold():
            _require_right(book, deal, caller, payer=True, payee=True)
            _capture(book, deal, command, caller)
        case ReleaseHold():
            _require_right(book, deal, caller, payer=False, payee=True)
            _require_held_open(book, deal)
            _end(book, deal, "released")
        case IncreaseHold():
            _require_right(book, deal, caller, payer=True, payee=False)
            _increase(book, deal, command, caller)
        case ExpirePayment():
            if not caller.system:
                raise No("payment-not-found")
            if deal.state not in {"held", "waiting"} or deal.expires > book.now:
                raise No("nothing-to-do")
            _end(book, deal, "expired")
        case ApprovePayment():
            _require_other_owner(book, deal, command.payment_id, caller)
            _approve(book, deal, caller)
        case RejectPayment():
            _require_other_owner(book, deal, command.payment_id, caller)
            book.free(deal)
            deal.state = "declined"


def _purses(deal: Deal) -> tuple[set[str], set[str]]:
    return {payer for payer, _, _, _ in deal.moves}, {payee for _, payee, _, _ in deal.moves}


def _require_right(book: Book, deal: Deal, caller: Caller, payer: bool, payee: bool) -> None:
    """Refuse whoever may not act on a hold; there is none before it is approved."""
    if deal.kind != "hold" or not deal.told:
        raise No("payment-not-found")
    source, destination = (book.purses[name] for name in deal.moves[0][:2])
    if (payee and destination.pays(caller)) or (payer and source.pays(caller)) or caller.operate:
        return
    if caller.subject not in {*source.roles, *destination.roles}:
        raise No("payment-not-found")
    raise No("not-payee" if source.pays(caller) and not payer else "role-missing")


def _require_held_open(book: Book, deal: Deal) -> None:
    endings = {"captured": "hold-already-captured", "released": "hold-already-released"}
    if deal.ended_by in endings:
        raise No(endings[deal.ended_by])
    if deal.ended_by == "expired" or deal.expires <= book.now:
        raise No("hold-expired")


def _capture(book: Book, deal: Deal, command: CaptureHold, caller: Caller) -> None:
    _require_held_open(book, deal)
    amount = deal.left if command.amount is None else command.amount
    if amount > deal.left:
        raise No("amount-exceeds-hold")
    require_open(book, deal.moves, caller)
    payer, payee, _, currency = deal.moves[0]
    if book.purses[payee].balance + amount > MOST:
        raise No("balance-out-of-range")
    move(book, [(payer, payee, amount, currency)])
    deal.taken += amount
    deal.use(amount)
    if command.final or not deal.left:
        book.free(deal)
        deal.state, deal.ended_by = "over", "captured"


def _increase(book: Book, deal: Deal, command: IncreaseHold, caller: Caller) -> None:
    _require_held_open(book, deal)
    payer, payee, _, currency = deal.moves[0]
    more: list[Move] = [(payer, payee, command.amount, currency)]
    require_open(book, more, caller)
    require_limits(book, more)
    purse = book.purses[payer]
    if purse.approvals and deal.amount + command.amount > purse.above:
        raise No("limit-exceeded")
    if deal.amount + command.amount > MOST_PAID:
        raise No("balance-out-of-range")
    require_held(book, more)
    purse.spent[book.today] += command.amount
    deal.amount += command.amount
    deal.layers.append([book.today, command.amount])
    if command.expires_in is not None:
        deal.expires = max(deal.expires, book.now + command.expires_in * 1_000_000)


def _end(book: Book, deal: Deal, how: str) -> None:
    waited = deal.state == "waiting"
    book.free(deal)
    deal.state, deal.ended_by = "over", None if waited else how


def _require_other_owner(book: Book, deal: Deal, name: str, caller: Caller) -> None:
    look_at(book, name, caller)
    payers, _ = _purses(deal)
    deciding = set(deal.quorums) if deal.asked else payers
    if deal.asked and caller.subject == deal.asker:
        raise No("role-missing")
    if not any(book.purses[each].owned_by(caller) for each in deciding):
        raise No("role-missing")
    if deal.state != "waiting" or deal.expires <= book.now:
        raise No("approval-not-needed")


def _approve(book: Book, deal: Deal, caller: Caller) -> None:
    if caller.subject in deal.agreed:
        raise No("already-approved")
    agreed = [*deal.agreed, caller.subject]
    for name, required in deal.quorums.items():
        roles = book.purses[name].roles
        if [roles.get(each) for each in agreed].count("owner") < required:
            deal.agreed = agreed
            return
    require_open(book, deal.moves, caller)
    if deal.kind == "hold":
        deal.state, deal.agreed = "held", agreed
        return
    arriving: Counter[str] = Counter()
    for _, payee, amount, _ in deal.moves:
        arriving[payee] += amount
        if book.purses[payee].balance + arriving[payee] > MOST:
            raise No("balance-out-of-range")
    move(book, deal.moves)
    deal.state, deal.taken, deal.layers, deal.agreed = "done", deal.amount, [], agreed
