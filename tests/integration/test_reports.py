"""Reports over the whole ledger are what a simple fold of the events gives."""

from collections.abc import Iterator
from datetime import UTC, date, datetime

import pytest

from tests.query_system import QuerySystem, query_system
from tests.report_fold import ReportFold, money
from tests.report_history import write_history
from tests.servers import PostgresHome

ALWAYS = (date.min, date.max)
PERIODS = (
    ALWAYS,
    (date(2024, 2, 1), date(2024, 2, 29)),
    (date(2024, 2, 15), date(2025, 7, 14)),
    (date(2025, 1, 1), date(2025, 1, 1)),
    (date(1925, 1, 1), date(2025, 1, 1)),
    (date(2090, 1, 1), date(2190, 1, 1)),
    (date(2025, 1, 2), date(2025, 1, 1)),
)
"""Always, a month, parts of months, a day, a hundred years, the future, and the wrong way round."""
FILTERS: tuple[dict[str, str], ...] = (
    {},
    {"currency": "JPY"},
    {"kind": "transfer"},
    {"currency": "EUR", "kind": "hold"},
    {"currency": "CHF"},
)


@pytest.fixture(scope="module")
def system(
    postgres: PostgresHome, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[QuerySystem]:
    with query_system(postgres, tmp_path_factory.mktemp("home")) as running:
        write_history(running)
        yield running


@pytest.fixture(scope="module")
def fold(system: QuerySystem) -> ReportFold:
    return ReportFold(system.databases)


def chosen(filters: dict[str, str]) -> tuple[str | None, str | None]:
    return filters.get("currency"), filters.get("kind")


@pytest.mark.parametrize("filters", FILTERS)
@pytest.mark.parametrize("period", PERIODS)
def test_months(
    system: QuerySystem, fold: ReportFold, period: tuple[date, date], filters: dict[str, str]
) -> None:
    """A month has what its days have, those of the period alone, in every currency's digits."""
    asked = {"from": str(period[0]), "to": str(period[1]), **filters}
    found = system.pages("/v1/reports/monthly", **asked, limit=200)
    assert found == fold.months(*period, *chosen(filters))
    if period == ALWAYS and not filters:
        assert {row["currency"] for row in found} == {"EUR", "JPY", "KWD"}
        assert len({row["kind"] for row in found}) > 4


@pytest.mark.parametrize("filters", FILTERS)
def test_what_was_declined_for_which_reason(
    system: QuerySystem, fold: ReportFold, filters: dict[str, str]
) -> None:
    """Rejections by other owners are told apart, and all together are what days count."""
    found = system.pages("/v1/reports/declined", **filters, limit=2)
    assert [(row["code"], row["currency"], row["kind"]) for row in found] == sorted(
        fold.declined(*ALWAYS, *chosen(filters))
    )
    assert {
        (row["code"], row["currency"], row["kind"]): (
            row["count"],
            row["volume"],
            row["first_on"],
            row["last_on"],
        )
        for row in found
    } == fold.declined(*ALWAYS, *chosen(filters))
    months = system.pages("/v1/reports/monthly", **filters, limit=200)
    assert sum(row["count"] for row in found) == sum(row["declined"] for row in months)
    if not filters:
        codes = {row["code"]: row["reason"] for row in found}
        assert codes["insufficient-funds"] == "The wallet has not enough available."
        assert "approval-rejected" in codes


def test_declines_are_counted_on_the_day_recorded(system: QuerySystem, fold: ReportFold) -> None:
    """A value date of years ago does not matter for what never had a value."""
    today = max(day for day, *_ in fold.refused)
    assert system.pages("/v1/reports/declined", to="2025-12-31") == []
    assert system.pages("/v1/reports/declined", **{"from": str(today)}) != []


def test_holds_by_age(system: QuerySystem, fold: ReportFold) -> None:
    """All that is held is in it once, and nothing that was captured, released or has run out."""
    _put_back(system, "interval '2 hours'", 0)
    _put_back(system, "interval '40 days'", 1)
    try:
        found = system.pages("/v1/reports/holds", limit=1)
        by_age = {(row["currency"], row["age"]): row for row in found}
        assert len(by_age) == len(found)
        assert {"under-1-hour", "under-1-day", "30-days-or-more"} == {age for _, age in by_age}
        for currency in ("EUR", "JPY", "KWD"):
            held = sum(_minor(row["held"]) for row in found if row["currency"] == currency)
            assert held == _held(system, currency)
    finally:
        _put_back(system, "interval '-2 hours'", 0)
        _put_back(system, "interval '-40 days'", 1)
    now = datetime.now(UTC)
    rows = system.pages("/v1/reports/holds")
    counted = {(row["currency"], row["age"]): (row["count"], row["held"]) for row in rows}
    assert counted == fold.holds(now)
    assert system.pages("/v1/reports/holds", currency="JPY") == []


def _put_back(system: QuerySystem, by: str, number: int) -> None:
    """Let a hold be older: nobody can wait for its age to come."""
    with system.databases.connect_admin("reports") as connection:
        connection.execute(
            "UPDATE reports_main.payments SET recorded_at = recorded_at - " + by + " WHERE"
            " payment_id = (SELECT payment_id FROM reports_main.payments"
            " WHERE status = 'authorized' ORDER BY position OFFSET %s LIMIT 1)",
            [number],
        )


def _minor(text: str) -> int:
    return int(text.replace(".", ""))


def _held(system: QuerySystem, currency: str) -> int:
    wallets = system.pages("/v1/wallets", limit=200)
    return sum(_minor(each["held"]) for each in wallets if each["currency"] == currency)


@pytest.mark.parametrize("currency", ["EUR", "JPY", "KWD"])
def test_concentration(system: QuerySystem, fold: ReportFold, currency: str) -> None:
    """The ten largest of what people have, with their shares; system wallets are nobody's own."""
    (found,) = system.found("/v1/reports/concentration", currency=currency)["items"]
    wallets, total, ranked = fold.largest(currency)
    assert wallets > 0
    assert (found["wallets"], found["total"]) == (wallets, money(total, currency))
    assert [(row["wallet_id"], row["posted"]) for row in found["largest"]] == [
        (name, money(posted, currency)) for name, posted in ranked
    ]
    parts = [float(row["share"]) for row in found["largest"]]
    assert parts == [pytest.approx(posted / total, abs=1e-6) for _, posted in ranked]
    assert float(found["share"]) == pytest.approx(sum(parts), abs=2e-5)


def test_concentration_in_pages(system: QuerySystem) -> None:
    """A page is cut between currencies, never within one."""
    found = system.pages("/v1/reports/concentration", limit=1)
    assert [row["currency"] for row in found] == ["EUR", "JPY", "KWD"]
    assert found == system.found("/v1/reports/concentration")["items"]


def test_an_empty_ledger(postgres: PostgresHome, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Over nothing there is nothing to tell, and that is no fault."""
    with query_system(postgres, tmp_path_factory.mktemp("home")) as empty:
        for name in ("monthly", "declined", "holds", "concentration"):
            answer = empty.found(f"/v1/reports/{name}")
            assert answer == {"items": [], "next_cursor": None}
        assert empty.found("/v1/audit/trail") == {"items": [], "next_cursor": None}
