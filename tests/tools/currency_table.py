"""Writes `domain/currencies.json`, so that the domain needs no library to know ISO 4217.

Run it by hand after the library `iso4217` has been brought up to a newer amendment:
`python -m tests.tools.currency_table`. A unit test says when the file is behind.
"""

import json
from pathlib import Path

from iso4217 import Currency

CURRENCY_FILE = Path(__file__).parents[2] / "domain" / "currencies.json"


def currency_table() -> str:
    """Return the file's text: code and minor digits (ISO 4217 list one), sorted, one a line.

    Codes without minor digits (metals, units of account, the codes for tests and for no
    currency) are no money that a wallet could hold, and are left out.
    """
    digits = {
        str(currency.code): currency.exponent
        for currency in Currency
        if currency.exponent is not None
    }
    return json.dumps(digits, indent=2, sort_keys=True) + "\n"


if __name__ == "__main__":
    CURRENCY_FILE.write_text(currency_table())
