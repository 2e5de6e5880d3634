"""The cash flow of a busy wallet is kept, and goes on with what is recorded later."""

from datetime import date, timedelta
from typing import Any

import pytest

from domain.identifiers import WalletId
from infrastructure.report_store.kept_flows import LEAST_MOVEMENTS
from tests.query_system import QuerySystem
from tests.report_fold import ReportFold

FIRST = date(2024, 1, 1)
PERIODS = ((date.min, date.max), (FIRST, date(2024, 1, 31)), (date(2024, 1, 16), date(2030, 1, 1)))
MOVEMENTS = 4 * LEAST_MOVEMENTS


def at_noon(day: date) -> str:
    return f"{day}T12:00:00.000000Z"


def path_of(wallet: WalletId) -> str:
    return f"/v1/wallets/{wallet}/cash-flow"


@pytest.fixture
def wallet(system: QuerySystem) -> WalletId:
    """Give a wallet that is busy for two months, long ago."""
    writer = system.writer
    mine, other = writer.open(kind="system"), writer.open(kind="system")
    for number in range(MOVEMENTS):
        pair = (mine, other) if number % 3 else (other, mine)
        day = FIRST + timedelta(days=60 * number // MOVEMENTS)
        writer.transfer(*pair, 1 + number, effective_at=at_noon(day))
    system.follow()
    return mine


def pay(system: QuerySystem, wallet: WalletId, amount: int, **more: Any) -> None:
    """Let the wallet pay somebody new, whom nobody has a rule for."""
    system.writer.transfer(wallet, system.writer.open(kind="system"), amount, **more)
    system.follow()


def assert_true(system: QuerySystem, wallet: WalletId) -> None:
    fold = ReportFold(system.databases)
    for since, until in PERIODS:
        asked = {"from": str(since), "to": str(until)}
        found = system.pages(path_of(wallet), **asked, limit=200)
        assert found == fold.flows(wallet, since, until, {})


def test_it_goes_on_with_what_is_recorded_later(system: QuerySystem, wallet: WalletId) -> None:
    """Be it of today, of long ago, or for a purpose that there was not; pages go on as begun."""
    before = system.pages(path_of(wallet), limit=200)
    first = system.found(path_of(wallet), limit=1)
    for number in range(3):
        assert_true(system, wallet)
        pay(system, wallet, 5)
        late = {"effective_at": at_noon(date(2024, 1, 20)), "metadata": {"category": f"{number}"}}
        pay(system, wallet, 7, **late)
    assert_true(system, wallet)
    second = system.found(path_of(wallet), cursor=first["next_cursor"])["items"]
    assert [*first["items"], *second] == before


def test_what_was_added_up_is_not_read_again(system: QuerySystem, wallet: WalletId) -> None:
    """Rows that nobody may change are changed, and only what came later is seen."""
    kept = system.pages(path_of(wallet), limit=200)
    with system.databases.connect_admin("reports") as connection:
        connection.execute("UPDATE reports_main.entries SET amount = amount * 2")
        try:
            pay(system, wallet, 3)
            later = system.pages(path_of(wallet), limit=200)
        finally:
            connection.execute("UPDATE reports_main.entries SET amount = amount / 2")
    assert later[: len(kept)] == kept
    assert [(row["paid"], row["paid_count"]) for row in later[len(kept) :]] == [("0.03", 1)]


def test_rows_that_are_built_anew_are_read_anew(system: QuerySystem, wallet: WalletId) -> None:
    """A rebuild exchanges the table for another, and its rows may be others."""
    right = system.pages(path_of(wallet), limit=200)
    with system.databases.connect_admin("reports") as connection:
        connection.execute("SET search_path = reports_main")
        connection.execute("CREATE TABLE wrong (LIKE entries INCLUDING ALL)")
        connection.execute("INSERT INTO wrong SELECT * FROM entries")
        connection.execute("UPDATE wrong SET amount = amount * 2")
        connection.execute("GRANT SELECT ON wrong TO falconpay_query")
        connection.execute("ALTER TABLE entries RENAME TO kept")
        connection.execute("ALTER TABLE wrong RENAME TO entries")
        try:
            doubled = system.pages(path_of(wallet), limit=200)
        finally:
            connection.execute("DROP TABLE entries")
            connection.execute("ALTER TABLE kept RENAME TO entries")
    assert [2 * float(row["paid"]) for row in right] == [float(row["paid"]) for row in doubled]
    assert system.pages(path_of(wallet), limit=200) == right
