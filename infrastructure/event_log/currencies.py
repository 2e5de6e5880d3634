"""The currencies of a ledger, as its store keeps them for whoever reads amounts."""

from typing import Any

import psycopg

from domain.money import Currencies


def stored_currencies(connection: psycopg.Connection[Any]) -> Currencies:
    """Return ISO 4217 and the assets registered in the ledger that the search_path names."""
    rows = connection.execute("SELECT code, digits FROM asset").fetchall()
    return Currencies({str(code): int(digits) for code, digits in rows})
