"""Amounts that are divided or exchanged: no minor unit comes from nowhere, and none is lost."""

from collections.abc import Sequence
from fractions import Fraction
from itertools import pairwise
from math import floor
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from application.commands import Submission
from application.decisions import decide
from application.state import State
from domain.exchanges import ExchangeMoney, exchange_of
from domain.identifiers import bits, payment_id
from domain.money import MAX_AMOUNT
from domain.payment_events import Leg, Rate
from domain.payments import MakePayment
from domain.refusals import FieldInvalid
from domain.shares import MILLION, SharesInvalid, divide, exchanged
from tests.given import (
    ISO,
    NOW,
    OPERATOR,
    OURS,
    OWNER,
    THEIRS,
    credited,
    opening,
    wallet,
    wallet_named,
)

AMOUNTS = st.integers(1, MAX_AMOUNT) | st.integers(1, 1_000)
DIGITS = st.integers(0, 18)
RATES = st.builds(Rate, st.integers(1, 10**9), st.integers(1, 10**9))


@st.composite
def wholes(draw: st.DrawFn) -> list[int | None]:
    """Draw the parts of 1 to 7 parties that make a whole, one of them perhaps the remainder."""
    cuts = draw(st.lists(st.integers(1, MILLION - 1), max_size=6, unique=True))
    edges = [0, *sorted(cuts), MILLION]
    parts: list[int | None] = [high - low for low, high in pairwise(edges)]
    if draw(st.booleans()):
        parts[draw(st.integers(0, len(parts) - 1))] = None
    return parts


ANY_PARTS = st.lists(
    st.none() | st.integers(0, MILLION) | st.sampled_from([250_000, 500_000]),
    min_size=1,
    max_size=7,
)


def fair(amount: int, parts: Sequence[int | None]) -> list[int] | None:
    """Return the shares by exact fractions, or none where the parts are none of a whole."""
    given_parts = [part for part in parts if part is not None]
    open_parts = len(parts) - len(given_parts)
    whole = sum(given_parts) <= MILLION if open_parts else sum(given_parts) == MILLION
    if open_parts > 1 or not whole:
        return None
    shares = [floor(amount * Fraction(part or 0, MILLION)) for part in parts]
    taker = parts.index(None) if open_parts else 0
    shares[taker] = amount - sum(share for place, share in enumerate(shares) if place != taker)
    return shares if min(shares) > 0 else None


@given(AMOUNTS, wholes() | ANY_PARTS)
def test_shares_add_up_to_the_amount(amount: int, parts: Sequence[int | None]) -> None:
    """Each share is rounded down, one party takes the rest, and nobody gets nothing."""
    expected = fair(amount, parts)
    if expected is None:
        with pytest.raises(SharesInvalid):
            divide(amount, parts)
        return
    shares = divide(amount, parts)
    assert sum(shares) == amount
    assert shares == expected


@given(AMOUNTS, wholes())
def test_a_split_moves_all_of_its_amount(amount: int, parts: Sequence[int | None]) -> None:
    """What the payer loses is what the parties get, each of them their share."""
    shares = fair(amount, parts)
    if shares is None:
        return
    payees = [wallet_named(10 + place) for place in range(len(shares))]
    known = {name: wallet(name=name, first=opening(owner="usr_other")) for name in payees}
    known[OURS] = wallet(credited(amount))
    legs = [
        Leg(OURS, name, share, "EUR")
        for name, share in zip(payees, divide(amount, parts), strict=True)
    ]
    name = payment_id(UUID(int=99))
    command = MakePayment(
        payment_id=name, kind="split", legs=tuple(legs), amount=amount, currency="EUR"
    )
    work = Submission(command, OWNER, bits(name), "")
    decision = decide(work, State(known, ISO.digits), NOW)
    assert decision.refusal is None
    after = {each.wallet_id: each.posted for each in decision.wallets}
    assert after == {OURS: 0, **dict(zip(payees, shares, strict=True))}


@given(AMOUNTS, RATES, DIGITS, DIGITS)
def test_an_exchange_rounds_down_exactly(
    amount: int, rate: Rate, digits: int, into_digits: int
) -> None:
    """It is the exact fraction without what is less than one minor unit."""
    exact = Fraction(amount, 10**digits) * Fraction(rate.numerator, rate.denominator)
    worth = Fraction(exchanged(amount, rate, digits, into_digits), 10**into_digits)
    assert worth <= exact < worth + Fraction(1, 10**into_digits)


@given(AMOUNTS, RATES, DIGITS, DIGITS)
def test_nobody_gains_by_exchanging_there_and_back(
    amount: int, rate: Rate, digits: int, into_digits: int
) -> None:
    back = Rate(rate.denominator, rate.numerator)
    assert exchanged(exchanged(amount, rate, digits, into_digits), back, into_digits, digits) <= (
        amount
    )


@given(AMOUNTS, st.builds(Rate, st.integers(1, 10**30), st.integers(1, 10**30)))
def test_an_exchange_is_within_what_a_payment_may_be(amount: int, rate: Rate) -> None:
    """Nothing and what is too much to be stored are refused as fields of the request."""
    bank, mint = wallet_named(20), wallet_named(21)
    known = {
        OURS: wallet(),
        THEIRS: wallet(name=THEIRS, first=opening(currency="JPY")),
        bank: wallet(name=bank, first=opening(kind="system", owner=None)),
        mint: wallet(name=mint, first=opening(kind="system", owner=None, currency="JPY")),
    }
    command = ExchangeMoney(payment_id(UUID(int=9)), OURS, THEIRS, (bank, mint), amount, rate)
    exact = floor(Fraction(amount, 100) * Fraction(rate.numerator, rate.denominator))
    if not 0 < exact <= MAX_AMOUNT:
        with pytest.raises(FieldInvalid):
            exchange_of(command, known, OPERATOR, ISO.digits)
        return
    order = exchange_of(command, known, OPERATOR, ISO.digits)
    assert [leg.amount for leg in order.legs] == [amount, exact]
