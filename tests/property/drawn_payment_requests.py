"""Draws payment requests: made, paid, and ended otherwise, and each reason that they are not."""

from uuid import uuid4

from hypothesis import strategies as st

from application.commands import Submission
from domain.identifiers import PaymentRequestId, payment_request_id, wallet_id
from domain.payment_requests import (
    AcceptPaymentRequest,
    CancelPaymentRequest,
    DeclinePaymentRequest,
)
from domain.wallet_rules import ChangeLimits, ChangeOverdraftLimit
from tests.property.cast import (
    ANNA,
    BEN,
    CARL,
    DORA,
    OPERATOR,
    PER_DAY,
    PER_PAYMENT,
    STRANGER,
    THRESHOLD,
    WALLETS,
)
from tests.property.dealing import Draw, Wish
from tests.property.model_orders import Asking
from tests.property.sender import HOUR, WEEK, Sender, pick
from tests.property.sent_orders import accepting, asking, askings

DAY_SECONDS = 24 * HOUR
TIMES = (1, 60, HOUR, DAY_SECONDS, 3 * DAY_SECONDS)


def _asking(sender: Sender, name: PaymentRequestId) -> Asking:
    return sender.model.book.askings[name]


def _into(sender: Sender, each: Asking) -> str:
    return sender.role_of(each.wallet)


def _ask(sender: Sender, data: st.DataObject) -> Submission:
    wallet = data.draw(st.sampled_from(["shop", "theirs", "household", "rich"]))
    caller = data.draw(st.sampled_from([WALLETS[wallet].owner, OPERATOR]))
    payer = data.draw(st.sampled_from([None, None, ANNA, BEN, CARL]))
    expires_in = data.draw(st.sampled_from(TIMES))
    return asking(sender, caller, wallet, data.draw(st.integers(1, 40)), payer, expires_in)


def _by_anna(sender: Sender, each: Asking) -> bool:
    """Whether Anna can pay what is asked for from any wallet of hers."""
    purse = sender.model.purses[each.wallet]
    return each.meant_for(ANNA) and purse.currency == "EUR" and ANNA.subject not in purse.roles


def _for_anna(sender: Sender, least: int = 1, most: int = 10**6) -> list[PaymentRequestId]:
    closed = {name for name, purse in sender.model.purses.items() if purse.closed}
    full = sender.names["full"]
    return askings(
        sender,
        lambda each: (
            _by_anna(sender, each)
            and least <= each.amount <= most
            and each.wallet not in {*closed, full}
        ),
    )


def _accept(sender: Sender, data: st.DataObject) -> Submission:
    found = _for_anna(sender)
    if not found:
        return asking(sender, BEN, "shop", data.draw(st.integers(1, 40)), ANNA)
    source = data.draw(st.sampled_from(["rich", "rich", "overdrawn"]))
    caller = data.draw(st.sampled_from([ANNA, OPERATOR]))
    return accepting(sender, caller, pick(data, found), source)


def _accept_for_the_household(sender: Sender, data: st.DataObject) -> Submission:
    """Draw a payment that waits for other owners, or does not just yet."""
    found = askings(
        sender,
        lambda each: each.meant_for(CARL) and THRESHOLD <= each.amount <= THRESHOLD + 1,
    )
    if not found:
        return asking(sender, BEN, "shop", THRESHOLD + data.draw(st.integers(0, 1)), CARL)
    return accepting(sender, CARL, pick(data, found), "household")


def _just_above(sender: Sender, source: str, rest: int, most: int) -> Submission:
    """Draw a payment of what is left, or of as little more as somebody asks for.

    There is never more left than `most`.
    """
    if sender.chance.randrange(5) == 0:
        found = _for_anna(sender, rest, rest)
    else:
        found = _for_anna(sender, rest + 1)
        found.sort(key=lambda name: _asking(sender, name).amount)
    if not found:
        amount = sender.chance.choice([rest, rest + 1, most + 1, most + 1])
        return asking(sender, BEN, "shop", amount, None, 4 * WEEK)
    return accepting(sender, ANNA, found[0], source)


def _too_much(sender: Sender, _data: st.DataObject) -> Submission:
    purse = sender.purse("poor")
    if purse.limit is None:
        command = ChangeOverdraftLimit(sender.names["poor"], 100, "enough")
        return sender.submit(OPERATOR, command)
    rest = sender.model.book.available(sender.names["poor"]) + purse.limit
    return _just_above(sender, "poor", max(1, rest), rest + 200)


def _over_a_limit(sender: Sender, _data: st.DataObject) -> Submission:
    purse = sender.purse("limited")
    if purse.per_payment is None or purse.per_day is None:
        command = ChangeLimits(sender.names["limited"], PER_PAYMENT, PER_DAY)
        return sender.submit(ANNA, command)
    left = min(purse.per_payment, purse.per_day - purse.spent[sender.model.book.today])
    return _just_above(sender, "limited", max(1, left), PER_PAYMENT)


def _accept_from(source: str) -> Draw:
    def draw(sender: Sender, data: st.DataObject) -> Submission:
        found = _for_anna(sender)
        if not found:
            return asking(sender, BEN, "shop", 1)
        return accepting(sender, ANNA, pick(data, found), source)

    return draw


def _accept_into_its_own(sender: Sender, data: st.DataObject) -> Submission:
    found = askings(sender, lambda each: each.meant_for(BEN) and _into(sender, each) == "shop")
    if not found:
        return asking(sender, BEN, "shop", 1)
    return accepting(sender, BEN, pick(data, found), "shop")


def _accept_into(payee: str) -> Draw:
    """Draw a payment into a wallet that takes none; it was asked for in the beginning."""

    def draw(sender: Sender, data: st.DataObject) -> Submission:
        found = askings(sender, lambda each: _into(sender, each) == payee)
        if not found:
            return asking(sender, BEN, payee, 1)
        source = "rich" if payee == "leaving" else "bank"
        caller = ANNA if payee == "leaving" else OPERATOR
        return accepting(sender, caller, pick(data, found), source)

    return draw


def _wrong_currency(sender: Sender, data: st.DataObject) -> Submission:
    if data.draw(st.booleans()):
        return asking(sender, BEN, "shop", 1, currency="JPY")
    return _accept_from("yen")(sender, data)


def _decline(sender: Sender, data: st.DataObject) -> Submission:
    found = askings(sender, lambda each: _into(sender, each) != "leaving")
    if not found:
        return _ask(sender, data)
    name = pick(data, found)
    people = [who for who in (ANNA, CARL, STRANGER) if _asking(sender, name).meant_for(who)]
    caller = data.draw(st.sampled_from([*people, OPERATOR]))
    return sender.submit(caller, DeclinePaymentRequest(name))


def _cancel(sender: Sender, data: st.DataObject) -> Submission:
    found = askings(sender, lambda each: _into(sender, each) not in {"leaving", "full"})
    if not found:
        return _ask(sender, data)
    name = pick(data, found)
    owner = WALLETS[_into(sender, _asking(sender, name))].owner
    return sender.submit(data.draw(st.sampled_from([owner, OPERATOR])), CancelPaymentRequest(name))


def _after_the_end(how: str | None, otherwise: Draw) -> Draw:
    """Draw a command on a request that has ended so, by its time where `how` is none."""

    def draw(sender: Sender, data: st.DataObject) -> Submission:
        found = askings(sender, lambda each: each.ended_by == how, is_open=False)
        kind = data.draw(st.sampled_from(["accept", "decline", "cancel"]))
        if not found:
            return otherwise(sender, data)
        name = pick(data, found)
        match kind:
            case "accept":
                return accepting(sender, OPERATOR, name, "rich")
            case "decline":
                return sender.submit(OPERATOR, DeclinePaymentRequest(name))
            case _:
                return sender.submit(OPERATOR, CancelPaymentRequest(name))

    return draw


def _short(sender: Sender, data: st.DataObject) -> Submission:
    return asking(sender, BEN, "shop", data.draw(st.integers(1, 9)), None, 1)


def _not_meant(sender: Sender, data: st.DataObject) -> Submission:
    """Draw an answer by somebody else than who was asked, or to what there is not."""
    kind = data.draw(st.sampled_from(["accept", "decline", "cancel"]))
    found = askings(sender, lambda each: not each.meant_for(STRANGER))
    name = pick(data, found) if found else payment_request_id(uuid4())
    match kind:
        case "accept":
            return accepting(sender, STRANGER, name, "rich")
        case "decline":
            return sender.submit(STRANGER, DeclinePaymentRequest(name))
        case _:
            return sender.submit(STRANGER, CancelPaymentRequest(name))


def _cancel_by_the_payer(sender: Sender, data: st.DataObject) -> Submission:
    """Draw the end of a request by whom it is meant for, who may decline it only."""
    found = askings(sender, lambda each: _by_anna(sender, each))
    if not found:
        return asking(sender, BEN, "shop", 1, ANNA)
    return sender.submit(ANNA, CancelPaymentRequest(pick(data, found)))


def _by_a_viewer(sender: Sender, data: st.DataObject) -> Submission:
    into = askings(sender, lambda each: _into(sender, each) == "household")
    meant = askings(sender, lambda each: each.meant_for(DORA))
    match data.draw(st.sampled_from(["ask", "accept", "cancel"])):
        case "accept" if meant:
            return accepting(sender, DORA, pick(data, meant), "household")
        case "cancel" if into:
            return sender.submit(DORA, CancelPaymentRequest(pick(data, into)))
        case "cancel":
            return asking(sender, ANNA, "household", 2, None, 4 * WEEK)
        case _:
            return asking(sender, DORA, "household", 1)


def _of_a_stranger(sender: Sender, data: st.DataObject) -> Submission:
    """Draw a request into a wallet, or a payment from one, that is not the caller's."""
    found = askings(sender, lambda each: each.meant_for(STRANGER))
    if not found or data.draw(st.booleans()):
        return asking(sender, STRANGER, data.draw(st.sampled_from(["rich", "shop"])), 1)
    made = accepting(sender, STRANGER, pick(data, found), "rich")
    if data.draw(st.booleans()):
        return made
    assert isinstance(made.command, AcceptPaymentRequest)
    unknown = AcceptPaymentRequest(
        made.command.payment_id, made.command.payment_request_id, wallet_id(uuid4())
    )
    return sender.submit(OPERATOR, unknown, made.stream)


def _ask_into_a_closed_wallet(sender: Sender, data: st.DataObject) -> Submission:
    if data.draw(st.booleans()):
        return asking(sender, ANNA, "closed", 1)
    return _accept_from("gone")(sender, data)


ASKINGS: dict[str, Wish] = {
    "ask": Wish("done", _ask, 4),
    "accept": Wish("done", _accept, 6),
    "accept for the household": Wish("done", _accept_for_the_household, 3),
    "decline": Wish("done", _decline, 2),
    "cancel": Wish("done", _cancel, 2),
    "accept too much": Wish("insufficient-funds", _too_much),
    "accept over a limit": Wish("limit-exceeded", _over_a_limit),
    "accept from frozen": Wish("wallet-frozen", _accept_from("frozen")),
    "ask into closed": Wish("wallet-closed", _ask_into_a_closed_wallet),
    "accept into its own": Wish("same-wallet", _accept_into_its_own),
    "accept into closed": Wish("payee-unavailable", _accept_into("leaving")),
    "accept into full": Wish("balance-out-of-range", _accept_into("full")),
    "ask in another currency": Wish("currency-mismatch", _wrong_currency),
    "answer to accepted": Wish("closed: accepted", _after_the_end("accepted", _accept)),
    "answer to declined": Wish("closed: declined", _after_the_end("declined", _decline)),
    "answer to cancelled": Wish("closed: cancelled", _after_the_end("cancelled", _cancel)),
    "answer to run out": Wish("closed: expired", _after_the_end(None, _short)),
    "answer for another": Wish("request-not-found", _not_meant),
    "cancel by the payer": Wish("not-payee", _cancel_by_the_payer),
    "ask by a viewer": Wish("role-missing: request", _by_a_viewer),
    "ask by a stranger": Wish("not-found", _of_a_stranger),
}
"""What a request is drawn for, and by what."""
