"""Periods are closed over HTTP, for good, and what would change them is refused."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests import servers
from tests.command_api import Caller, CommandApi, Sides, new_key, refused
from tests.servers import PostgresHome

CLOSE = "/v1/operations/periods/close"


@pytest.fixture(scope="module")
def own_api(
    postgres: PostgresHome, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[CommandApi]:
    """Give an API on a ledger of its own, as what is closed stays closed."""
    databases = servers.fresh_databases(postgres, tmp_path_factory.mktemp("home"))
    api = CommandApi(databases)
    api.start()
    yield api
    api.stop()
    databases.drop()


@pytest.fixture(scope="module")
def sides(own_api: CommandApi) -> Sides:
    return Sides.of(own_api)


def day(back: int) -> str:
    """Return the date so many days before today."""
    return (datetime.now(UTC) - timedelta(days=back)).date().isoformat()


def close(caller: Caller, through: Any, key: str = "", **fields: Any) -> Any:
    return caller.post(CLOSE, {"through": through, "reason": "Accounts", **fields}, key)


def test_a_period_is_closed_for_good(own_api: CommandApi, sides: Sides) -> None:
    """Its days take no value date any more; the day after it, and today, do."""
    operator = own_api.operator()
    hold = operator.held(sides.bank, sides.shop, "5", effective_at=f"{day(40)}T12:00:00Z")
    key = new_key()
    done = close(operator, day(30), key)
    assert done.status_code == 200, done.text
    assert done.json() == {
        "operation_id": done.json()["operation_id"],
        "through": day(30),
        "reason": "Accounts",
        "closed_at": done.json()["closed_at"],
        "position": own_api.head(),
    }
    assert done.json()["operation_id"].startswith("opr_")

    before = own_api.posted(sides.shop)
    backdated = new_key()
    body = (sides.bank, sides.shop, "1", backdated)
    first = operator.pay(*body, effective_at=f"{day(30)}T23:59:59.999999Z")
    refused(first, 422, "period-closed")
    again = operator.pay(*body, effective_at=f"{day(30)}T23:59:59.999999Z")
    assert (again.content, again.headers["idempotent-replayed"]) == (first.content, "true")
    dry = operator.pay(
        sides.bank, sides.shop, "1", None, effective_at=f"{day(31)}T00:00:00Z", dry_run=True
    )
    assert (dry.status_code, dry.json()["code"]) == (422, "period-closed")
    refused(operator.on(hold, "capture"), 422, "period-closed")
    assert own_api.posted(sides.shop) == before

    assert operator.on(hold, "release").status_code == 200
    operator.paid(sides.bank, sides.shop, "1", effective_at=f"{day(29)}T00:00:00Z")
    operator.paid(sides.bank, sides.shop, "1")

    assert close(operator, day(30), key).content == done.content
    refused(close(operator, day(30)), 422, "period-closed")
    refused(close(operator, day(31)), 422, "period-closed")
    assert close(operator, day(28)).status_code == 200
    refused(
        operator.pay(sides.bank, sides.shop, "1", effective_at=f"{day(29)}T00:00:00Z"),
        422,
        "period-closed",
    )


@pytest.mark.parametrize("ahead", [0, -1, -400])
def test_a_day_that_has_not_ended_is_not_closed(own_api: CommandApi, ahead: int) -> None:
    refused(close(own_api.operator(), day(ahead)), 422, "period-not-over")


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"through": "2020-01-31"},
        {"through": "2020-02-30", "reason": "x"},
        {"through": "2020-01-31T00:00:00Z", "reason": "x"},
        {"through": 20200131, "reason": "x"},
        {"through": "2020-01-31", "reason": ""},
        {"through": "2020-01-31", "reason": "x", "until": "2020-01-31"},
    ],
)
def test_a_body_that_is_wrong_is_refused(own_api: CommandApi, body: Any) -> None:
    refused(own_api.operator().post(CLOSE, body), 422, "invalid-request")


@pytest.mark.parametrize("scope", ["wallets payments", "audit", "read", "admin"])
def test_only_operators_close_periods(own_api: CommandApi, scope: str) -> None:
    refused(close(own_api.caller(scope=scope), "2001-01-31"), 403, "scope-missing")


def test_closing_needs_a_key(own_api: CommandApi) -> None:
    body = {"through": "2001-01-31", "reason": "x"}
    refused(own_api.operator().post(CLOSE, body, None), 400, "idempotency-key-required")
