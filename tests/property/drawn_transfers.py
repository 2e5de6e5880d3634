"""Draws transfers, splits and exchanges that reach every end these can have."""

from collections.abc import Callable
from dataclasses import replace
from uuid import uuid4

from hypothesis import strategies as st

from application.commands import Submission
from domain.exchanges import ExchangeMoney
from domain.identifiers import payment_id, wallet_id
from domain.occurrences import RunOccurrence
from domain.payment_events import Rate
from domain.payments import MakePayment
from domain.wallet_rules import ChangeLimits, CloseWallet, FreezeWallet
from tests.property.cast import (
    ANNA,
    BEN,
    CARL,
    OPERATOR,
    PER_DAY,
    PER_PAYMENT,
    STRANGER,
    WALLETS,
)
from tests.property.dealing import Wish
from tests.property.model_parts import MOST
from tests.property.sender import Sender, pick

TO_CLOSED = ("their closed", "their closed", "their closed", "their closed", "closed")


def plain(sender: Sender, data: st.DataObject) -> Submission:
    """Draw a transfer that most often goes through."""
    source = data.draw(st.sampled_from(["bank", "bank", "rich", "overdrawn"]))
    payee = data.draw(
        st.sampled_from(["poor", "theirs", "rich", "overdrawn", "frozen", "household", "limited"])
    )
    payee = "vault" if payee == source else payee
    amount = data.draw(st.integers(1, 40))
    return sender.pay(OPERATOR if source == "bank" else ANNA, source, payee, amount)


def _too_much(sender: Sender, data: st.DataObject) -> Submission:
    roles = ("rich", "poor", "overdrawn")
    limited = [role for role in roles if sender.purse(role).limit is not None]
    source = pick(data, limited)
    free = sender.model.book.available(sender.names[source])
    # Exactly what there is may leave; one minor unit more may not.
    beyond = sender.chance.choice([0, 1, 1, 1, 2])
    amount = max(1, free + (sender.purse(source).limit or 0) + beyond)
    caller = data.draw(st.sampled_from([ANNA, OPERATOR]))
    kind = sender.chance.choice(["pay", "hold", "split"])
    if kind == "split" and amount > 1:
        # Each leg could be paid alone; both of them could not.
        legs = [(source, "theirs", amount - 1), (source, "vault", 1)]
        return sender.order(caller, "split", legs)
    if kind == "hold":
        return sender.hold(caller, source, "shop", amount)
    return sender.pay(caller, source, "theirs", amount)


def _known(sender: Sender, data: st.DataObject) -> Submission | None:
    """Draw what has its answer on record, or is decided a moment before in the same batch.

    The key of an occurrence, which nobody chooses, is not taken before it is recorded.
    """
    last = sender.sent[-1] if sender.sent else None
    if last and sender.chance.randrange(6) == 0 and not isinstance(last.command, RunOccurrence):
        return last
    recorded = sender.recorded()
    return pick(data, recorded) if recorded else None


def _repeat(sender: Sender, data: st.DataObject) -> Submission:
    return _known(sender, data) or plain(sender, data)


def _other_content(sender: Sender, data: st.DataObject) -> Submission:
    fresh = plain(sender, data)
    if data.draw(st.booleans()):
        fresh = sender.submit(fresh.caller, FreezeWallet(sender.names["poor"], "not at all"))
    known = _known(sender, data)
    if known is None:
        return fresh
    stream = known.stream
    command = fresh.command
    if isinstance(command, MakePayment):
        command = replace(command, payment_id=payment_id(stream))
    return replace(fresh, stream=stream, command=command)


def _from(
    sender: Sender, wanted: Callable[[str], bool], payer: str, data: st.DataObject
) -> Submission:
    found = [role for role in WALLETS if wanted(role)]
    source = pick(data, found or [payer])
    caller = data.draw(st.sampled_from([WALLETS[source].owner, OPERATOR]))
    payee = "rich" if source != "rich" else "bank"
    if data.draw(st.booleans()):
        return sender.pay(caller, source, payee, 1)
    return sender.hold(caller, source, payee, 1)


def _from_frozen(sender: Sender, data: st.DataObject) -> Submission:
    def wanted(role: str) -> bool:
        return bool(sender.purse(role).frozen) and not sender.purse(role).closed

    return _from(sender, wanted, "frozen", data)


def _from_closed(sender: Sender, data: st.DataObject) -> Submission:
    return _from(sender, lambda role: sender.purse(role).closed, "closed", data)


def _foreign(sender: Sender, data: st.DataObject) -> Submission:
    source = data.draw(st.sampled_from(["bank", "rich", "closed", "frozen", "theirs"]))
    caller = STRANGER if source == "bank" else data.draw(st.sampled_from([STRANGER, BEN]))
    caller = CARL if source == "theirs" else caller
    if data.draw(st.booleans()):
        return sender.submit(caller, CloseWallet(sender.names[source], "mine now"))
    return sender.pay(caller, source, "shop", 1)


def _unknown(sender: Sender, data: st.DataObject) -> Submission:
    nobody = wallet_id(uuid4())
    known = plain(sender, data)
    assert isinstance(known.command, MakePayment)
    (leg,) = known.command.legs
    field = data.draw(st.sampled_from(["source_wallet_id", "destination_wallet_id"]))
    if field == "source_wallet_id":
        leg = replace(leg, source_wallet_id=nobody)
    else:
        leg = replace(leg, destination_wallet_id=nobody)
    return replace(known, command=replace(known.command, legs=(leg,)))


def _currency(sender: Sender, data: st.DataObject) -> Submission:
    payee = data.draw(st.sampled_from(["yen", "theirs"]))
    return sender.pay(ANNA, "rich", payee, 1, "EUR" if payee == "yen" else "USD")


def _same(sender: Sender, data: st.DataObject) -> Submission:
    source = data.draw(st.sampled_from(["rich", "frozen", "closed"]))
    return sender.pay(ANNA, source, source, 1)


def _to_closed(sender: Sender, data: st.DataObject) -> Submission:
    payee = data.draw(st.sampled_from(TO_CLOSED))
    if data.draw(st.booleans()):
        return sender.pay(ANNA, "rich", payee, 1)
    return sender.hold(ANNA, "rich", payee, 1)


def _range(sender: Sender, data: st.DataObject) -> Submission:
    """Draw what just finds room in a wallet that is full, or one minor unit more."""
    room = MOST - sender.purse("full").balance
    amount = max(1, min(MOST // 9, room + sender.chance.choice([0, 1, 1, 1])))
    if data.draw(st.booleans()):
        return sender.pay(OPERATOR, "bank", "full", amount)
    return sender.order(OPERATOR, "split", [("bank", "rich", 1), ("bank", "full", amount)])


def _over_a_limit(sender: Sender, data: st.DataObject) -> Submission:
    """Draw a payment that may or may not keep to what is left of payment and day."""
    purse = sender.purse("limited")
    left = [] if purse.per_payment is None else [purse.per_payment]
    if purse.per_day is not None:
        left.append(purse.per_day - purse.spent[sender.model.book.today])
    if not left:
        return sender.submit(ANNA, ChangeLimits(sender.names["limited"], PER_PAYMENT, PER_DAY))
    amount = max(1, min(left) + sender.chance.choice([0, 1, 1, 1]))
    caller = data.draw(st.sampled_from([ANNA, OPERATOR]))
    kind = data.draw(st.sampled_from(["pay", "hold", "split"]))
    if kind == "split" and amount > 1:
        legs = [("limited", "shop", amount - 1), ("limited", "bank", 1)]
        return sender.order(caller, "split", legs)
    if kind == "hold":
        return sender.hold(caller, "limited", "shop", amount)
    return sender.pay(caller, "limited", "bank", amount)


def _split(sender: Sender, data: st.DataObject) -> Submission:
    """Draw a payment of some legs and a fee, whose money may have to arrive on the way."""
    payers = st.sampled_from(["rich", "overdrawn", "poor"])
    payees = st.sampled_from(["theirs", "shop", "bank", "limited"])
    count = data.draw(st.integers(1, 4))
    payer = data.draw(payers)
    legs = [(payer, data.draw(payees), data.draw(st.integers(1, 12))) for _ in range(count)]
    if data.draw(st.booleans()):
        between = data.draw(payers)
        legs = [("rich", between, 9), (between, "shop", 12)] if between != "rich" else legs
    return sender.order(ANNA, "split", [*legs, (payer, "vault", 1)])


def _exchange(sender: Sender, data: st.DataObject) -> Submission:
    """Draw an exchange from euros to yen or back, some of it too fine to come to anything."""
    there = data.draw(st.booleans())
    source, payee = ("rich", "yen") if there else ("yen", "rich")
    through = ("bank", "mint") if there else ("mint", "bank")
    if data.draw(st.integers(0, 9)) == 0:
        through = (through[0], "shop")
    rate = Rate(data.draw(st.integers(1, 200)), data.draw(st.integers(1, 200)))
    stream = uuid4()
    command = ExchangeMoney(
        payment_id=payment_id(stream),
        source_wallet_id=sender.names[source],
        destination_wallet_id=sender.names[payee],
        through=(sender.names[through[0]], sender.names[through[1]]),
        amount=0,
        rate=rate,
    )
    text = data.draw(st.sampled_from(["1", "0.5", "0.37", "2.00"] if there else ["1", "2", "0.5"]))
    return sender.submit(OPERATOR, command, stream, {"amount": text})


TRANSFERS: dict[str, Wish] = {
    "plain": Wish("done", plain),
    "too much": Wish("insufficient-funds", _too_much),
    "repeat": Wish("repeat", _repeat),
    "other content": Wish("key-reused", _other_content),
    "from frozen": Wish("wallet-frozen", _from_frozen),
    "from closed": Wish("wallet-closed", _from_closed),
    "foreign": Wish("foreign", _foreign),
    "unknown": Wish("not-found", _unknown),
    "currency": Wish("currency-mismatch", _currency),
    "same": Wish("same-wallet", _same),
    "to closed": Wish("payee-unavailable", _to_closed),
    "range": Wish("balance-out-of-range", _range),
    "over a limit": Wish("limit-exceeded", _over_a_limit),
    "split": Wish("done", _split, 3),
    "exchange": Wish("done", _exchange, 5),
}
"""What a request is drawn for, and by what."""
