"""Draws refunds, reversals and approvals, and each reason that there is not to do them."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from uuid import uuid4

from hypothesis import strategies as st

from application.commands import Submission
from domain.approvals import ApprovePayment, RejectPayment
from domain.holds import CaptureHold
from domain.identifiers import PaymentId, payment_id
from domain.payment_events import PaymentKind
from domain.payments import MakePayment
from domain.refunds import RefundPayment, ReversePayment
from domain.wallet_rules import AddMember, ChangeApprovals
from domain.wallets import Caller
from tests.property.cast import ANNA, BEN, CARL, DORA, OPERATOR, STRANGER, THRESHOLD
from tests.property.dealing import Wish
from tests.property.drawn_transfers import plain
from tests.property.model_parts import Deal
from tests.property.sender import WEEK, Sender, pick

OTHERS = (OPERATOR, OPERATOR, OPERATOR, BEN, ANNA)


def _some(sender: Sender, data: st.DataObject, wanted: Callable[[Deal], bool]) -> PaymentId | None:
    found = sender.deals(wanted)
    place = data.draw(st.integers(0, 99))
    return found[place % len(found)] if found else None


def refund(sender: Sender, caller: Caller, name: PaymentId, amount: int | None) -> Submission:
    """Refund an amount of a payment, none being all that is left."""
    stream = uuid4()
    command = RefundPayment(payment_id(stream), name, amount, "as agreed")
    return sender.submit(caller, command, stream)


def reverse(sender: Sender, caller: Caller, name: PaymentId) -> Submission:
    """Reverse a payment."""
    stream = uuid4()
    return sender.submit(caller, ReversePayment(payment_id(stream), name, "mistaken"), stream)


def _refunding(sender: Sender, data: st.DataObject) -> Submission:
    share = data.draw(st.sampled_from([0, 25, 50, 100, 100]))
    caller = data.draw(st.sampled_from([*OTHERS, CARL]))
    name = _some(sender, data, lambda deal: deal.returnable > 0)
    if name is None:
        return plain(sender, data)
    amount = max(1, sender.deal(name).returnable * share // 100) if share else None
    return refund(sender, caller, name, amount)


def _refund_of_an_open_hold(sender: Sender, data: st.DataObject) -> Submission:
    """Draw a refund of what has been captured of a hold so far, or a first part of it."""
    name = _some(sender, data, lambda deal: deal.state == "held" and deal.returnable > 0)
    if name is not None:
        return refund(sender, BEN, name, 1)
    held = _some(sender, data, lambda deal: deal.state == "held" and deal.left > 2)
    if held is None:
        return _refunding(sender, data)
    return sender.submit(OPERATOR, CaptureHold(held, 2, final=False))


def _refund_too_much(sender: Sender, data: st.DataObject) -> Submission:
    beyond = data.draw(st.sampled_from([1, 1, 7]))
    name = _some(sender, data, lambda deal: deal.taken > 0 and not deal.undone and _pays_back(deal))
    if name is None:
        return plain(sender, data)
    return refund(sender, OPERATOR, name, sender.deal(name).returnable + beyond)


def _pays_back(deal: Deal) -> bool:
    return deal.kind in {"transfer", "hold"}


def _refund_of_none(sender: Sender, data: st.DataObject) -> Submission:
    amount = data.draw(st.sampled_from([None, 1]))
    kinds = {"refund", "reversal", "split", "exchange"}
    name = _some(
        sender, data, lambda d: d.kind in kinds or (d.taken == 0 and d.kind in {"hold", "transfer"})
    )
    return plain(sender, data) if name is None else refund(sender, OPERATOR, name, amount)


def _after_reversal(sender: Sender, data: st.DataObject) -> Submission:
    refunds = data.draw(st.booleans())
    name = _some(sender, data, lambda deal: deal.undone)
    if name is None:
        return _reversing(sender, data)
    return refund(sender, OPERATOR, name, 1) if refunds else reverse(sender, OPERATOR, name)


def _reversing(sender: Sender, data: st.DataObject) -> Submission:
    caller = data.draw(st.sampled_from([OPERATOR, OPERATOR, OPERATOR, OPERATOR, BEN]))
    name = _some(
        sender,
        data,
        lambda d: d.status == "completed" and d.kind in {"transfer", "hold", "split", "exchange"},
    )
    return plain(sender, data) if name is None else reverse(sender, caller, name)


def _reverse_refunded(sender: Sender, data: st.DataObject) -> Submission:
    name = _some(sender, data, lambda deal: deal.returned > 0)
    return _refunding(sender, data) if name is None else reverse(sender, OPERATOR, name)


def _reverse_of_none(sender: Sender, data: st.DataObject) -> Submission:
    name = _some(
        sender, data, lambda d: d.kind in {"refund", "reversal"} or d.state in {"declined", "held"}
    )
    return plain(sender, data) if name is None else reverse(sender, OPERATOR, name)


def _ask(sender: Sender, data: st.DataObject) -> Submission:
    """Draw a payment of the household above its threshold, most often one that is there."""
    caller = data.draw(st.sampled_from([ANNA, BEN, CARL, CARL, DORA]))
    kinds: list[PaymentKind] = ["transfer", "transfer", "hold", "split"]
    kind = data.draw(st.sampled_from(kinds))
    amount = THRESHOLD + data.draw(st.sampled_from([0, 1, 1, 1, 5]))
    payee = data.draw(st.sampled_from(["shop", "shop", "theirs", "rich"]))
    expires_in = data.draw(st.sampled_from([1, 60, WEEK, WEEK]))
    legs = [("household", payee, amount)]
    if kind == "split":
        legs = [("household", payee, amount - 2), ("household", "vault", 2)]
    made = sender.order(caller, kind, legs)
    assert isinstance(made.command, MakePayment)
    expires_in = WEEK if sender.patient else expires_in
    return replace(made, command=replace(made.command, expires_in=expires_in))


def _decide(
    sender: Sender, data: st.DataObject, callers: list[Caller], rejects: bool, only: bool
) -> Submission:
    """Draw a decision on a payment that waits, by another owner where `only` says so."""
    name = _some(sender, data, lambda deal: deal.state == "waiting")
    caller = data.draw(st.sampled_from(callers))
    if name is None:
        return _ask(sender, data)
    if only and caller.subject == sender.deal(name).asker:
        caller = BEN if caller is ANNA else ANNA
    command = RejectPayment(name, "no") if rejects else ApprovePayment(name, None)
    return sender.submit(caller, command)


def _approve(sender: Sender, data: st.DataObject) -> Submission:
    return _decide(sender, data, [ANNA, BEN, BEN], rejects=False, only=True)


def _reject(sender: Sender, data: st.DataObject) -> Submission:
    return _decide(sender, data, [ANNA, BEN], rejects=True, only=True)


def _decide_by_the_wrong(sender: Sender, data: st.DataObject) -> Submission:
    rejects = data.draw(st.booleans())
    callers = [ANNA, BEN, CARL, DORA, OPERATOR, STRANGER]
    return _decide(sender, data, callers, rejects, only=False)


def _by_a_stranger(sender: Sender, data: st.DataObject) -> Submission:
    """Draw a command on a payment that its giver may not even know of."""
    name = _some(sender, data, lambda deal: deal.taken > 0 or deal.state == "held")
    assert name is not None, "payments are there from the beginning"
    match data.draw(st.integers(0, 2)):
        case 0:
            return refund(sender, STRANGER, name, None)
        case 1:
            return sender.submit(STRANGER, CaptureHold(name, None, final=True))
        case _:
            return sender.submit(STRANGER, ApprovePayment(name, None))


def _approve_own(sender: Sender, data: st.DataObject) -> Submission:
    """Draw a decision by an owner who asked for the payment themselves."""
    owners = {ANNA.subject: ANNA, BEN.subject: BEN}
    name = _some(sender, data, lambda deal: deal.state == "waiting" and deal.asker in owners)
    if name is None:
        return sender.pay(ANNA, "household", "shop", THRESHOLD + 1)
    return sender.submit(owners[sender.deal(name).asker], ApprovePayment(name, "mine"))


def _no_owner_any_more(sender: Sender, data: st.DataObject) -> Submission:
    """Draw the end of an ownership whose approval then counts no longer, or the next approval."""
    roles = sender.purse("household").roles
    lost = sender.deals(
        lambda d: d.state == "waiting" and any(roles.get(n) != "owner" for n in d.agreed)
    )
    if lost:
        return sender.submit(ANNA, ApprovePayment(pick(data, lost), None))
    agreed = sender.deals(lambda d: d.state == "waiting" and BEN.subject in d.agreed)
    if agreed:
        command = AddMember(sender.names["household"], BEN.subject, "viewer")
        return sender.submit(ANNA, command)
    name = _some(sender, data, lambda d: d.state == "waiting" and d.asker == CARL.subject)
    if name is None:
        return sender.pay(CARL, "household", "shop", THRESHOLD + 1)
    return sender.submit(BEN, ApprovePayment(name, None))


def _approve_again(sender: Sender, _data: st.DataObject) -> Submission:
    """Draw a second approval by the same owner, or the first of two that are needed."""
    purse = sender.purse("household")
    owners = {each.subject: each for each in (ANNA, BEN, CARL, DORA) if purse.owned_by(each)}
    found = sender.deals(
        lambda deal: deal.state == "waiting" and not owners.keys().isdisjoint(deal.agreed)
    )
    if not found:
        return _first_approval(sender, owners)
    name = sender.chance.choice(found)
    subject = next(each for each in sender.deal(name).agreed if each in owners)
    return sender.submit(owners[subject], ApprovePayment(name, None))


def _first_approval(sender: Sender, owners: Mapping[str, Caller]) -> Submission:
    """Draw an approval by an owner of a payment that one more has to approve."""
    found = sender.deals(
        lambda deal: (
            deal.state == "waiting"
            and max(deal.quorums.values()) > 1
            and not owners.keys() <= {deal.asker}
        )
    )
    if not found:
        if sender.purse("household").approvals < 2:
            return sender.submit(ANNA, ChangeApprovals(sender.names["household"], 2, THRESHOLD))
        return sender.pay(CARL, "household", "shop", THRESHOLD + 1)
    name = sender.chance.choice(found)
    others = [who for subject, who in owners.items() if subject != sender.deal(name).asker]
    return sender.submit(sender.chance.choice(others), ApprovePayment(name, None))


def _approve_none(sender: Sender, data: st.DataObject) -> Submission:
    rejects = data.draw(st.booleans())
    household = sender.names["household"]
    name = _some(
        sender,
        data,
        lambda d: d.moves[0][0] == household and d.state != "waiting",
    )
    if name is None:
        return _ask(sender, data)
    owners = [each for each in (BEN, ANNA) if sender.purse("household").owned_by(each)]
    others = [each for each in owners if each.subject != sender.deal(name).asker]
    command = RejectPayment(name, None) if rejects else ApprovePayment(name, None)
    return sender.submit(sender.chance.choice(others or owners), command)


RETURNS: dict[str, Wish] = {
    "refund": Wish("done", _refunding, 4),
    "refund of an open hold": Wish("done", _refund_of_an_open_hold, 5),
    "refund too much": Wish("amount-exceeds-payment", _refund_too_much),
    "refund of none": Wish("not-refundable", _refund_of_none),
    "after reversal": Wish("already-reversed", _after_reversal),
    "reverse": Wish("done", _reversing, 4),
    "reverse refunded": Wish("already-refunded", _reverse_refunded),
    "reverse of none": Wish("not-reversible", _reverse_of_none),
    "ask": Wish("done", _ask, 3),
    "approve": Wish("done", _approve, 4),
    "reject": Wish("done", _reject, 2),
    "decide by the wrong": Wish("role-missing", _decide_by_the_wrong, 3),
    "approve again": Wish("already-approved", _approve_again),
    "by a stranger": Wish("payment-not-found", _by_a_stranger),
    "approve own": Wish("role-missing", _approve_own, 3),
    "no owner any more": Wish("done", _no_owner_any_more, 8),
    "approve none": Wish("approval-not-needed", _approve_none),
}
"""What a request is drawn for, and by what."""
