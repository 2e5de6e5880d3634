"""Payments of many legs: all of them or none, and shares that lose no minor unit."""

from fractions import Fraction
from itertools import product
from typing import Any

import pytest

from domain.events import WalletCredited, WalletDebited
from domain.identifiers import WalletId
from domain.money import MAX_AMOUNT, MAX_BALANCE
from domain.payment_events import Leg, PaymentCompleted, PaymentDeclined
from domain.refusals import (
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
from domain.shares import MILLION, SharesInvalid, divide
from domain.wallets import Caller
from tests.given import (
    CLOSED,
    FROZEN_BY_OPERATOR,
    NOW,
    OPERATOR,
    OURS,
    OWNER,
    STRANGER,
    THEIRS,
    credited,
    opening,
    wallet,
    wallet_named,
)
from tests.story import VIEWER, Story, limits, ours, split_of, story, theirs

THIRD = wallet_named(3)
PARTS = [
    [MILLION],
    [None],
    [500_000, 500_000],
    [1, 999_999],
    [333_333, 333_333, 333_334],
    [333_333, 333_333, None],
    [1, None],
    [999_999, None],
    [142_857, 142_857, 142_857, 142_857, 142_857, 142_857, None],
    [142_857, 142_857, 142_857, 142_857, 142_857, 142_857, 142_858],
    [None, 10, 20, 30, 40, 50, 60],
]


@pytest.mark.parametrize("parts", PARTS)
@pytest.mark.parametrize("amount", [10**6, 10**6 + 1, 9_999_991, 10**18 - 1, MAX_AMOUNT])
def test_shares_add_up_to_the_amount(parts: list[int | None], amount: int) -> None:
    """Each is rounded down; one of them, the remainder or the first, takes what that leaves."""
    shares = divide(amount, parts)
    assert sum(shares) == amount
    taker = parts.index(None) if None in parts else 0
    for place, (part, share) in enumerate(zip(parts, shares, strict=True)):
        if place != taker and part is not None:
            assert share == Fraction(amount * part, MILLION).__floor__()
    assert min(shares) > 0


def test_no_small_amount_loses_a_unit() -> None:
    """Every amount up to 500 over every pair of parts in steps of a twentieth."""
    steps = range(50_000, MILLION, 50_000)
    for amount, part in product(range(1, 501), steps):
        for parts in ([part, MILLION - part], [part, None], [None, part]):
            try:
                shares = divide(amount, parts)
            except SharesInvalid:
                assert amount * min(part, MILLION - part) < 2 * MILLION
                continue
            assert sum(shares) == amount


@pytest.mark.parametrize(
    ("amount", "parts"),
    [
        (100, [None, None]),
        (100, [500_000, None, None]),
        (100, [500_000]),
        (100, [500_000, 499_999]),
        (100, [500_000, 500_001]),
        (100, [500_000, 500_001, None]),
        (100, [MILLION, None]),
        (1, [500_000, 500_000]),
        (99, [990_000, 10_000]),
        (99, [10_000, None]),
    ],
)
def test_parts_that_make_no_whole_are_refused(amount: int, parts: list[int | None]) -> None:
    """Two remainders, less or more than a million, or a share of nothing."""
    with pytest.raises(SharesInvalid):
        divide(amount, parts)


def leg(source: WalletId, destination: WalletId, amount: int, currency: str = "EUR") -> Leg:
    return Leg(source, destination, amount, currency)


def three(*events: Any, money: int = 1000, third: tuple[Any, ...] = ()) -> Story:
    """Return a story of our wallet, the payee's and a third one that is ours as well."""
    return story(
        ours(*events, money=money),
        theirs(),
        wallet(*third, name=THIRD, first=opening(currency="EUR")),
    )


def test_all_legs_of_a_payment_are_moved_in_their_order() -> None:
    """One fact of the payment, then a debit and a credit for each leg."""
    tale = three()
    legs = (leg(OURS, THEIRS, 60), leg(OURS, THIRD, 40), leg(THIRD, THEIRS, 15))
    told = tale.ask(split_of(*legs, description="Dinner"))
    assert told.events[0] == PaymentCompleted(
        kind="split",
        amount=115,
        currency="EUR",
        source_wallet_id=None,
        destination_wallet_id=None,
        effective_at=NOW,
        description="Dinner",
        legs=legs,
    )
    moved = [(type(event), event.amount) for event in told.events[1:]]  # type: ignore[union-attr]  # movements
    assert moved == [
        (kind, each.amount) for each in legs for kind in (WalletDebited, WalletCredited)
    ]
    assert (tale.money(), tale.wallets[THIRD].posted) == ((900, 0, 75), 25)


def test_a_split_of_one_leg_is_a_split() -> None:
    """It names its leg, as its payer asked for a split."""
    told = three().ask(split_of(leg(OURS, THEIRS, 60)))
    assert (told.the(PaymentCompleted).kind, told.standing.refundable) == ("split", 0)


@pytest.mark.parametrize(
    ("legs", "available"),
    [
        ((leg(OURS, THEIRS, 1000), leg(OURS, THIRD, 1)), 0),
        ((leg(THIRD, THEIRS, 1), leg(OURS, THIRD, 1)), 0),
        ((leg(OURS, THIRD, 1001), leg(THIRD, OURS, 500)), 1000),
    ],
)
def test_no_leg_takes_a_wallet_below_its_limit(legs: tuple[Leg, ...], available: int) -> None:
    """In the order given: what comes in later in the same payment is not there yet."""
    tale = three()
    told = tale.ask(split_of(*legs))
    assert told.refused(InsufficientFunds).available == available
    fact = told.the(PaymentDeclined)
    assert (fact.legs, fact.available) == (legs, available)
    assert (tale.money(), tale.wallets[THIRD].posted) == ((1000, 0, 0), 0)


def test_what_came_in_by_an_earlier_leg_can_be_spent() -> None:
    tale = three().done(split_of(leg(OURS, THIRD, 1000), leg(THIRD, THEIRS, 1000)), by=OWNER)
    assert tale.money() == (0, 0, 1000)


def test_every_leg_keeps_every_wallet_in_range() -> None:
    """Also where a later leg would bring it back."""
    full = (credited(MAX_BALANCE - 10),)
    legs = (leg(OURS, THIRD, 11), leg(THIRD, THEIRS, 11))
    three(third=full).ask(split_of(*legs)).refused(BalanceOutOfRange)
    three(third=full).done(split_of(*reversed(legs)), by=OWNER)


RUNGS: list[tuple[type[Refusal | Rejection], Any]] = [
    (SameWallet, {"legs": [leg(OURS, OURS, 1)]}),
    (CurrencyMismatch, {"legs": [leg(OURS, THEIRS, 1, "USD")]}),
    (WalletIsClosed, {"third": [CLOSED]}),
    (WalletIsFrozen, {"ours": [FROZEN_BY_OPERATOR]}),
    (PayeeUnavailable, {"theirs": [CLOSED]}),
    (LimitExceeded, {"ours": [limits(None, 99)]}),
    (InsufficientFunds, {"money": 99}),
]


@pytest.mark.parametrize("place", range(len(RUNGS)))
def test_a_split_is_refused_for_the_first_thing_that_is_wrong(place: int) -> None:
    """As a transfer is; the shape of every leg comes before who pays the first one."""
    legs = [leg(OURS, THEIRS, 60), leg(OURS, THEIRS, 40)]
    events: dict[str, list[Any]] = {"ours": [], "theirs": [], "third": []}
    money = 1000
    for no, wrong in RUNGS[place:]:
        legs += wrong.get("legs", [])
        if no is WalletIsClosed:
            legs.insert(0, leg(THIRD, THEIRS, 1))
        money = wrong.get("money", money)
        for side in events:
            events[side] += wrong.get(side, [])
    tale = story(
        ours(*events["ours"], money=money),
        theirs(*events["theirs"]),
        wallet(*events["third"], name=THIRD, first=opening()),
    )
    tale.ask(split_of(*legs)).refused(RUNGS[place][0])


@pytest.mark.parametrize(
    ("legs", "by", "no"),
    [
        ((leg(OURS, THEIRS, 1), leg(THEIRS, OURS, 1)), OWNER, WalletNotFound),
        ((leg(OURS, THEIRS, 1), leg(OURS, wallet_named(77), 1)), OWNER, WalletNotFound),
        ((leg(OURS, THEIRS, 1), leg(wallet_named(77), THEIRS, 1)), OPERATOR, WalletNotFound),
        ((leg(OURS, THEIRS, 1), leg(OURS, wallet_named(77), 1)), VIEWER, WalletNotFound),
        ((leg(OURS, THEIRS, 1), leg(OURS, THEIRS, 1)), VIEWER, RoleMissing),
        ((leg(OURS, THEIRS, 1),), STRANGER, WalletNotFound),
    ],
)
def test_every_payer_of_a_split_is_the_callers_to_pay_from(
    legs: tuple[Leg, ...], by: Caller, no: type[Rejection]
) -> None:
    """What is not found comes before a role that is missing."""
    three().ask(split_of(*legs), by).refused(no)


def test_a_split_from_wallets_of_several_kinds_is_given_by_the_widest_right() -> None:
    """Who pays as a member from one and as an operator from the other has operated."""
    both = Caller(OWNER.subject, "tests", operate=True)
    told = three(money=10).ask(split_of(leg(OURS, THEIRS, 1)), both)
    assert told.right == "member"
    tale = story(ours(), theirs(money=5))
    told = tale.ask(split_of(leg(OURS, THEIRS, 1), leg(THEIRS, OURS, 1)), both)
    assert told.right == "operate"
