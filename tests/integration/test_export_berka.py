"""The whole public data set as a book that other people's programs accept."""

from pathlib import Path

import pytest

from tests.books import falcon_json
from tests.exported import FORMATS, READERS, export, heads
from tests.servers import FreshDatabases

FILE = Path(__file__).parents[3] / "shared" / "data" / "berka" / "trans.asc.gz"

pytestmark = [
    pytest.mark.slow,
    pytest.mark.real_input,
    pytest.mark.timeout(600),
    pytest.mark.skipif(
        not FILE.exists(),
        reason="the Berka data set is not at ../shared/data/berka beside the project",
    ),
]


def test_the_berka_book_is_accepted(databases: FreshDatabases, tmp_path: Path) -> None:
    """49,102 transactions of a bank: hledger, bean-check and DuckDB find the ledger's balances."""
    report = falcon_json(databases, "import", FILE, "--profile", "berka")
    assert (report["rows"], report["accepted"]) == (49_102, 49_102)
    expected = heads(databases)
    assert len(expected) > 1_200
    for form in FORMATS:
        assert READERS[form](export(databases, form, tmp_path / form)) == expected
