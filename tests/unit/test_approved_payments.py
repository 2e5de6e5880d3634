"""What becomes of payments that wait: what stops them, holds, splits, and what never waits."""

from typing import Any

import pytest

from domain.events import (
    WalletApprovalsChanged,
    WalletMemberAdded,
)
from domain.identifiers import WalletId
from domain.instants import later
from domain.money import MAX_BALANCE
from domain.payment_events import (
    Leg,
    PaymentApprovalRequested,
    PaymentAuthorized,
    Quorum,
)
from domain.payments import WEEK
from domain.refusals import (
    BalanceOutOfRange,
    InsufficientFunds,
    LimitExceeded,
    NotRefundable,
    PayeeUnavailable,
    PaymentNotFound,
    Refusal,
    WalletIsFrozen,
)
from domain.wallets import Caller
from tests.given import (
    CLOSED,
    FROZEN_BY_MEMBER,
    NOW,
    OPERATOR,
    OURS,
    OWNER,
    PAID,
    THEIRS,
    credited,
    opening,
    payment_named,
    transfer_of,
    wallet,
    wallet_named,
)
from tests.household import ANNA, BEN, household, waiting
from tests.story import (
    APPROVE,
    END,
    EXPIRE,
    PAYEE,
    REJECT,
    SPENDER,
    SWEEPER,
    TOMORROW,
    Story,
    capture,
    hold_of,
    increase,
    limits,
    refund,
    reverse,
    split_of,
    story,
    theirs,
)

THIRD = wallet_named(3)


@pytest.mark.parametrize(
    ("happens", "no"),
    [
        ((OURS, FROZEN_BY_MEMBER), WalletIsFrozen),
        ((THEIRS, CLOSED), PayeeUnavailable),
        ((THEIRS, credited(MAX_BALANCE - 199)), BalanceOutOfRange),
    ],
)
def test_what_cannot_be_carried_out_goes_on_waiting(
    happens: tuple[WalletId, Any], no: type[Refusal]
) -> None:
    """The approval is refused for that reason, and it is not counted."""
    tale = waiting().happens(*happens)
    tale.ask(APPROVE, ANNA).refused(no)
    assert (tale.standing.status, tale.standing.approved_by) == ("awaiting-approval", ())
    tale.done(REJECT, by=ANNA)


def test_a_first_of_two_approvals_needs_nothing_open() -> None:
    """Whether the payment can be carried out matters when it is."""
    tale = waiting(2).happens(OURS, FROZEN_BY_MEMBER).done(APPROVE, by=ANNA)
    tale.ask(APPROVE, BEN).refused(WalletIsFrozen)


LADDER = [
    ([FROZEN_BY_MEMBER, limits(199, None)], WalletIsFrozen),
    ([limits(199, None)], LimitExceeded),
    ([limits(None, 199)], LimitExceeded),
]


@pytest.mark.parametrize(("events", "no"), LADDER)
def test_a_payment_is_refused_at_once_and_does_not_wait(
    events: list[Any], no: type[Refusal]
) -> None:
    """Nobody is asked to approve what cannot be paid."""
    story(household(1, *events, money=199), theirs()).ask(transfer_of(200)).refused(no)


def test_a_payment_for_which_there_is_no_money_does_not_wait() -> None:
    tale = story(household(money=199), theirs())
    assert tale.ask(transfer_of(200)).refused(InsufficientFunds).available == 199


def test_what_waits_counts_against_the_day_it_was_asked_for() -> None:
    """And not again when it is approved, on the same day or another."""
    tale = waiting()
    assert tale.ours.spent == 200
    tale.at(TOMORROW).done(APPROVE, by=ANNA)
    assert (tale.ours.spent_on, tale.ours.spent) == (NOW[:10], 200)


def test_new_rules_do_not_change_what_waits_already() -> None:
    """It waits for as many as when it was asked for."""
    tale = waiting(2).happens(OURS, WalletApprovalsChanged(0, 0)).done(APPROVE, by=ANNA)
    tale.stands("awaiting-approval")
    tale.done(APPROVE, by=BEN)
    tale.stands("completed")


def test_a_hold_waits_and_is_then_a_hold() -> None:
    """Before its approval it cannot be captured; it runs out when it would have."""
    tale = waiting(1, hold_of(200))
    for by in (OWNER, PAYEE, OPERATOR):
        tale.ask(capture(), by).refused(PaymentNotFound)
    told = tale.ask(APPROVE, ANNA)
    assert told.the(PaymentAuthorized).standing.status == "authorized"
    assert (tale.money(), tale.standing.left) == ((1000, 200, 0), 200)
    assert tale.standing.expires_at == END
    tale.done(capture(150), by=PAYEE)
    assert (tale.money(), tale.ours.spent) == ((850, 0, 150), 150)


def test_an_approved_hold_that_runs_out_is_told_to_its_payee() -> None:
    """It was theirs to capture, unlike one that nobody approved."""
    tale = waiting(1, hold_of(200)).done(APPROVE, by=ANNA).at(END).done(EXPIRE, by=SWEEPER)
    tale.ask(refund(1), PAYEE).refused(NotRefundable)


def test_an_increase_above_the_threshold_is_no_way_round_the_others() -> None:
    """There is nobody it could wait for: what a hold comes to in all stays below, or is refused."""
    tale = story(household(), theirs()).done(hold_of(50), by=SPENDER)
    tale.ask(increase(51), SPENDER).refused(LimitExceeded)
    tale.done(increase(49), by=SPENDER).done(increase(1), by=SPENDER)
    tale.ask(increase(1), SPENDER).refused(LimitExceeded)


def test_an_approved_payment_is_a_payment_like_any_other() -> None:
    """It can be refunded, and reversed where it was not."""
    tale = waiting().done(APPROVE, by=ANNA).done(refund(50), by=PAYEE)
    assert (tale.standing.status, tale.standing.refundable) == ("partially-refunded", 150)
    waiting().done(APPROVE, by=ANNA).done(reverse())


OTHER = Leg(THIRD, THEIRS, 200, "EUR")


def two_households() -> Story:
    """Return a story of a payment of 200 from each of two wallets, each with its own owners."""
    third = wallet(
        WalletMemberAdded("usr_dora", "owner"),
        WalletApprovalsChanged(1, 100),
        credited(500),
        name=THIRD,
        first=opening(kind="shared"),
    )
    command = split_of(Leg(OURS, THEIRS, 200, "EUR"), OTHER)
    return story(household(), third, theirs()).done(command, by=OWNER)


DORA = Caller("usr_dora", "tests", operate=False)


def test_a_split_waits_for_owners_of_each_wallet_above_its_threshold() -> None:
    """One wallet's owner does not speak for the other's."""
    tale = two_households()
    asked = tale.payments[PAID].began
    assert isinstance(asked, PaymentApprovalRequested)
    assert asked.quorums == (Quorum(OURS, 1), Quorum(THIRD, 1))
    tale.done(APPROVE, by=ANNA).done(APPROVE, by=BEN)
    tale.stands("awaiting-approval")
    tale.done(APPROVE, by=DORA)
    assert (tale.standing.status, tale.theirs.posted) == ("completed", 400)
    assert (tale.ours.held, tale.wallets[THIRD].held) == (0, 0)


def test_a_split_counts_with_its_sum_from_each_wallet() -> None:
    """Two legs of 60 are 120, which is above 100."""
    legs = (Leg(OURS, THEIRS, 60, "EUR"), Leg(OURS, THIRD, 60, "EUR"))
    third = wallet(name=THIRD, first=opening(owner="usr_dora"))
    tale = story(household(), theirs(), third).done(split_of(*legs), by=OWNER)
    assert (tale.standing.status, tale.ours.held) == ("awaiting-approval", 120)
    tale.done(APPROVE, by=ANNA)
    assert (tale.ours.posted, tale.theirs.posted, tale.wallets[THIRD].posted) == (880, 60, 60)


@pytest.mark.parametrize(("command", "by"), [(REJECT, DORA), (EXPIRE, SWEEPER)])
def test_a_split_that_is_not_approved_frees_every_wallet(command: Any, by: Caller) -> None:
    tale = two_households()
    if by is SWEEPER:
        tale.at(later(NOW, WEEK))
    tale.done(command, by=by)
    assert (tale.money(), tale.wallets[THIRD].held) == ((1000, 0, 0), 0)


def test_exchanges_refunds_and_reversals_wait_for_nobody() -> None:
    """Limits and approvals are over what the owners' side pays."""
    exchange = split_of(Leg(OURS, THEIRS, 200, "EUR"), kind="exchange")
    assert story(household(), theirs()).ask(exchange).standing.status == "completed"
    back = transfer_of(
        300, payment_id=payment_named(60), source_wallet_id=THEIRS, destination_wallet_id=OURS
    )
    tale = story(household(), theirs(money=300)).done(back, by=PAYEE)
    tale.done(refund(200, of=payment_named(60)), by=OWNER)
    assert tale.money() == (1100, 0, 200)
