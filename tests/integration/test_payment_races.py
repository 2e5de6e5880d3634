"""Payments that live on, in two processes at once: one winner, one effect, heads that agree.

Where two commands race, both orders of getting the lock are tried.
"""

import pytest

from domain.approvals import ApprovePayment, RejectPayment
from domain.holds import CaptureHold, IncreaseHold, ReleaseHold
from domain.identifiers import PaymentId
from domain.wallet_rules import (
    AddMember,
    ChangeApprovals,
    ChangeLimits,
    FreezeWallet,
    RemoveMember,
)
from tests.aftermath import counted, told
from tests.scene import ANN, BEN, CLEO, SHOP, Scene

BOTH_ORDERS = pytest.mark.parametrize("first", [0, 1])


@BOTH_ORDERS
def test_a_member_removed_while_their_payment_waits(scene: Scene, first: int) -> None:
    """Who is no member when the lock is given pays nothing, and is told of no wallet."""
    scene.done(AddMember(scene.home, BEN.subject, "spender"), ANN)
    heard = scene.race(
        scene.one.asking(RemoveMember(scene.home, BEN.subject), ANN),
        scene.other.transfer(scene.home, scene.shop, 10, by=BEN),
        first=first,
    )
    assert heard == ["done", "done" if first else "WalletNotFound"]
    assert scene.balances() == ((90, 0, 10) if first else (100, 0, 0))


@BOTH_ORDERS
def test_a_spend_and_a_freeze(scene: Scene, first: int) -> None:
    """A payment that waited behind the freeze is refused, one before it is done."""
    heard = scene.race(
        scene.one.asking(FreezeWallet(scene.home, "lost"), ANN),
        scene.other.transfer(scene.home, scene.shop, 10, by=ANN),
        first=first,
    )
    assert heard == ["done", "done" if first else "wallet-frozen"]
    assert scene.balances() == ((90, 0, 10) if first else (100, 0, 0))


@BOTH_ORDERS
def test_a_capture_and_a_freeze(scene: Scene, first: int) -> None:
    """A frozen wallet is not captured from, and what it holds stays held."""
    payment = scene.begun(scene.one.holding(scene.home, scene.shop, 40, ANN))
    heard = scene.race(
        scene.one.asking(FreezeWallet(scene.home, "lost"), ANN),
        scene.other.asking(CaptureHold(payment, None, final=True), SHOP),
        first=first,
    )
    assert heard == ["done", "done" if first else "wallet-frozen"]
    assert scene.balances() == ((60, 0, 40) if first else (100, 40, 0))


@BOTH_ORDERS
def test_a_capture_and_a_release(scene: Scene, first: int) -> None:
    """A hold has one end: the money is paid or it is free, and the loser hears which."""
    payment = scene.begun(scene.one.holding(scene.home, scene.shop, 40, ANN))
    heard = scene.race(
        scene.one.asking(CaptureHold(payment, 30, final=True), SHOP),
        scene.other.asking(ReleaseHold(payment), SHOP),
        first=first,
    )
    if first:
        assert heard == ["hold-already-released", "done"]
        assert scene.balances() == (100, 0, 0)
    else:
        assert heard == ["done", "hold-already-captured"]
        assert scene.balances() == (70, 0, 30)
    assert scene.after().story(payment) == ["authorized", "released" if first else "captured"]


@BOTH_ORDERS
def test_an_increase_and_a_final_capture(scene: Scene, first: int) -> None:
    """A hold that has ended is not increased; one that has been increased is captured whole."""
    payment = scene.begun(scene.one.holding(scene.home, scene.shop, 40, ANN))
    heard = scene.race(
        scene.one.asking(CaptureHold(payment, None, final=True), SHOP),
        scene.other.asking(IncreaseHold(payment, 50, None), ANN),
        first=first,
    )
    assert heard == ["done", "done" if first else "hold-already-captured"]
    assert scene.balances() == ((10, 0, 90) if first else (60, 0, 40))


@BOTH_ORDERS
def test_an_increase_and_a_capture_of_more_than_was_held(scene: Scene, first: int) -> None:
    """A capture that waited for the increase is not refused for what was held before."""
    payment = scene.begun(scene.one.holding(scene.home, scene.shop, 40, ANN))
    heard = scene.race(
        scene.one.asking(CaptureHold(payment, 70, final=False), SHOP),
        scene.other.asking(IncreaseHold(payment, 50, None), ANN),
        first=first,
    )
    assert heard == ["done" if first else "amount-exceeds-hold", "done"]
    assert scene.balances() == ((30, 20, 70) if first else (100, 90, 0))


@pytest.mark.parametrize("batch", [1, 3, 8])
def test_sixteen_captures_of_parts(scene: Scene, batch: int) -> None:
    """As many parts are captured as fit into the hold, whoever captures them."""
    payment = scene.begun(scene.one.holding(scene.home, scene.shop, 93, ANN))
    part = CaptureHold(payment, 10, final=False)
    heard = counted(scene.at_once([scene.one.asking(part, SHOP) for _ in range(16)], batch))
    assert heard == {"done": 9, "amount-exceeds-hold": 7}
    assert scene.balances() == (10, 3, 90)
    assert scene.after().story(payment) == ["authorized", *["captured"] * 9]


@BOTH_ORDERS
def test_a_refund_and_a_reversal(scene: Scene, first: int) -> None:
    """A payment is given back by one of them, and by no more than it was."""
    payment = scene.begun(scene.one.transfer(scene.home, scene.shop, 40, by=ANN))
    heard = scene.race(
        scene.one.refunding(payment, 15, SHOP), scene.other.reversing(payment), first=first
    )
    if first:
        assert heard == ["already-reversed", "done"]
        assert scene.balances() == (100, 0, 0)
    else:
        assert heard == ["done", "already-refunded"]
        assert scene.balances() == (75, 0, 25)
    assert scene.after().story(payment) == ["completed", "reversed" if first else "refunded"]


@pytest.mark.parametrize("batch", [1, 4])
def test_eight_refunds(scene: Scene, batch: int) -> None:
    """As many are done as fit into the payment, although the payee has money for all."""
    payment = scene.begun(scene.one.transfer(scene.home, scene.shop, 100, by=ANN))
    assert told(scene.one.pay(scene.bank, scene.shop, 1000)) == "done"
    works = [scene.one.refunding(payment, 30, SHOP) for _ in range(8)]
    assert counted(scene.at_once(works, batch)) == {"done": 3, "amount-exceeds-payment": 5}
    assert scene.balances() == (90, 0, 1010)
    assert scene.after().story(payment) == ["completed", *["refunded"] * 3]


@pytest.mark.parametrize("batch", [1, 4])
def test_a_refund_of_all_that_is_left(scene: Scene, batch: int) -> None:
    """Who names no amount gets what is left when it is decided: once, and then there is none."""
    payment = scene.begun(scene.one.transfer(scene.home, scene.shop, 100, by=ANN))
    works = [scene.one.refunding(payment, None, SHOP) for _ in range(8)]
    assert counted(scene.at_once(works, batch)) == {"done": 1, "amount-exceeds-payment": 7}
    assert scene.balances() == (100, 0, 0)


def asked_by_ann(scene: Scene, required: int) -> PaymentId:
    """Return a payment of Ann's that waits for so many of Ben and Cleo, owners as she is."""
    for owner in (BEN, CLEO):
        scene.done(AddMember(scene.home, owner.subject, "owner"), ANN)
    scene.done(ChangeApprovals(scene.home, required, 5), ANN)
    payment = scene.begun(scene.one.transfer(scene.home, scene.shop, 40, by=ANN))
    assert scene.balances() == (100, 40, 0)
    return payment


@BOTH_ORDERS
@pytest.mark.parametrize("required", [1, 2])
def test_two_approvals(scene: Scene, required: int, first: int) -> None:
    """The approval that is needed last carries the payment out; none after it does."""
    payment = asked_by_ann(scene, required)
    heard = scene.race(
        scene.one.asking(ApprovePayment(payment, None), BEN),
        scene.other.asking(ApprovePayment(payment, None), CLEO),
        first=first,
    )
    assert heard[first] == "done"
    assert heard[1 - first] == ("done" if required == 2 else "approval-not-needed")
    assert scene.balances() == (60, 0, 40)
    story = scene.after().story(payment)
    assert story == ["approval_requested", *["approved"] * required, "completed"]


@BOTH_ORDERS
def test_an_approval_and_a_rejection(scene: Scene, first: int) -> None:
    """What is carried out is not rejected, and what is rejected is not carried out."""
    payment = asked_by_ann(scene, 1)
    heard = scene.race(
        scene.one.asking(ApprovePayment(payment, None), BEN),
        scene.other.asking(RejectPayment(payment, None), CLEO),
        first=first,
    )
    assert (heard[first], heard[1 - first]) == ("done", "approval-not-needed")
    assert scene.balances() == ((100, 0, 0) if first else (60, 0, 40))


@BOTH_ORDERS
def test_an_approval_and_the_end_of_an_owner(scene: Scene, first: int) -> None:
    """Who is no owner any more when the lock is given approves nothing."""
    payment = asked_by_ann(scene, 1)
    heard = scene.race(
        scene.one.asking(AddMember(scene.home, BEN.subject, "viewer"), ANN),
        scene.other.asking(ApprovePayment(payment, None), BEN),
        first=first,
    )
    assert heard == ["done", "done" if first else "RoleMissing"]
    assert scene.balances() == ((60, 0, 40) if first else (100, 40, 0))


@BOTH_ORDERS
def test_a_second_approval_and_the_end_of_the_first_owner(scene: Scene, first: int) -> None:
    """Approvals count as long as those who gave them are owners."""
    payment = asked_by_ann(scene, 2)
    scene.done(ApprovePayment(payment, None), BEN)
    heard = scene.race(
        scene.one.asking(RemoveMember(scene.home, BEN.subject), ANN),
        scene.other.asking(ApprovePayment(payment, None), CLEO),
        first=first,
    )
    assert heard == ["done", "done"]
    assert scene.balances() == ((60, 0, 40) if first else (100, 40, 0))


@pytest.mark.parametrize("batch", [1, 4])
def test_payments_against_one_limit_of_the_day(scene: Scene, batch: int) -> None:
    """As many pass as fit into the limit, transfers and holds alike."""
    scene.done(ChangeLimits(scene.home, None, 70), ANN)
    make = (scene.one.transfer, scene.one.holding)
    works = [make[number // 2 % 2](scene.home, scene.shop, 20, by=ANN) for number in range(8)]
    assert counted(scene.at_once(works, batch)) == {"done": 3, "limit-exceeded": 5}
    wallet = scene.after().wallets[scene.home]
    assert wallet.spent == 60
    assert wallet.available == 40


@BOTH_ORDERS
def test_two_transfers_against_one_limit_of_the_day(scene: Scene, first: int) -> None:
    """The second one sees what the first one spent, whichever process decides it."""
    scene.done(ChangeLimits(scene.home, None, 70), ANN)
    heard = scene.race(
        scene.one.transfer(scene.home, scene.shop, 40, by=ANN),
        scene.other.transfer(scene.home, scene.shop, 40, by=ANN),
        first=first,
    )
    assert (heard[first], heard[1 - first]) == ("done", "limit-exceeded")
    assert scene.balances() == (60, 0, 40)


@BOTH_ORDERS
def test_a_limit_lowered_while_a_payment_waits(scene: Scene, first: int) -> None:
    """The limit that holds is the one under the lock."""
    heard = scene.race(
        scene.one.asking(ChangeLimits(scene.home, 30, None), ANN),
        scene.other.transfer(scene.home, scene.shop, 40, by=ANN),
        first=first,
    )
    assert heard == ["done", "done" if first else "limit-exceeded"]
