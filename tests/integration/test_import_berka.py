"""The whole public data set through the ledger, against balances computed without our code."""

import csv
import gzip
from collections import Counter, defaultdict
from decimal import Decimal
from pathlib import Path

import pytest

from tests.books import balances_of, falcon_json, project, replay
from tests.servers import FreshDatabases

FILE = Path(__file__).parents[3] / "shared" / "data" / "berka" / "trans.asc.gz"

pytestmark = [
    pytest.mark.real_input,
    pytest.mark.timeout(300),
    pytest.mark.skipif(
        not FILE.exists(),
        reason="the Berka data set is not at ../shared/data/berka beside the project",
    ),
]


def read_balances() -> dict[str, int]:
    """Return each account's balance in haléř, as credits less debits."""
    balances: dict[str, int] = defaultdict(int)
    with gzip.open(FILE, "rt", encoding="latin-1", newline="") as file:
        for row in csv.DictReader(file, delimiter=";"):
            sign = 1 if row["type"] == "PRIJEM" else -1
            balances[row["account_id"]] += sign * int(Decimal(row["amount"]) * 100)
    return balances


def test_every_balance_is_that_of_the_file(databases: FreshDatabases) -> None:
    expected = read_balances()
    report = falcon_json(databases, "import", FILE, "--profile", "berka")
    assert (report["rows"], report["accepted"], report["refused"]) == (49_102, 49_102, 0)
    assert report["accounts"] == len(expected) == 1_229
    assert balances_of(databases) == expected
    assert report["causes"] == Counter(rounding=603, **{"row-missing": 28})
    assert report["differences"] == 631
    project(databases)
    found = replay(databases)
    assert found.findings.kept == []
    assert found.events == 3 * 49_102 + 1_229 + 4
    again = falcon_json(databases, "import", FILE, "--profile", "berka")
    assert (again["accepted"], again["already_there"]) == (0, 49_102)
    assert balances_of(databases) == expected
