"""The domain's table of currencies is the one that ISO 4217 publishes."""

import json

from iso4217 import Currency

from tests.tools.currency_table import CURRENCY_FILE, currency_table


def test_the_file_is_what_the_library_gives() -> None:
    """The tracked file equals the maintained library's table, to the byte."""
    assert CURRENCY_FILE.read_text() == currency_table(), (
        "Run python -m tests.tools.currency_table and look at what changed."
    )


def test_digits_are_those_of_the_standard() -> None:
    """Currencies of 0, 2, 3 and 4 minor digits are known with their own."""
    table = json.loads(CURRENCY_FILE.read_text())
    chosen = {code: table[code] for code in ("JPY", "EUR", "KWD", "CLF")}
    assert chosen == {"JPY": 0, "EUR": 2, "KWD": 3, "CLF": 4}


def test_codes_without_digits_are_left_out() -> None:
    """Gold, the code for tests and the code for no currency cannot be held."""
    table = json.loads(CURRENCY_FILE.read_text())
    assert not {"XAU", "XTS", "XXX"} & set(table)
    assert len(table) == sum(currency.exponent is not None for currency in Currency)
