"""Reports over the whole ledger are what a simple fold of the events gives."""

import asyncio
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from infrastructure.databases.logins import database_name
from projections.book_reports import AGES, HoldsRow, list_holds_by_age
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
)
"""Always, a month, parts of months, a day, a hundred years, and the future."""
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
        # A refund that is refused is a payment that is declined; a capture is no payment.
        assert ("amount-exceeds-payment", "refund") in {(r["code"], r["kind"]) for r in found}
        assert "hold-already-released" not in codes


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


def test_an_age_begins_with_its_second(system: QuerySystem) -> None:
    """Exactly an hour, a day or more is of the next age, and a microsecond less is not.

    What was set aside after the minute to which the time is cut is of the first age.
    """
    now = datetime(2026, 3, 29, 1, 30, tzinfo=UTC)
    ends = [now - timedelta(seconds=seconds) for _, seconds in AGES if seconds is not None]
    moments = [*ends, *(end + timedelta(microseconds=1) for end in ends)]
    moments += [now, now + timedelta(seconds=59)]

    async def ask() -> list[HoldsRow]:
        settings = system.databases.settings
        where = make_conninfo(system.databases.admin, dbname=database_name(settings, "reports"))
        async with await psycopg.AsyncConnection.connect(where) as snapshot:
            await snapshot.execute(f"SET search_path = {settings.reports_schema}".encode())
            # It lies before the table itself in the search path, and ends with the connection.
            await snapshot.execute("CREATE TEMPORARY TABLE payments (LIKE payments)")
            await snapshot.execute(
                "INSERT INTO payments (payment_id, position, amount, recorded_at, effective_at,"
                " kind, status, currency, captured, uncaptured, refunded, refundable)"
                " SELECT 'pay_' || n, n, 300, at, at, 'hold', 'authorized', 'EUR', 200, 100, 0, 0"
                " FROM unnest(%s::timestamptz[]) WITH ORDINALITY AS t (at, n)",
                [moments],
            )
            return await list_holds_by_age(snapshot, now, currency=None, after=("", -1), limit=9)

    found = [(row.age, row.count, int(row.held)) for row in asyncio.run(ask())]
    assert found == [(0, 3, 300), (1, 2, 200), (2, 2, 200), (3, 2, 200), (4, 1, 100)]


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


def test_concentration_of_few(
    postgres: PostgresHome, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Wallets at zero or below have no share; equal ones are in the order of their ids."""
    with query_system(postgres, tmp_path_factory.mktemp("home")) as small:
        writer = small.writer
        tills = {name: writer.open(name, kind="system") for name in ("EUR", "JPY", "KWD")}
        one, other, owing, _empty = (writer.open() for _ in range(4))
        writer.transfer(tills["EUR"], one, 300)
        writer.transfer(tills["EUR"], other, 250)
        writer.transfer(owing, other, 50)
        alone = writer.open("JPY")
        writer.transfer(tills["JPY"], alone, 7, currency="JPY")
        writer.transfer(writer.open("KWD"), tills["KWD"], 5, currency="KWD")
        small.follow()
        path = "/v1/reports/concentration"
        euro, yen = small.found(path)["items"]
        assert (euro["wallets"], euro["total"], euro["share"]) == (2, "6.00", "1.000000")
        half = {"posted": "3.00", "share": "0.500000"}
        assert euro["largest"] == [{"wallet_id": name, **half} for name in sorted((one, other))]
        all_of_it = {"wallet_id": alone, "posted": "7", "share": "1.000000"}
        assert (yen["currency"], yen["largest"]) == ("JPY", [all_of_it])
        assert small.found(path, currency="KWD")["items"] == []
