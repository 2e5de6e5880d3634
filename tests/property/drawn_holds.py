"""Draws what happens to holds: captures, releases, increases, their end, and what comes after."""

from collections.abc import Callable

from hypothesis import strategies as st

from application.commands import Submission
from domain.holds import CaptureHold, ExpirePayment, IncreaseHold, ReleaseHold
from domain.identifiers import PaymentId
from domain.wallets import Caller
from tests.property.cast import ANNA, BEN, CARL, DORA, OPERATOR, STRANGER, SWEEPER, WALLETS
from tests.property.dealing import Draw, Wish
from tests.property.model_parts import Deal
from tests.property.sender import HOUR, WEEK, Sender, pick

SHORT = (1, 5, 60, HOUR, WEEK)


def _hold(sender: Sender, data: st.DataObject) -> Submission:
    source = data.draw(st.sampled_from(["rich", "rich", "overdrawn", "limited", "bank"]))
    payee = data.draw(st.sampled_from(["shop", "shop", "theirs", "household"]))
    caller = OPERATOR if source == "bank" else data.draw(st.sampled_from([ANNA, ANNA, OPERATOR]))
    expires_in = data.draw(st.sampled_from(SHORT))
    amount = data.draw(st.integers(2, 30))
    return sender.hold(caller, source, payee, amount, WEEK if sender.patient else expires_in)


def _is_open(sender: Sender, deal: Deal) -> bool:
    return deal.state == "held" and deal.expires > sender.model.book.now


def _on_open(
    sender: Sender, data: st.DataObject, make: Callable[[PaymentId, Deal], Submission]
) -> Submission:
    """Draw a command on an open hold, or, where there is none, one more hold."""
    found = sender.deals(lambda deal: _is_open(sender, deal))
    if not found:
        return _hold(sender, data)
    name = pick(data, found)
    return make(name, sender.deal(name))


def _capture(sender: Sender, data: st.DataObject) -> Submission:
    share = data.draw(st.sampled_from([0, 0, 25, 50, 100]))
    final = data.draw(st.booleans())
    by_payer = data.draw(st.integers(0, 4)) == 0
    written = data.draw(st.booleans())

    def make(name: PaymentId, deal: Deal) -> Submission:
        amount = max(1, deal.left * share // 100) if share else None
        caller = sender.payer(deal) if by_payer else _payee(sender, deal)
        if amount is not None and written:
            text = f"0.{amount:02}"
            return sender.submit(caller, CaptureHold(name, None, final), written={"amount": text})
        return sender.submit(caller, CaptureHold(name, amount, final))

    return _on_open(sender, data, make)


def _payee(sender: Sender, deal: Deal) -> Caller:
    begun = WALLETS.get(sender.role_of(deal.moves[0][1]))
    return OPERATOR if begun is None else begun.owner


def _too_much(sender: Sender, data: st.DataObject) -> Submission:
    beyond = data.draw(st.sampled_from([1, 1, 5]))
    return _on_open(
        sender,
        data,
        lambda name, deal: sender.submit(
            _payee(sender, deal), CaptureHold(name, deal.left + beyond, final=True)
        ),
    )


def _release(sender: Sender, data: st.DataObject) -> Submission:
    return _on_open(
        sender, data, lambda name, deal: sender.submit(_payee(sender, deal), ReleaseHold(name))
    )


def _increase(sender: Sender, data: st.DataObject) -> Submission:
    amount = data.draw(st.sampled_from([1, 5, 10, 2000]))
    expires_in = None if sender.patient else data.draw(st.sampled_from([None, 5, HOUR]))
    return _on_open(
        sender,
        data,
        lambda name, deal: sender.submit(
            sender.payer(deal), IncreaseHold(name, amount, expires_in)
        ),
    )


def _no_amount(sender: Sender, data: st.DataObject) -> Submission:
    text = data.draw(st.sampled_from(["0.001", "0.00", "0"]))
    return _on_open(
        sender,
        data,
        lambda name, deal: sender.submit(
            _payee(sender, deal), CaptureHold(name, None, final=True), written={"amount": text}
        ),
    )


def _after_the_end(
    sender: Sender, data: st.DataObject, wanted: Callable[[Deal], bool], otherwise: Draw
) -> Submission:
    found = sender.deals(lambda deal: deal.kind == "hold" and wanted(deal))
    kind = data.draw(st.sampled_from(["capture", "release", "increase"]))
    if not found:
        return otherwise(sender, data)
    name = pick(data, found)
    deal = sender.deal(name)
    match kind:
        case "capture":
            return sender.submit(_payee(sender, deal), CaptureHold(name, None, final=True))
        case "release":
            return sender.submit(_payee(sender, deal), ReleaseHold(name))
        case _:
            return sender.submit(sender.payer(deal), IncreaseHold(name, 1, None))


def _captured_before(sender: Sender, data: st.DataObject) -> Submission:
    return _after_the_end(sender, data, lambda deal: deal.ended_by == "captured", _capture)


def _released_before(sender: Sender, data: st.DataObject) -> Submission:
    return _after_the_end(sender, data, lambda deal: deal.ended_by == "released", _release)


def _run_out(sender: Sender, data: st.DataObject) -> Submission:
    """Draw a command on a hold past its time, swept or not."""
    now = sender.model.book.now
    return _after_the_end(
        sender,
        data,
        lambda deal: (
            deal.told
            and (deal.ended_by == "expired" or (deal.state == "held" and deal.expires <= now))
        ),
        _hold,
    )


def _sweep(sender: Sender, data: st.DataObject) -> Submission:
    """Draw the worker's command on whatever has run out."""
    now = sender.model.book.now
    late = sender.deals(lambda deal: deal.state in {"held", "waiting"} and deal.expires <= now)
    caller = data.draw(st.sampled_from([SWEEPER, SWEEPER, SWEEPER, OPERATOR]))
    if not late:
        return _sweep_in_vain(sender, data)
    return sender.submit(caller, ExpirePayment(pick(data, late)))


def _sweep_in_vain(sender: Sender, data: st.DataObject) -> Submission:
    """Draw the worker's command on what has ended already, or whose time has not come."""
    now = sender.model.book.now
    early = sender.deals(
        lambda d: d.kind == "hold" and (d.state not in {"held", "waiting"} or d.expires > now)
    )
    return sender.submit(SWEEPER, ExpirePayment(pick(data, early)))


def _by_the_wrong(sender: Sender, data: st.DataObject) -> Submission:
    """Draw a command on a hold by somebody who may not give it."""
    caller = data.draw(st.sampled_from([ANNA, ANNA, BEN, CARL, DORA, STRANGER]))
    increases = data.draw(st.booleans()) and caller is not ANNA
    return _on_open(
        sender,
        data,
        lambda name, _: sender.submit(
            caller, IncreaseHold(name, 1, None) if increases else ReleaseHold(name)
        ),
    )


def _release_by_the_payer(sender: Sender, data: st.DataObject) -> Submission:
    return _on_open(
        sender, data, lambda name, deal: sender.submit(sender.payer(deal), ReleaseHold(name))
    )


HOLDS: dict[str, Wish] = {
    "hold": Wish("done", _hold, 5),
    "capture": Wish("done", _capture, 4),
    "capture too much": Wish("amount-exceeds-hold", _too_much),
    "release": Wish("done", _release, 3),
    "increase": Wish("done", _increase, 3),
    "no amount": Wish("field-invalid", _no_amount),
    "captured before": Wish("hold-already-captured", _captured_before),
    "released before": Wish("hold-already-released", _released_before),
    "run out": Wish("hold-expired", _run_out),
    "sweep": Wish("done", _sweep, 5),
    "sweep in vain": Wish("nothing-to-do", _sweep_in_vain),
    "by the wrong": Wish("role-missing", _by_the_wrong, 7),
    "release by the payer": Wish("not-payee", _release_by_the_payer),
}
"""What a request is drawn for, and by what."""
