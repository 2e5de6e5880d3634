"""Reports of a wallet are what a simple fold of its movements gives, in any period."""

import asyncio
from collections.abc import Iterator
from datetime import date, datetime
from typing import Any

import psycopg
import pytest

from infrastructure.databases.logins import conninfo
from infrastructure.report_store.kept_histories import KeptHistories
from projections.wallet_reports.movements import MOST_MOVEMENTS, TooManyMovements
from tests.query_system import QuerySystem, query_system
from tests.report_fold import ReportFold, money
from tests.report_history import write_history
from tests.servers import PostgresHome

PERIODS = (
    (date.min, date.max),
    (date(2024, 2, 1), date(2024, 2, 29)),
    (date(2024, 3, 1), date(2025, 7, 14)),
    (date(1925, 1, 1), date(2025, 1, 1)),
    (date(2090, 1, 1), date(2190, 1, 1)),
)
RULES = {"counterparty:fees": "charges", "kind:refund": "sent back"}


@pytest.fixture(scope="module")
def system(
    postgres: PostgresHome,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[QuerySystem]:
    rules = ",".join(f"{what}={category}" for what, category in RULES.items())
    home = tmp_path_factory.mktemp("home")
    with query_system(postgres, home, {"FALCONPAY_CATEGORIES": rules}) as running:
        writer = running.writer
        one, other = (writer.open("KWD", kind="system") for _ in range(2))
        for _ in range(620):
            source, payee = writer.random.sample((one, other), 2)
            writer.transfer(source, payee, writer.random.randint(1, 10**6), currency="KWD")
        write_history(running)
        yield running


@pytest.fixture(scope="module")
def fold(system: QuerySystem) -> ReportFold:
    return ReportFold(system.databases)


@pytest.mark.parametrize("period", PERIODS)
def test_counterparties(system: QuerySystem, fold: ReportFold, period: tuple[date, date]) -> None:
    """Whom a wallet dealt with on some value dates, the largest volume first, on pages of any size.

    Backdated payments count on their value date, and ties are in the order of the ids.
    """
    asked = {"from": str(period[0]), "to": str(period[1])}
    seen = 0
    for number, wallet in enumerate(fold.wallets):
        way = (None, "debit", "credit")[number % 3]
        filters = {} if way is None else {"direction": way}
        path = f"/v1/wallets/{wallet}/counterparties"
        found = system.pages(path, **asked, **filters, limit=(1, 3, 200)[number // 3 % 3])
        for row in found:
            row["last_at"] = datetime.fromisoformat(row["last_at"])
        assert found == fold.counterparties(wallet, *period, way)
        seen += len(found)
    if period == PERIODS[0]:
        assert seen > 100


@pytest.mark.parametrize("period", PERIODS)
def test_cash_flow(system: QuerySystem, fold: ReportFold, period: tuple[date, date]) -> None:
    """What the payer wrote names what was paid; rules name the rest, and the kind what is left."""
    asked = {"from": str(period[0]), "to": str(period[1])}
    categories = set()
    for number, wallet in enumerate(fold.wallets):
        path = f"/v1/wallets/{wallet}/cash-flow"
        found = system.pages(path, **asked, limit=(1, 4, 200)[number % 3])
        assert found == fold.flows(wallet, *period, RULES)
        categories |= {row["category"] for row in found}
    if period == PERIODS[0]:
        expected = {"groceries", "🎈" * 50, "charges", "sent back", "transfer", "hold", "split"}
        assert expected <= categories


def test_a_payee_does_not_learn_what_the_payer_wrote(system: QuerySystem, fold: ReportFold) -> None:
    """A category is part of the metadata, which is the payer's."""
    for wallet in fold.wallets:
        for row in system.pages(f"/v1/wallets/{wallet}/cash-flow", limit=200):
            if row["received_count"]:
                assert row["category"] in {"transfer", "hold", "split", "exchange", "reversal",
                                           *RULES.values()} or row["paid_count"]  # fmt: skip


@pytest.mark.parametrize("points", [10, 11, 57, 500])
def test_balance_history(system: QuerySystem, fold: ReportFold, points: int) -> None:
    """Each point is true; first, last, lowest and highest are kept, and few are all."""
    longest = 0
    for wallet, told in fold.wallets.items():
        path = f"/v1/wallets/{wallet}/balance-history"
        found = system.found(path, points=points)
        moved = [each for each in fold.moved if each.wallet == wallet]
        _compare(found, moved, told["currency"], points)
        assert found["opening_balance"] == money(0, told["currency"])
        longest = max(longest, len(moved))
    assert longest > 500


def _compare(found: dict[str, Any], moved: list[Any], currency: str, points: int) -> None:
    true = {each.position: (each.recorded_at, money(each.posted, currency)) for each in moved}
    shown = [point["position"] for point in found["points"]]
    assert found["movements"] == len(moved)
    assert len(shown) <= points
    assert shown == sorted(set(shown))
    for point in found["points"]:
        at = datetime.fromisoformat(point["at"])
        assert (at, point["balance"]) == true[point["position"]]
    if len(moved) <= points:
        assert shown == [each.position for each in moved]
    else:
        low = min(moved, key=lambda each: (each.posted, each.position))
        high = min(moved, key=lambda each: (-each.posted, each.position))
        kept = {moved[0].position, moved[-1].position, low.position, high.position}
        assert kept <= set(shown)
        assert len(shown) >= points - 4


def test_balance_history_of_a_time(system: QuerySystem, fold: ReportFold) -> None:
    """It begins with what was there, and has what was recorded from one time up to another."""
    wallet = max(fold.wallets, key=lambda name: sum(m.wallet == name for m in fold.moved))
    moved = [each for each in fold.moved if each.wallet == wallet]
    currency = fold.wallets[wallet]["currency"]
    path = f"/v1/wallets/{wallet}/balance-history"
    middle = moved[len(moved) // 2].recorded_at
    text = middle.isoformat().replace("+00:00", "Z")
    later = [each for each in moved if each.recorded_at >= middle]
    earlier = [each for each in moved if each.recorded_at < middle]
    found = system.found(path, from_=text)
    _compare(found, later, currency, 500)
    assert found["opening_balance"] == money(earlier[-1].posted if earlier else 0, currency)
    _compare(system.found(path, to=text), earlier, currency, 500)
    for asked in ({"from": "2190-01-01T00:00:00Z"}, {"from": text, "to": text}):
        empty = system.found(path, **asked)
        assert (empty["movements"], empty["points"]) == (0, [])


def test_more_than_can_be_added_up(system: QuerySystem, fold: ReportFold) -> None:
    """A report that would take too long is refused in a sentence, and a shorter period is not."""
    wallet = next(name for name, told in fold.wallets.items() if told["reference"] == "cash")
    with system.databases.connect_admin("reports") as connection:
        connection.execute("SET search_path = reports_main")
        move = "UPDATE entries SET version = version + %s WHERE wallet_id = %s"
        connection.execute(move, [MOST_MOVEMENTS, wallet])
        connection.execute(
            "INSERT INTO entries SELECT n - 1 - %(most)s, n, 1, 0, 0, '2020-01-01', '2020-01-01',"
            " %(wallet)s, 'pay_0', %(wallet)s, 'debit', 'EUR', NULL"
            " FROM generate_series(1, %(most)s) AS n",
            {"wallet": wallet, "most": MOST_MOVEMENTS},
        )
        connection.execute(
            "INSERT INTO value_days VALUES (%s, '2020-01-01', %s)",
            [wallet, -MOST_MOVEMENTS],
        )
        try:
            for name in ("counterparties", "cash-flow"):
                path = f"/v1/wallets/{wallet}/{name}"
                refused = system.ask(path)
                assert (refused.status_code, refused.json()["code"]) == (422, "period-too-long")
                assert system.ask(path, from_="2021-01-01").status_code == 200
            with pytest.raises(TooManyMovements):
                asyncio.run(_points_since(system, wallet, -MOST_MOVEMENTS - 1))
        finally:
            connection.execute("DELETE FROM entries WHERE position < 0")
            connection.execute(move, [-MOST_MOVEMENTS, wallet])
            connection.execute("DELETE FROM value_days WHERE position < 0")


async def _points_since(system: QuerySystem, wallet: str, after: int) -> None:
    """Ask for a history from before the first position, which no time of the log leads to."""
    where = conninfo(system.databases.settings, system.databases.secrets, "query", "reports")
    async with await psycopg.AsyncConnection.connect(where) as snapshot:
        at = system.head()
        await KeptHistories().history(snapshot, wallet, after=after, at=at, points=10)
