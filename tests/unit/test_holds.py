"""Holds: money set aside for a payee, and captured in parts or at once."""

from typing import Any

import pytest

from domain.events import (
    WalletCredited,
    WalletFundsHeld,
    WalletHoldCaptured,
    WalletHoldReleased,
)
from domain.instants import Instant
from domain.money import MAX_AMOUNT, MAX_BALANCE
from domain.payment_events import PaymentAuthorized, PaymentCaptured, PaymentReleased
from domain.refusals import (
    AmountExceedsHold,
    BalanceOutOfRange,
    CurrencyMismatch,
    InsufficientFunds,
    LimitExceeded,
    PayeeUnavailable,
    Refusal,
    Rejection,
    RoleMissing,
    SameWallet,
    WalletIsClosed,
    WalletIsFrozen,
    WalletNotFound,
)
from tests.given import (
    CLOSED,
    FROZEN_BY_OPERATOR,
    NOW,
    OPERATOR,
    OURS,
    OWNER,
    PAID,
    STRANGER,
    THEIRS,
    credited,
    opening,
    payment_named,
    transfer_of,
    wallet,
    wallet_named,
)
from tests.story import (
    DAY,
    END,
    PAYEE,
    RELEASE,
    TOMORROW,
    VIEWER,
    capture,
    held,
    hold_of,
    limits,
    ours,
    story,
    theirs,
)


def test_a_hold_sets_money_aside_and_moves_none() -> None:
    """Posted stays, held grows, and what is available goes down by the hold."""
    tale = story()
    told = tale.ask(hold_of(100))
    assert told.the(WalletFundsHeld) == WalletFundsHeld(PAID, 100, "EUR", END)
    assert tale.money() == (1000, 100, 0)
    assert tale.ours.available == 900


def test_a_hold_stands_authorized_until_its_end() -> None:
    """All of it can be captured, nothing can be refunded yet."""
    told = story().ask(hold_of(100))
    authorized = told.the(PaymentAuthorized)
    standing = authorized.standing
    assert (authorized.kind, standing.status, standing.expires_at) == ("hold", "authorized", END)
    assert (standing.amount, standing.left) == (100, 100)
    assert (standing.captured, standing.refundable) == (0, 0)


def test_what_is_held_can_be_held_or_paid_once() -> None:
    """Two holds cannot promise the same money, and a payment cannot take it."""
    tale = held(600)
    other = hold_of(401, payment_id=payment_named(5))
    assert tale.ask(other).refused(InsufficientFunds).available == 400
    paid = transfer_of(401, payment_id=payment_named(6))
    assert tale.ask(paid).refused(InsufficientFunds).available == 400


RUNGS: list[tuple[str, type[Refusal | Rejection], dict[str, Any]]] = [
    ("unknown source", WalletNotFound, {"command": {"source_wallet_id": wallet_named(77)}}),
    ("no member", WalletNotFound, {"by": STRANGER}),
    ("unknown payee", WalletNotFound, {"command": {"destination_wallet_id": wallet_named(77)}}),
    ("viewer", RoleMissing, {"by": VIEWER}),
    ("same wallet", SameWallet, {"command": {"destination_wallet_id": OURS}}),
    ("currency", CurrencyMismatch, {"command": {"currency": "USD"}}),
    ("closed", WalletIsClosed, {"ours": [CLOSED]}),
    ("frozen", WalletIsFrozen, {"ours": [FROZEN_BY_OPERATOR]}),
    ("payee closed", PayeeUnavailable, {"theirs": [CLOSED]}),
    ("limit", LimitExceeded, {"ours": [limits(99, None)]}),
    ("funds", InsufficientFunds, {"money": 99}),
]
"""What can be wrong with a hold of 100, first things first."""


@pytest.mark.parametrize("place", range(len(RUNGS)), ids=[rung[0] for rung in RUNGS])
def test_a_hold_is_refused_for_the_first_thing_that_is_wrong(place: int) -> None:
    """Each rung is told although everything below it is wrong as well."""
    apart = {"unknown payee": "same wallet", "unknown source": "no member", "no member": "viewer"}
    _, no, _ = RUNGS[place]
    command: dict[str, Any] = {}
    events: dict[str, list[Any]] = {"ours": [], "theirs": []}
    by, money = OWNER, 1000
    for name, _, wrong in reversed(RUNGS[place:]):
        # A wallet that is its own payee is not also somebody else's closed one.
        if apart.get(RUNGS[place][0]) == name or (name == "payee closed" and _is_own(place)):
            continue
        command |= wrong.get("command", {})
        by, money = wrong.get("by", by), wrong.get("money", money)
        for side in events:
            events[side] += wrong.get(side, [])
    tale = story(ours(*events["ours"], money=money), theirs(*events["theirs"]))
    tale.ask(hold_of(100, **command), by).refused(no)


def _is_own(place: int) -> bool:
    return RUNGS[place][0] == "same wallet"


def test_an_overdraft_bounds_what_is_held() -> None:
    """Held money counts as spent: available may reach the limit below zero and go no further."""
    first = opening(kind="shared", overdraft_limit=50)
    story(ours(first=first, money=50), theirs()).done(hold_of(100), by=OWNER)
    tale = story(ours(first=first, money=50), theirs())
    tale.ask(hold_of(101)).refused(InsufficientFunds)


def test_what_an_unlimited_wallet_holds_stays_in_range() -> None:
    """Neither held nor available passes 9 * 10^18, though there is no overdraft limit."""
    bank = opening(kind="system", owner=None, overdraft_limit=None)
    low = wallet(credited(5), first=bank)
    tale = story(low, theirs())
    for number in range(9):
        tale.done(hold_of(MAX_AMOUNT, payment_id=payment_named(100 + number)))
    tale.ask(hold_of(1), OPERATOR).refused(BalanceOutOfRange)
    assert tale.ours.held == MAX_BALANCE
    # What is held has been promised, so that a payment cannot take available out of range.
    tale.ask(transfer_of(6, payment_id=payment_named(5)), OPERATOR).refused(BalanceOutOfRange)


CAPTURES = [
    # captures as (amount, final), then status, captured, left, and our posted and held
    ([(None, True)], "completed", 100, 0, 900, 0),
    ([(None, False)], "completed", 100, 0, 900, 0),
    ([(100, False)], "completed", 100, 0, 900, 0),
    ([(40, True)], "completed", 40, 0, 960, 0),
    ([(40, False)], "authorized", 40, 60, 960, 60),
    ([(40, False), (60, False)], "completed", 100, 0, 900, 0),
    ([(40, False), (10, False)], "authorized", 50, 50, 950, 50),
    ([(40, False), (10, True)], "completed", 50, 0, 950, 0),
    ([(40, False), (None, True)], "completed", 100, 0, 900, 0),
    ([(1, True)], "completed", 1, 0, 999, 0),
]


@pytest.mark.parametrize(("parts", "status", "captured", "left", "posted", "kept"), CAPTURES)
def test_a_hold_is_captured_in_parts_or_at_once(
    parts: list[tuple[int | None, bool]],
    status: str,
    captured: int,
    left: int,
    posted: int,
    kept: int,
) -> None:
    """A final capture frees the rest; without an amount all that is left is taken."""
    tale = held()
    for amount, final in parts:
        tale.done(capture(amount, final=final), by=PAYEE)
    standing = tale.standing
    assert (standing.status, standing.captured, standing.left) == (status, captured, left)
    assert tale.money() == (posted, kept, captured)
    assert standing.refundable == captured


def test_a_capture_moves_money_from_what_is_held() -> None:
    """One fact of the payment, a capture of the payer, a credit of the payee, and the rest."""
    tale = held()
    told = tale.ask(capture(40), PAYEE)
    assert told.events[2:] == (
        WalletHoldCaptured(PAID, 40, "EUR", THEIRS, NOW),
        WalletCredited(PAID, 40, "EUR", OURS, NOW),
        WalletHoldReleased(PAID, 60, "EUR", "captured", 60),
    )
    captured = told.the(PaymentCaptured)
    assert (captured.amount, captured.released) == (40, 60)


def test_a_capture_without_a_rest_releases_nothing() -> None:
    """A release of nothing would be an event that says nothing."""
    told = held().ask(capture(), PAYEE)
    assert [type(event) for event in told.events[2:]] == [WalletHoldCaptured, WalletCredited]


def test_the_value_date_of_a_hold_is_that_of_its_captures() -> None:
    """Where the payer's operator gave none, it is the day of the capture."""
    tale = held(100, 30 * DAY)
    tomorrow = tale.at(TOMORROW).ask(capture(1, final=False), PAYEE)
    assert tomorrow.the(WalletCredited).effective_at == TOMORROW
    dated = story().done(hold_of(100, effective_at=Instant("2026-01-01T00:00:00.000000Z")))
    told = dated.ask(capture(), PAYEE)
    assert told.the(WalletHoldCaptured).effective_at == "2026-01-01T00:00:00.000000Z"


@pytest.mark.parametrize(("before", "amount"), [([], 101), ([(40, False)], 61)])
def test_captures_add_up_to_at_most_the_hold(before: list[tuple[int, bool]], amount: int) -> None:
    """A minor unit too much is refused, and what was left can still be captured."""
    tale = held()
    for part, final in before:
        tale.done(capture(part, final=final), by=PAYEE)
    tale.ask(capture(amount), PAYEE).refused(AmountExceedsHold)
    tale.done(capture(amount - 1), by=PAYEE)


def test_a_release_frees_what_is_left() -> None:
    """Without anything captured the hold ends cancelled and moves no money."""
    tale = held()
    told = tale.ask(RELEASE, PAYEE)
    assert told.events[2:] == (WalletHoldReleased(PAID, 100, "EUR", "released", 100),)
    assert told.the(PaymentReleased).amount == 100
    assert (tale.standing.status, tale.standing.left) == ("cancelled", 0)
    assert tale.money() == (1000, 0, 0)
