"""Above a threshold a payment waits, its money held, until other owners agree or one does not."""

from typing import Any

import pytest

from domain.events import (
    WalletCredited,
    WalletFundsHeld,
    WalletHoldCaptured,
    WalletHoldReleased,
    WalletMemberAdded,
    WalletMemberRemoved,
)
from domain.instants import Instant, later
from domain.payment_events import (
    PaymentApprovalRequested,
    PaymentApproved,
    PaymentCompleted,
    PaymentReleased,
    Quorum,
)
from domain.payments import WEEK
from domain.refusals import (
    AlreadyApproved,
    ApprovalNotNeeded,
    NothingToDo,
    NotPayee,
    NotRefundable,
    PaymentNotFound,
    Rejection,
    RoleMissing,
)
from domain.wallets import Caller
from tests.given import (
    NOW,
    OPERATOR,
    OURS,
    OWNER,
    PAID,
    STRANGER,
    transfer_of,
)
from tests.household import ANNA, BEN, household, waiting
from tests.story import (
    APPROVE,
    EXPIRE,
    PAYEE,
    REJECT,
    RELEASE,
    SPENDER,
    SWEEPER,
    TOMORROW,
    VIEWER,
    capture,
    hold_of,
    refund,
    story,
    theirs,
)


@pytest.mark.parametrize(
    ("required", "amount", "waits"),
    [(1, 100, False), (1, 101, True), (2, 101, True), (0, 101, False)],
)
def test_only_what_is_above_the_threshold_waits(required: int, amount: int, waits: bool) -> None:
    """An amount equal to it does not, and without approvals nothing does."""
    told = story(household(required), theirs()).ask(transfer_of(amount))
    assert (told.standing.status == "awaiting-approval") is waits


def test_what_waits_is_held_and_moves_nothing() -> None:
    """It waits for a week where nobody says how long."""
    tale = story(household(2), theirs())
    told = tale.ask(transfer_of(200, description="Sofa"))
    asked = told.the(PaymentApprovalRequested)
    assert (asked.requested_by, asked.quorums) == (OWNER.subject, (Quorum(OURS, 2),))
    assert (asked.description, asked.standing.left) == ("Sofa", 0)
    end = later(NOW, WEEK)
    assert asked.standing.expires_at == end
    assert told.events[1:] == (WalletFundsHeld(PAID, 200, "EUR", end),)
    assert tale.money() == (1000, 200, 0)


def test_the_last_approval_that_is_needed_carries_the_payment_out() -> None:
    """What was held is captured, and the payee has it."""
    tale = waiting(2).done(APPROVE, by=ANNA)
    assert (tale.standing.status, tale.standing.approved_by) == (
        "awaiting-approval",
        (ANNA.subject,),
    )
    told = tale.ask(APPROVE, BEN)
    assert [type(event) for event in told.events[1:]] == [
        PaymentApproved,
        PaymentCompleted,
        WalletHoldCaptured,
        WalletCredited,
    ]
    assert (tale.standing.status, tale.money()) == ("completed", (800, 0, 200))
    assert tale.standing.approved_by == (ANNA.subject, BEN.subject)


def test_the_value_date_is_the_day_of_the_last_approval() -> None:
    """Where none was given; it is then that the money moves."""
    told = waiting().at(TOMORROW).ask(APPROVE, ANNA)
    assert told.the(PaymentCompleted).effective_at == TOMORROW
    dated = transfer_of(200, effective_at=Instant("2026-01-01T00:00:00.000000Z"))
    told = waiting(1, dated).ask(APPROVE, ANNA)
    assert told.the(WalletCredited).effective_at == "2026-01-01T00:00:00.000000Z"


WHO: list[tuple[Caller, type[Rejection] | None]] = [
    (ANNA, None),
    (BEN, None),
    (OWNER, RoleMissing),
    (SPENDER, RoleMissing),
    (VIEWER, RoleMissing),
    (OPERATOR, RoleMissing),
    (PAYEE, PaymentNotFound),
    (STRANGER, PaymentNotFound),
]


@pytest.mark.parametrize("command", [APPROVE, REJECT])
@pytest.mark.parametrize(("by", "no"), WHO)
def test_only_another_owner_decides(command: Any, by: Caller, no: type[Rejection] | None) -> None:
    """Not who asked for the payment, no spender, no operator; the payee does not know of it."""
    told = waiting().ask(command, by)
    if no is None:
        assert (told.no, told.right) == (None, "member")
    else:
        told.refused(no)


def test_who_asked_is_not_another_owner_whoever_they_are() -> None:
    """A spender's payment is approved by the owner; an operator's too."""
    for payer in (SPENDER, OPERATOR):
        tale = story(household(), theirs()).done(transfer_of(200), by=payer)
        tale.done(APPROVE, by=OWNER)
        assert tale.money() == (800, 0, 200)


def test_an_owner_approves_once() -> None:
    """Two approvals are two owners."""
    tale = waiting(2).done(APPROVE, by=ANNA)
    tale.ask(APPROVE, ANNA).refused(AlreadyApproved)
    tale.stands("awaiting-approval")


@pytest.mark.parametrize(
    "gone", [WalletMemberRemoved(ANNA.subject), WalletMemberAdded(ANNA.subject, "spender")]
)
def test_who_is_no_owner_any_more_does_not_count(gone: Any) -> None:
    """Removed or made a spender after their approval: another owner is needed."""
    carla = Caller("usr_carla", "tests", operate=False)
    tale = waiting(2).done(APPROVE, by=ANNA).happens(OURS, gone)
    tale.done(APPROVE, by=BEN)
    tale.stands("awaiting-approval")
    tale.happens(OURS, WalletMemberAdded(carla.subject, "owner")).done(APPROVE, by=carla)
    tale.stands("completed")


def test_who_is_no_owner_any_more_does_not_decide() -> None:
    tale = waiting().happens(OURS, WalletMemberRemoved(ANNA.subject))
    tale.ask(APPROVE, ANNA).refused(PaymentNotFound)
    tale.happens(OURS, WalletMemberAdded(ANNA.subject, "viewer"))
    tale.ask(APPROVE, ANNA).refused(RoleMissing)


def test_a_rejection_ends_the_payment_and_frees_its_money() -> None:
    """One owner is enough, also after another one has approved."""
    tale = waiting(2).done(APPROVE, by=ANNA)
    told = tale.ask(REJECT, BEN)
    assert told.events[2:] == (WalletHoldReleased(PAID, 200, "EUR", "rejected", 200),)
    assert (tale.standing.status, tale.money()) == ("declined", (1000, 0, 0))
    assert tale.ours.spent == 0


def test_a_rejection_the_next_day_gives_nothing_back() -> None:
    """What was counted on the day of the payment is no part of today's limit."""
    told = waiting().at(TOMORROW).ask(REJECT, ANNA)
    assert told.the(WalletHoldReleased).given_back == 0


@pytest.mark.parametrize("command", [APPROVE, REJECT])
@pytest.mark.parametrize(
    "ended", [[(APPROVE, ANNA)], [(REJECT, ANNA)]], ids=["approved", "rejected"]
)
def test_what_does_not_wait_needs_no_approval(
    ended: list[tuple[Any, Caller]], command: Any
) -> None:
    """Decided once, it is decided; also for who had not spoken yet."""
    tale = waiting()
    for step, by in ended:
        tale.done(step, by=by)
    tale.ask(command, BEN).refused(ApprovalNotNeeded)


@pytest.mark.parametrize("command", [APPROVE, REJECT])
def test_a_payment_that_never_waited_needs_no_approval(command: Any) -> None:
    """Done at once or declined at once, whichever owner asks."""
    tale = story(household(), theirs()).done(transfer_of(100), by=SPENDER)
    for by in (OWNER, ANNA):
        tale.ask(command, by).refused(ApprovalNotNeeded)
    tale.ask(command, PAYEE).refused(RoleMissing)


@pytest.mark.parametrize("command", [APPROVE, REJECT])
def test_what_waited_too_long_is_not_decided_any_more(command: Any) -> None:
    """The clock decides, swept or not."""
    tale = waiting().at(later(NOW, WEEK))
    tale.ask(command, ANNA).refused(ApprovalNotNeeded)
    tale.done(EXPIRE, by=SWEEPER).ask(command, ANNA).refused(ApprovalNotNeeded)


def test_what_waited_too_long_is_swept() -> None:
    """It ends expired, all of its money is free, and nothing was taken."""
    tale = waiting()
    tale.ask(EXPIRE, SWEEPER).refused(NothingToDo)
    told = tale.at(later(NOW, WEEK)).ask(EXPIRE, SWEEPER)
    assert told.the(PaymentReleased).amount == 200
    assert told.the(WalletHoldReleased).amount == 200
    assert (tale.standing.status, tale.money()) == ("expired", (1000, 0, 0))
    tale.ask(EXPIRE, SWEEPER).refused(NothingToDo)


@pytest.mark.parametrize("kind", ["transfer", "hold"])
def test_a_payee_is_not_told_of_what_nobody_approved_in_time(kind: str) -> None:
    """They did not know that it waited, so they do not hear that it has expired."""
    asked = transfer_of(200) if kind == "transfer" else hold_of(200)
    tale = waiting(1, asked).at(later(NOW, WEEK)).done(EXPIRE, by=SWEEPER)
    for command in (refund(1), capture(), RELEASE):
        tale.ask(command, PAYEE).refused(PaymentNotFound)
    tale.ask(refund(1, 30), OWNER).refused(NotPayee)
    tale.ask(refund(1, 31), OPERATOR).refused(NotRefundable)


def test_what_is_decided_is_valid_as_long_as_the_payment_waits() -> None:
    assert waiting().ask(APPROVE, ANNA).valid_before == later(NOW, WEEK)
