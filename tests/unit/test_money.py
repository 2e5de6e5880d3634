"""Amounts are exact minor units of a currency, and any other spelling is refused."""

from decimal import Decimal

import pytest

from domain.money import (
    MAX_AMOUNT,
    AmountInvalid,
    Currencies,
    CurrencyUnknown,
    format_minor,
    iso_4217,
    parse_minor,
)

CURRENCIES = Currencies({"POINTS": 0, "BTC": 8, "WEI": 18})

PARSED = [
    ("1", "JPY", 1),
    ("1000000000000000000", "JPY", 10**18),
    ("0.01", "EUR", 1),
    ("1", "EUR", 100),
    ("12.3", "EUR", 1230),
    ("12.30", "EUR", 1230),
    ("10000000000000000.00", "EUR", 10**18),
    ("0.001", "KWD", 1),
    ("1.5", "KWD", 1500),
    ("1000000000000000", "KWD", 10**18),
    ("7", "POINTS", 7),
    ("0.00000001", "BTC", 1),
    ("1", "WEI", 10**18),
    ("0.000000000000000001", "WEI", 1),
]

# The 2^53 neighbours are where a float on the way would show.
EXACT = [2**53 - 1, 2**53, 2**53 + 1, 10**17 + 1, 10**18 - 1]

NO_AMOUNT = [
    "",
    " ",
    "01",
    "00",
    "00.1",
    "1.",
    ".5",
    ".",
    "+1",
    "-1",
    "-0",
    "1e3",
    "1E3",
    "0x10",
    "1_000",
    "1,5",
    "1,000.00",
    "1.2.3",
    " 1",
    "1 ",
    "1\n",
    "1.0\n",
    "\t1",
    "1\x00",
    # Full-width, Arabic and Devanagari digits, which int() would take, and a superscript.
    "\uff11",
    "\u0661",
    "\u0967.\u096b",
    "\u00b2",
    "NaN",
    "Infinity",
    "inf",
    "None",
    "null",
    "1.234",
    "0.001",
    "1.000",
    "0." + "0" * 30 + "1",
    "1" * 41,
    "1" * 5000,
]

TOO_MUCH = [
    ("1000000000000000001", "JPY"),
    ("10000000000000000.01", "EUR"),
    ("1000000000000000.001", "KWD"),
    ("1.000000000000000001", "WEI"),
    ("9223372036854775808", "JPY"),
    ("9" * 40, "EUR"),
]


@pytest.mark.parametrize(("text", "code", "minor"), PARSED)
def test_an_amount_is_read_as_minor_units(text: str, code: str, minor: int) -> None:
    """Each currency has its own number of digits after the point."""
    assert CURRENCIES.parse(text, code) == minor


@pytest.mark.parametrize("minor", EXACT)
def test_no_digit_is_lost_beyond_what_a_float_holds(minor: int) -> None:
    """Amounts are exact up to 10^18 minor units."""
    assert CURRENCIES.parse(f"{Decimal(minor).scaleb(-2):f}", "EUR") == minor


@pytest.mark.parametrize("text", NO_AMOUNT)
def test_any_other_spelling_is_no_amount(text: str) -> None:
    """One amount has few spellings, so that two readers never disagree."""
    with pytest.raises(AmountInvalid):
        CURRENCIES.parse(text, "EUR")


@pytest.mark.parametrize("text", ["1.0", "0.1", "1.00"])
def test_a_currency_without_minor_digits_takes_no_point(text: str) -> None:
    """JPY has no minor unit, so even a zero after the point is refused."""
    with pytest.raises(AmountInvalid):
        CURRENCIES.parse(text, "JPY")


@pytest.mark.parametrize(("text", "code"), TOO_MUCH)
def test_more_than_the_largest_amount_is_refused(text: str, code: str) -> None:
    """10^18 minor units is the most, whatever the currency's digits."""
    with pytest.raises(AmountInvalid):
        CURRENCIES.parse(text, code)


@pytest.mark.parametrize("text", ["0", "0.0", "0.00"])
def test_nothing_is_no_payable_amount_but_a_limit(text: str) -> None:
    """An amount is above zero, while an overdraft limit may be zero."""
    with pytest.raises(AmountInvalid):
        CURRENCIES.parse(text, "EUR")
    assert parse_minor(text, 2) == 0


@pytest.mark.parametrize(
    ("minor", "code", "text"),
    [
        (0, "JPY", "0"),
        (0, "EUR", "0.00"),
        (0, "KWD", "0.000"),
        (5, "EUR", "0.05"),
        (-5, "EUR", "-0.05"),
        (-100, "EUR", "-1.00"),
        (1230, "EUR", "12.30"),
        (-7, "JPY", "-7"),
        (1, "KWD", "0.001"),
        (1, "WEI", "0.000000000000000001"),
        (9 * 10**18, "EUR", "90000000000000000.00"),
        (-9 * 10**18, "JPY", "-9000000000000000000"),
    ],
)
def test_minor_units_are_shown_with_all_digits(minor: int, code: str, text: str) -> None:
    """A balance always shows the currency's minor digits, and its sign below zero."""
    assert CURRENCIES.format(minor, code) == text


@pytest.mark.parametrize("code", ["EURO", "eur", "Eur", "", "XXX", "XAU", "DEM", "€", "EUR "])
def test_a_code_that_nobody_registered_is_unknown(code: str) -> None:
    """Codes are exact, and those of ISO 4217 without minor units are no money here."""
    with pytest.raises(CurrencyUnknown):
        CURRENCIES.parse("1", code)
    with pytest.raises(CurrencyUnknown):
        CURRENCIES.format(1, code)


def test_an_asset_cannot_take_the_code_of_a_currency() -> None:
    """A second meaning of EUR would change what every amount in it says."""
    with pytest.raises(ValueError, match="EUR is a currency"):
        Currencies({"EUR": 3})


@pytest.mark.parametrize(("code", "digits"), [("JPY", 0), ("EUR", 2), ("KWD", 3), ("CLF", 4)])
def test_the_digits_are_those_of_iso_4217(code: str, digits: int) -> None:
    """One currency of each scale that the standard has."""
    assert iso_4217()[code] == CURRENCIES.digits(code) == digits


def test_the_largest_amount_fits_in_every_scale() -> None:
    """Formatting and parsing agree at the upper bound, from 0 to 18 digits."""
    for digits in range(19):
        assert parse_minor(format_minor(MAX_AMOUNT, digits), digits) == MAX_AMOUNT
