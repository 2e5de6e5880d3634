"""What may leave a wallet by one payment and on one day, and what counts towards it."""

from collections.abc import Callable

import pytest

from domain.events import (
    WalletCredited,
)
from domain.instants import Instant
from domain.payment_events import Leg
from domain.payments import MakePayment
from domain.refusals import (
    InsufficientFunds,
    LimitExceeded,
)
from domain.wallet_rules import (
    ChangeLimits,
)
from domain.wallets import Caller
from tests.given import (
    NOW,
    OPERATOR,
    OURS,
    OWNER,
    THEIRS,
    opening,
    payment_named,
    transfer_of,
    wallet,
    wallet_named,
)
from tests.household import ANNA, household
from tests.story import (
    APPROVE,
    PAYEE,
    RELEASE,
    SPENDER,
    TOMORROW,
    capture,
    held,
    hold_of,
    limits,
    ours,
    pay,
    refund,
    reverse,
    split_of,
    story,
    theirs,
)

LAST_OF_TODAY = Instant("2026-01-31T23:59:59.999999Z")

PAYMENTS: dict[str, Callable[[int, int], MakePayment]] = {
    "transfer": pay,
    "hold": lambda amount, number: hold_of(amount, payment_id=payment_named(number)),
    "split": lambda amount, number: split_of(
        Leg(OURS, THEIRS, amount - 1, "EUR"),
        Leg(OURS, THEIRS, 1, "EUR"),
        payment_id=payment_named(number),
    ),
}


@pytest.mark.parametrize("kind", PAYMENTS)
@pytest.mark.parametrize("by", [OWNER, SPENDER, OPERATOR])
def test_a_payment_keeps_to_the_limit_of_one_payment(kind: str, by: Caller) -> None:
    """A split counts with its sum from the wallet; an operator is bound by it too."""
    tale = story(ours(limits(100, None)), theirs())
    tale.ask(PAYMENTS[kind](101, 40), by).refused(LimitExceeded)
    tale.done(PAYMENTS[kind](100, 41), by=by)
    tale.done(PAYMENTS[kind](100, 42), by=by)


@pytest.mark.parametrize("kind", PAYMENTS)
@pytest.mark.parametrize("other", PAYMENTS)
def test_payments_of_all_kinds_add_up_to_the_limit_of_the_day(kind: str, other: str) -> None:
    """Transfers, splits and holds count alike, and together."""
    tale = story(ours(limits(None, 100)), theirs())
    tale.done(PAYMENTS[kind](60, 40), by=OWNER)
    tale.ask(PAYMENTS[other](41, 41)).refused(LimitExceeded)
    tale.done(PAYMENTS[other](40, 42), by=OWNER)
    tale.ask(PAYMENTS[kind](2, 43)).refused(LimitExceeded)
    assert tale.ours.spent == 100


def test_the_day_ends_at_midnight_in_utc() -> None:
    """A microsecond before, the day's limit is used up; at midnight there is a new one."""
    tale = story(ours(limits(None, 100)), theirs()).done(pay(100), by=OWNER)
    tale.at(LAST_OF_TODAY).ask(pay(1, 41)).refused(LimitExceeded)
    tale.at(TOMORROW).done(pay(100, 42), by=OWNER)
    assert (tale.ours.spent_on, tale.ours.spent) == (TOMORROW[:10], 100)
    tale.ask(pay(1, 43)).refused(LimitExceeded)


def test_the_value_date_is_not_the_day_that_counts() -> None:
    """It is the day on which the payment is recorded."""
    tale = story(ours(limits(None, 100)), theirs())
    tale.done(pay(100, effective_at=TOMORROW))
    tale.ask(pay(1, 41, effective_at=TOMORROW), OPERATOR).refused(LimitExceeded)


def test_refused_payments_do_not_count() -> None:
    tale = story(ours(limits(50, 100), money=70), theirs())
    tale.ask(pay(51, 40)).refused(LimitExceeded)
    tale.done(pay(50, 41), by=OWNER)
    tale.ask(pay(30, 42)).refused(InsufficientFunds)
    assert tale.ours.spent == 50


def test_money_coming_in_restores_nothing() -> None:
    """Neither a payment from others nor what a refund or a reversal brings back."""
    tale = story(ours(limits(None, 100)), theirs()).done(pay(60, 40), pay(40, 41), by=OWNER)
    tale.done(refund(of=payment_named(40)), by=PAYEE).done(reverse(of=payment_named(41)))
    tale.happens(OURS, WalletCredited(payment_named(8), 500, "EUR", wallet_named(7), NOW))
    assert (tale.ours.posted, tale.ours.spent) == (1500, 100)
    tale.ask(pay(1, 42)).refused(LimitExceeded)


def test_a_release_makes_room_for_another_payment_on_its_day() -> None:
    """And the rest of a final capture does; a capture itself takes no room."""
    tale = held(100, 3600, ours(limits(None, 100)), theirs())
    tale.ask(pay(1, 40)).refused(LimitExceeded)
    tale.done(capture(30), by=PAYEE).done(pay(70, 41), by=OWNER)
    tale.ask(pay(1, 42)).refused(LimitExceeded)
    again = held(100, 3600, ours(limits(None, 100)), theirs()).done(RELEASE, by=PAYEE)
    again.done(pay(100, 40), by=OWNER)


def test_limits_are_of_the_source_alone() -> None:
    """What comes into a wallet passes no limit of it."""
    story(ours(), theirs(limits(0, 0))).done(pay(100), by=OWNER)


def test_a_lower_limit_does_not_undo_what_happened() -> None:
    """It counts for what comes next: there is no room left, and no debt either."""
    tale = story().done(pay(100), by=OWNER).done(ChangeLimits(OURS, None, 50), by=OWNER)
    tale.ask(pay(1, 41)).refused(LimitExceeded)
    tale.done(ChangeLimits(OURS, None, 101), by=OWNER).done(pay(1, 42), by=OWNER)


def test_a_split_counts_in_every_wallet_that_pays() -> None:
    """Each one with its own sum and its own limit; what comes back within it is not taken off."""
    third = wallet_named(3)
    other = wallet(
        WalletCredited(payment_named(8), 50, "EUR", wallet_named(7), NOW),
        name=third,
        first=opening(),
    )
    legs = (
        Leg(OURS, third, 60, "EUR"),
        Leg(third, OURS, 30, "EUR"),
        Leg(OURS, THEIRS, 10, "EUR"),
    )
    tale = story(ours(), theirs(), other).done(split_of(*legs), by=OWNER)
    assert (tale.ours.spent, tale.wallets[third].spent) == (70, 30)


def test_an_approval_does_not_count_again() -> None:
    """A payment that waited has counted when it was asked for."""
    tale = story(household(1, limits(None, 200)), theirs()).done(transfer_of(200), by=OWNER)
    tale.ask(pay(1, 41)).refused(LimitExceeded)
    tale.done(APPROVE, by=ANNA)
    assert tale.ours.spent == 200
