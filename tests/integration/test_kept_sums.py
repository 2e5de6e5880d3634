"""The reports of a busy wallet are kept, and go on with what is recorded later."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime, timedelta
from typing import Any

import pytest

from domain.identifiers import WalletId
from infrastructure.report_store.kept_sums import LEAST_MOVEMENTS
from tests.query_system import QuerySystem
from tests.report_fold import ReportFold, money

FIRST = date(2024, 1, 1)
PERIODS = ((date.min, date.max), (FIRST, date(2024, 1, 31)), (date(2024, 1, 16), date(2030, 1, 1)))
MOVEMENTS = 4 * LEAST_MOVEMENTS
REPORTS = ("cash-flow", "counterparties", "balance-history")


def at_noon(day: date) -> str:
    return f"{day}T12:00:00.000000Z"


def path_of(wallet: WalletId, report: str) -> str:
    return f"/v1/wallets/{wallet}/{report}"


@pytest.fixture(scope="module")
def wallet(system: QuerySystem) -> WalletId:
    """Give a wallet that is busy for two months, long ago, with several others."""
    writer = system.writer
    mine = writer.open(kind="system")
    others = [writer.open(kind="system") for _ in range(7)]
    for number in range(MOVEMENTS):
        other = others[number % 7]
        pair = (mine, other) if number % 3 else (other, mine)
        day = FIRST + timedelta(days=60 * number // MOVEMENTS)
        writer.transfer(*pair, 1 + number, effective_at=at_noon(day))
    system.follow()
    return mine


def pay(system: QuerySystem, wallet: WalletId, amount: int, **more: Any) -> None:
    """Let the wallet pay somebody new, whom nobody has a rule for."""
    system.writer.transfer(wallet, system.writer.open(kind="system"), amount, **more)
    system.follow()


def told(system: QuerySystem, wallet: WalletId, report: str) -> list[dict[str, Any]]:
    """Return all that a report tells without being asked for a period."""
    if report == "balance-history":
        return list(system.found(path_of(wallet, report))["points"])
    return system.pages(path_of(wallet, report), limit=200)


def assert_true(system: QuerySystem, wallet: WalletId) -> None:
    fold = ReportFold(system.databases)
    for since, until in PERIODS:
        asked = {"from": str(since), "to": str(until)}
        found = system.pages(path_of(wallet, "cash-flow"), **asked, limit=200)
        assert found == fold.flows(wallet, since, until, {})
        for way in (None, "debit"):
            filters = {} if way is None else {"direction": way}
            path = path_of(wallet, "counterparties")
            found = system.pages(path, **asked, **filters, limit=4)
            for row in found:
                row["last_at"] = datetime.fromisoformat(row["last_at"])
            assert found == fold.counterparties(wallet, since, until, way)
    moved = {each.position: each.posted for each in fold.moved if each.wallet == wallet}
    history = system.found(path_of(wallet, "balance-history"), points=500)
    assert history["movements"] == len(moved)
    shown = {point["position"]: point["balance"] for point in history["points"]}
    assert shown == {position: money(moved[position], "EUR") for position in shown}
    assert {min(moved), max(moved)} <= set(shown)


def test_they_go_on_with_what_is_recorded_later(system: QuerySystem, wallet: WalletId) -> None:
    """Be it of today, of long ago, or for a purpose that there was not; pages go on as begun."""
    listed = REPORTS[:2]
    before = {report: told(system, wallet, report) for report in listed}
    first = {report: system.found(path_of(wallet, report), limit=1) for report in listed}
    for number in range(3):
        assert_true(system, wallet)
        pay(system, wallet, 5)
        late = {"effective_at": at_noon(date(2024, 1, 20)), "metadata": {"category": f"{number}"}}
        pay(system, wallet, 7, **late)
    assert_true(system, wallet)
    for report in listed:
        asked = {"cursor": first[report]["next_cursor"], "limit": 200}
        second = system.found(path_of(wallet, report), **asked)["items"]
        assert [*first[report]["items"], *second] == before[report]


def movements(system: QuerySystem, wallet: WalletId, report: str) -> int:
    """Return how many movements a report has added up."""
    if report == "balance-history":
        return int(system.found(path_of(wallet, report))["movements"])
    rows = told(system, wallet, report)
    return sum(row["paid_count"] + row["received_count"] for row in rows)


@contextmanager
def hidden(system: QuerySystem) -> Iterator[None]:
    """Hide movements, as nobody may: they look as if no money had moved by them."""
    with system.databases.connect_admin("reports") as connection:
        connection.execute("SET search_path = reports_main, pg_temp")
        connection.execute("CREATE TEMPORARY TABLE was AS SELECT position, direction FROM entries")
        connection.execute("UPDATE entries SET direction = NULL")
        try:
            yield
        finally:
            connection.execute(
                "UPDATE entries SET direction = was.direction FROM was"
                " WHERE was.position = entries.position"
            )


@pytest.mark.parametrize("report", REPORTS)
def test_what_was_added_up_is_not_read_again(
    system: QuerySystem, wallet: WalletId, report: str
) -> None:
    """Rows that nobody may change are changed, and only what came later is seen."""
    before = movements(system, wallet, report)
    assert before >= MOVEMENTS
    with hidden(system):
        pay(system, wallet, 3)
        assert movements(system, wallet, report) == before + 1


@pytest.mark.parametrize("report", REPORTS)
def test_rows_that_are_built_anew_are_read_anew(
    system: QuerySystem, wallet: WalletId, report: str
) -> None:
    """A rebuild exchanges the table for another, and its rows may be others."""
    right = told(system, wallet, report)
    with system.databases.connect_admin("reports") as connection:
        connection.execute("SET search_path = reports_main")
        connection.execute("CREATE TABLE wrong (LIKE entries INCLUDING ALL)")
        connection.execute("INSERT INTO wrong SELECT * FROM entries")
        connection.execute("UPDATE wrong SET amount = amount * 2, posted_after = posted_after * 2")
        connection.execute("GRANT SELECT ON wrong TO falconpay_query")
        connection.execute("ALTER TABLE entries RENAME TO kept")
        connection.execute("ALTER TABLE wrong RENAME TO entries")
        try:
            doubled = told(system, wallet, report)
        finally:
            connection.execute("DROP TABLE entries")
            connection.execute("ALTER TABLE kept RENAME TO entries")
    name = "balance" if report == "balance-history" else "paid"
    assert [2 * float(row[name]) for row in right] == [float(row[name]) for row in doubled]
    assert told(system, wallet, report) == right
