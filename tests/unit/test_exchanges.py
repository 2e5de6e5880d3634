"""Exchanges: exact, rounded down, and through two wallets of the system."""

from fractions import Fraction
from typing import Any

import pytest

from domain.exchanges import ExchangeMoney
from domain.identifiers import WalletId
from domain.money import MAX_AMOUNT
from domain.payment_events import Leg, PaymentCompleted, PaymentDeclined, Rate
from domain.refusals import (
    CurrencyMismatch,
    FieldInvalid,
    InsufficientFunds,
    Refusal,
    WalletNotFound,
)
from domain.shares import exchanged
from domain.wallets import Wallet
from tests.given import (
    OPERATOR,
    OURS,
    PAID,
    opening,
    wallet,
    wallet_named,
)
from tests.story import Story, limits, ours, story, theirs

BANK_EUR, BANK_JPY, YEN = (wallet_named(number) for number in (4, 5, 6))


def leg(source: WalletId, destination: WalletId, amount: int, currency: str = "EUR") -> Leg:
    return Leg(source, destination, amount, currency)


@pytest.mark.parametrize(
    ("amount", "rate", "digits", "worth"),
    [
        (100, Rate(1, 1), (2, 2), 100),
        (100, Rate(160, 1), (2, 0), 160),
        (1, Rate(160, 1), (2, 0), 1),
        (1, Rate(99, 1), (2, 0), 0),
        (1, Rate(1, 160), (0, 2), 0),
        (2, Rate(1, 160), (0, 2), 1),
        (160, Rate(1, 160), (0, 2), 100),
        (12345, Rate(10851, 10000), (2, 2), 13395),
        (1, Rate(1, 3), (0, 3), 333),
        (10**18, Rate(10**18, 10**18), (2, 2), 10**18),
    ],
)
def test_an_exchange_is_exact_and_rounded_down(
    amount: int, rate: Rate, digits: tuple[int, int], worth: int
) -> None:
    """Of whole units, as a fraction; never a float."""
    found = exchanged(amount, rate, *digits)
    exact = Fraction(amount, 10 ** digits[0]) * Fraction(rate.numerator, rate.denominator)
    assert found == worth == (exact * 10 ** digits[1]).__floor__()


def system(name: WalletId, currency: str) -> Wallet:
    first = opening(
        kind="system", account_class="asset", owner=None, currency=currency, overdraft_limit=None
    )
    return wallet(name=name, first=first)


def market(money: int = 1000) -> Story:
    """Return a story of our euros, our yen, and the bank's wallets of both."""
    yen = wallet(name=YEN, first=opening(currency="JPY", owner="usr_payee"))
    euros = ours(money=money)
    return story(euros, theirs(), yen, system(BANK_EUR, "EUR"), system(BANK_JPY, "JPY"))


def exchange(
    amount: int = 1000, numerator: int = 160, denominator: int = 1, **fields: Any
) -> ExchangeMoney:
    return ExchangeMoney(
        **{
            "payment_id": PAID,
            "source_wallet_id": OURS,
            "destination_wallet_id": YEN,
            "through": (BANK_EUR, BANK_JPY),
            "amount": amount,
            "rate": Rate(numerator, denominator),
            **fields,
        }
    )


def test_an_exchange_is_a_payment_of_two_legs_in_two_currencies() -> None:
    """The bank takes the one and gives the other, so that each currency sums to zero."""
    tale = market()
    told = tale.ask(exchange(), OPERATOR)
    fact = told.the(PaymentCompleted)
    assert (fact.kind, fact.amount, fact.currency, fact.rate) == (
        "exchange",
        1000,
        "EUR",
        Rate(160, 1),
    )
    assert fact.legs == (leg(OURS, BANK_EUR, 1000), leg(BANK_JPY, YEN, 1600, "JPY"))
    posted = [tale.wallets[name].posted for name in (OURS, BANK_EUR, BANK_JPY, YEN)]
    assert posted == [0, 1000, -1600, 1600]


def test_an_exchange_counts_against_no_limit() -> None:
    """It is an operator's, and not among what limits are over."""
    tale = market().happens(OURS, limits(0, 0)).done(exchange())
    assert tale.ours.spent == 0


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"through": (OURS, BANK_JPY)}, "through/0"),
        ({"through": (BANK_EUR, YEN)}, "through/1"),
        ({"amount": 1, "numerator": 99}, "amount"),
        ({"amount": MAX_AMOUNT, "numerator": 10**17}, "amount"),
    ],
)
def test_an_exchange_that_cannot_be_is_a_body_that_is_wrong(
    fields: dict[str, Any], field: str
) -> None:
    """A wallet of people in the middle, a worth of nothing, or one beyond the largest amount."""
    assert market().ask(exchange(**fields), OPERATOR).refused(FieldInvalid).field == field


@pytest.mark.parametrize("missing", ["source_wallet_id", "destination_wallet_id", "0", "1"])
def test_the_first_wallet_that_is_not_there_is_not_found(missing: str) -> None:
    """In the order of the body's fields; the wallets it goes through come last."""
    nobody = wallet_named(77)
    middle = [nobody if str(place) == missing else name for place, name in _numbered()]
    fields: dict[str, Any] = {"through": tuple(middle)}
    if missing not in {"0", "1"}:
        fields[missing] = nobody
    assert market().ask(exchange(**fields), OPERATOR).refused(WalletNotFound).wallet_id == nobody


def _numbered() -> list[tuple[int, WalletId]]:
    return list(enumerate((BANK_EUR, BANK_JPY)))


@pytest.mark.parametrize(
    ("fields", "no"),
    [
        ({"through": (BANK_JPY, BANK_JPY)}, CurrencyMismatch),
        ({"through": (BANK_EUR, BANK_EUR)}, CurrencyMismatch),
        ({"amount": 1001}, InsufficientFunds),
    ],
)
def test_an_exchange_is_refused_as_a_payment_is(fields: dict[str, Any], no: type[Refusal]) -> None:
    """The bank's wallets are in the two currencies, the source's first."""
    told = market().ask(exchange(**fields), OPERATOR)
    told.refused(no)
    assert told.the(PaymentDeclined).kind == "exchange"


def test_an_exchange_reads_its_amount_in_the_currency_of_its_source() -> None:
    """Which only the ledger knows; nothing is no amount."""
    tale = market()
    for text in ("0", "0.001"):
        no = tale.ask(exchange(0), OPERATOR, {"amount": text}).refused(FieldInvalid)
        assert no.field == "amount"
    told = tale.ask(exchange(0), OPERATOR, {"amount": "9.9"})
    assert told.the(PaymentCompleted).amount == 990
