"""Holds that hold more, and what holds use of their payer's limit of the day."""

from typing import Any

import pytest

from domain.events import (
    WalletHoldReleased,
)
from domain.instants import Instant, later
from domain.money import MAX_AMOUNT, MAX_BALANCE
from domain.refusals import (
    BalanceOutOfRange,
    InsufficientFunds,
    LimitExceeded,
    Refusal,
    WalletIsFrozen,
)
from domain.wallets import Caller
from tests.given import (
    FROZEN_BY_MEMBER,
    NOW,
    OURS,
    OWNER,
    payment_named,
    transfer_of,
)
from tests.story import (
    DAY,
    END,
    EXPIRE,
    HOUR,
    LAST_MOMENT,
    PAYEE,
    RELEASE,
    SWEEPER,
    TOMORROW,
    capture,
    held,
    increase,
    limits,
    ours,
    theirs,
)


def test_an_increase_holds_more() -> None:
    """All of it can be captured, until the same end where no other is given."""
    tale = held()
    tale.done(increase(50), by=OWNER)
    standing = tale.standing
    assert (standing.amount, standing.left, standing.expires_at) == (150, 150, END)
    assert tale.ours.held == 150
    tale.done(capture(150), by=PAYEE)


def test_an_increase_after_a_capture_adds_to_what_is_left() -> None:
    tale = held().done(capture(40, final=False), by=PAYEE).done(increase(50), by=OWNER)
    assert (tale.standing.amount, tale.standing.captured, tale.standing.left) == (150, 40, 110)
    assert tale.ours.held == 110


@pytest.mark.parametrize(
    ("expires_in", "end"),
    [(None, END), (2 * HOUR, later(NOW, 2 * HOUR)), (60, END), (HOUR, END)],
)
def test_an_increase_may_extend_a_hold_and_never_shortens_it(
    expires_in: int | None, end: Instant
) -> None:
    """A payer who could bring the end nearer could release, which is the payee's to do."""
    tale = held().done(increase(1, expires_in), by=OWNER)
    assert tale.standing.expires_at == end


def test_an_extension_counts_from_now() -> None:
    """So many seconds from the increase, not from the old end."""
    tale = held().at(LAST_MOMENT).done(increase(1, HOUR), by=OWNER)
    assert tale.standing.expires_at == later(LAST_MOMENT, HOUR)
    tale.at(END).done(capture(), by=PAYEE)


INCREASES: list[tuple[list[Any], int, type[Refusal]]] = [
    ([limits(899, None), FROZEN_BY_MEMBER], 901, WalletIsFrozen),
    ([limits(899, None)], 901, LimitExceeded),
    ([limits(None, 1000)], 901, LimitExceeded),
    ([], 901, InsufficientFunds),
]


@pytest.mark.parametrize(("events", "amount", "no"), INCREASES)
def test_an_increase_is_bounded_as_a_hold_is(
    events: list[Any], amount: int, no: type[Refusal]
) -> None:
    """Frozen before limits, limits before funds; it counts as a hold placed."""
    tale = held()
    for event in events:
        tale.happens(OURS, event)
    tale.ask(increase(amount), OWNER).refused(no)


def test_a_hold_never_passes_the_largest_amount() -> None:
    """Increases add up to at most what one payment may be."""
    tale = held(MAX_AMOUNT - 5, HOUR, ours(money=MAX_BALANCE), theirs())
    tale.ask(increase(6), OWNER).refused(BalanceOutOfRange)
    tale.done(increase(5), by=OWNER)


# What of the day's limit is used after each step; holds of 100, increased on the next day by 50.
@pytest.mark.parametrize(
    ("step", "by", "used"),
    [
        (capture(), PAYEE, 100),
        (capture(40), PAYEE, 40),
        (capture(40, final=False), PAYEE, 100),
        (RELEASE, PAYEE, 0),
        (increase(50), OWNER, 150),
    ],
)
def test_on_the_day_it_was_placed_what_is_freed_is_given_back(
    step: Any, by: Caller, used: int
) -> None:
    """A capture does not count again; the rest of a final one and a release give back."""
    tale = held().done(step, by=by)
    assert (tale.ours.spent_on, tale.ours.spent) == (NOW[:10], used)


@pytest.mark.parametrize(
    ("step", "by"), [(capture(40), PAYEE), (RELEASE, PAYEE), (EXPIRE, SWEEPER)]
)
def test_on_another_day_a_release_gives_nothing_back(step: Any, by: Caller) -> None:
    """What was spent since midnight stays spent in full."""
    tale = held(100, 13 * HOUR).at(TOMORROW)
    tale.done(transfer_of(7, payment_id=payment_named(5)), by=OWNER)
    if step is EXPIRE:
        tale.at(later(TOMORROW, HOUR))
    told = tale.ask(step, by)
    assert told.the(WalletHoldReleased).given_back == 0
    assert (tale.ours.spent_on, tale.ours.spent) == (TOMORROW[:10], 7)


def test_an_expired_hold_gives_back_on_the_day_it_was_placed() -> None:
    tale = held().at(END).done(EXPIRE, by=SWEEPER)
    assert tale.ours.spent == 0


@pytest.mark.parametrize(
    ("captured", "final", "used"),
    [(20, True, 0), (100, True, 0), (120, True, 20), (150, True, 50), (120, False, 50)],
)
def test_what_was_placed_last_is_freed_first(captured: int, final: bool, used: int) -> None:
    """100 placed yesterday and 50 today: of what is released at most the 50 are given back."""
    tale = held(100, 2 * DAY).at(TOMORROW).done(increase(50), by=OWNER)
    assert tale.ours.spent == 50
    tale.done(capture(captured, final=final), by=PAYEE)
    assert tale.ours.spent == used


def test_what_a_part_left_is_given_back_once() -> None:
    """Captured in parts and then released, today's 50 come back and no more."""
    tale = held(100, 2 * DAY).at(TOMORROW).done(increase(50), by=OWNER)
    tale.done(capture(120, final=False), by=PAYEE)
    told = tale.ask(RELEASE, PAYEE)
    assert told.the(WalletHoldReleased).given_back == 30
    assert tale.ours.spent == 20


def test_an_increase_counts_on_its_own_day() -> None:
    """Yesterday's hold is no part of today's limit, an increase is."""
    tale = held(100, 2 * DAY, ours(limits(None, 100)), theirs()).at(TOMORROW)
    tale.ask(increase(101), OWNER).refused(LimitExceeded)
    tale.done(increase(100), by=OWNER)
    tale.ask(increase(1), OWNER).refused(LimitExceeded)


def test_a_refused_increase_counts_nothing() -> None:
    tale = held()
    tale.ask(increase(901), OWNER).refused(InsufficientFunds)
    assert (tale.ours.spent, tale.ours.held) == (100, 100)


def test_a_lower_limit_does_not_undo_a_hold() -> None:
    """What was held under the old limit is captured under the new one."""
    tale = held()
    tale.happens(OURS, limits(1, 1))
    tale.done(capture(), by=PAYEE)
