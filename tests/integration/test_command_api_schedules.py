"""Schedules over HTTP: made, paused, resumed and deleted, by who may."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import httpx
import pytest

from tests.command_api import NOWHERE, Caller, CommandApi, Sides, new_key, refused, transfer

SCHEDULES = "/v1/schedules"
NO_SCHEDULE = "sch_0123456789ABCDEFGHJKMNPQRS"
ACTIONS = ("pause", "resume", "delete")


@pytest.fixture
def sides(command_api: CommandApi) -> Sides:
    return Sides.of(command_api, kind="shared")


def in_days(days: int) -> str:
    """Return the date so many days from today in UTC."""
    return (datetime.now(UTC).date() + timedelta(days=days)).isoformat()


def body(sides: Sides, **fields: Any) -> dict[str, Any]:
    """Return a transfer of 10.00 tomorrow, but for the fields given."""
    sent = {**transfer(sides.full, sides.shop, "10"), **fields.pop("transfer", {})}
    return {"transfer": sent, "starts_on": in_days(1), **fields}


def make(sides: Sides, by: Caller | None = None, key: str = "", **fields: Any) -> httpx.Response:
    """Ask for a schedule."""
    return (by or sides.anna).post(SCHEDULES, body(sides, **fields), key)


def made(sides: Sides, **fields: Any) -> str:
    """Make a schedule; return its id."""
    response = make(sides, **fields)
    assert response.status_code == 201, response.text
    return str(response.json()["schedule_id"])


def act(by: Caller, schedule: str, action: str) -> httpx.Response:
    """Pause, resume or delete."""
    path = f"{SCHEDULES}/{schedule}"
    return by.client.delete(path) if action == "delete" else by.post(f"{path}/{action}", {})


def pointers(response: httpx.Response) -> list[str]:
    problem = refused(response, 422, "invalid-request")
    return [error["pointer"] for error in problem["errors"]]


def test_a_schedule_is_shown_as_it_was_made(sides: Sides) -> None:
    """201 with its id and its next date; defaults are filled in, and nothing is paid yet."""
    texts = {"description": "Rent", "reference": "R-1", "metadata": {"flat": "3"}}
    response = make(sides, transfer=texts, recurrence="freq=daily;interval=7", count=3)
    assert response.status_code == 201, response.text
    schedule = response.json()
    assert response.headers["ledger-position"] == str(schedule.pop("position"))
    assert schedule.pop("schedule_id").startswith("sch_")
    assert datetime.fromisoformat(schedule.pop("created_at")).tzinfo == UTC
    assert schedule == {
        "status": "active",
        "next_on": in_days(1),
        "starts_on": in_days(1),
        "recurrence": "FREQ=DAILY;INTERVAL=7",
        "count": 3,
        "if_missed": "run",
        "done": 0,
        "transfer": {**transfer(sides.full, sides.shop, "10.00"), **texts},
    }
    assert sides.balances() == (10000, 0, 0)


def test_the_next_date_is_the_first_of_the_rule(sides: Sides) -> None:
    response = make(sides, recurrence="FREQ=MONTHLY;BYMONTHDAY=1", until="9999-12-31")
    tomorrow = date.fromisoformat(in_days(1))
    first = tomorrow if tomorrow.day == 1 else _next_month(tomorrow)
    assert response.json()["next_on"] == first.isoformat()


def _next_month(day: date) -> date:
    return (day.replace(day=1) + timedelta(days=32)).replace(day=1)


def test_the_same_key_again(sides: Sides) -> None:
    """The first answer to the byte, however the amount is spelled; another body is refused."""
    key = new_key()
    first = make(sides, key=key)
    again = make(sides, key=key, transfer={"amount": "10.0"}, if_missed="run")
    assert again.headers["idempotent-replayed"] == "true"
    assert again.content == first.content
    refused(make(sides, key=key, if_missed="skip"), 422, "idempotency-key-reused")


@pytest.mark.parametrize(
    ("fields", "pointer"),
    [
        ({"starts_on": "2020-01-01"}, "#/starts_on"),
        ({"starts_on": "9999-01-01"}, "#/starts_on"),
        ({"starts_on": "2027-02-29"}, "#/starts_on"),
        ({"starts_on": "tomorrow"}, "#/starts_on"),
        ({"recurrence": "FREQ=HOURLY"}, "#/recurrence"),
        ({"recurrence": "FREQ=DAILY;BYHOUR=9"}, "#/recurrence"),
        ({"recurrence": "FREQ=DAILY;COUNT=3"}, "#/recurrence"),
        ({"recurrence": "FREQ=DAILY;UNTIL=20300101"}, "#/recurrence"),
        ({"recurrence": "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30"}, "#/recurrence"),
        ({"recurrence": "FREQ=DAILY", "count": 2, "until": "2099-01-01"}, "#"),
        ({"until": "2099-01-01"}, "#"),
        ({"count": 2}, "#"),
        ({"recurrence": "FREQ=DAILY", "count": 0}, "#/count"),
        ({"recurrence": "FREQ=DAILY", "count": 10_000}, "#/count"),
        ({"recurrence": "FREQ=DAILY", "count": "2"}, "#/count"),
        ({"recurrence": "FREQ=DAILY", "until": "2020-01-01"}, "#/until"),
        ({"if_missed": "sometimes"}, "#/if_missed"),
        ({"every": "month"}, "#/every"),
        ({"transfer": {"amount": "10.001"}}, "#/transfer/amount"),
        ({"transfer": {"amount": "0"}}, "#/transfer/amount"),
        ({"transfer": {"currency": "XXQ"}}, "#/transfer/currency"),
        ({"transfer": {"dry_run": True}}, "#/transfer/dry_run"),
        ({"transfer": {"source_wallet_id": "wal_1"}}, "#/transfer/source_wallet_id"),
    ],
)
def test_what_is_wrong_is_named(sides: Sides, fields: Any, pointer: str) -> None:
    """422 with the place in the body; a count and an end exclude each other."""
    assert pointers(make(sides, **fields)) == [pointer]


def test_a_body_without_a_transfer(sides: Sides) -> None:
    response = sides.anna.post(SCHEDULES, {"starts_on": in_days(1), "transfer": None})
    assert pointers(response) == ["#/transfer"]
    assert pointers(sides.anna.post(SCHEDULES, content=b"")) == ["#/transfer", "#/starts_on"]


def test_only_an_operator_sets_a_value_date(sides: Sides) -> None:
    at = {"effective_at": "2026-01-31T12:00:00Z"}
    refused(make(sides, transfer=at), 403, "scope-missing")
    response = make(sides, by=sides.operator, transfer=at)
    assert response.json()["transfer"]["effective_at"] == "2026-01-31T12:00:00.000000Z"


def test_the_scope_of_payments_is_needed(sides: Sides) -> None:
    reader = sides.api.caller(sides.anna.subject, "read wallets")
    refused(make(sides, by=reader), 403, "scope-missing")
    for action in ACTIONS:
        refused(act(reader, NO_SCHEDULE, action), 403, "scope-missing")


@pytest.mark.parametrize(
    ("role", "status", "code"),
    [("owner", 201, ""), ("spender", 201, ""), ("viewer", 403, "role-missing")],
)
def test_members_of_the_wallet_make_them(sides: Sides, role: str, status: int, code: str) -> None:
    """Owners and spenders; to a stranger the wallet is not there."""
    refused(make(sides, by=sides.ben), 404, "wallet-not-found")
    sides.anna.add(sides.full, sides.ben, role)
    response = make(sides, by=sides.ben)
    assert response.status_code == status
    assert response.json().get("code", "") == code


def test_wallets_that_are_not_there(sides: Sides) -> None:
    for name in ("source_wallet_id", "destination_wallet_id"):
        refused(make(sides, transfer={name: NOWHERE}), 404, "wallet-not-found")


def test_what_can_never_be_paid_is_refused_for_ever(sides: Sides) -> None:
    """The refusal is stored under its key, as that of a payment is."""
    key = new_key()
    same = {"destination_wallet_id": sides.full}
    first = make(sides, key=key, transfer=same)
    problem = refused(first, 422, "same-wallet")
    assert first.headers["ledger-position"] == str(problem["position"])
    again = make(sides, key=key, transfer=same)
    assert (again.content, again.headers["idempotent-replayed"]) == (first.content, "true")
    dollars = sides.ben.open(currency="USD")
    other = {"destination_wallet_id": dollars}
    refused(make(sides, transfer=other), 422, "currency-mismatch")


def test_pause_and_resume(sides: Sides) -> None:
    """Each says how the schedule stands then; what is so already stays so."""
    schedule = made(sides)
    for action, status in (
        *(("pause", "paused"), ("pause", "paused")),
        *(("resume", "active"), ("resume", "active")),
    ):
        response = act(sides.anna, schedule, action)
        assert response.status_code == 200, response.text
        shown = response.json()
        assert response.headers["ledger-position"] == str(shown["position"])
        assert (shown["schedule_id"], shown["status"]) == (schedule, status)
        assert shown["next_on"] == in_days(1)


def test_an_action_again_with_its_key(sides: Sides) -> None:
    schedule, key = made(sides), new_key()
    path = f"{SCHEDULES}/{schedule}/pause"
    first = sides.anna.post(path, {}, key)
    act(sides.anna, schedule, "resume")
    again = sides.anna.post(path, {}, key)
    assert (again.content, again.headers["idempotent-replayed"]) == (first.content, "true")


def test_deleted_is_not_found(sides: Sides) -> None:
    """200 once, and afterwards it is as if it had never been."""
    schedule = made(sides)
    response = act(sides.anna, schedule, "delete")
    assert response.status_code == 200
    shown = response.json()
    assert (shown["status"], shown["next_on"]) == ("deleted", None)
    for action in ACTIONS:
        refused(act(sides.anna, schedule, action), 404, "schedule-not-found")


@pytest.mark.parametrize("action", ACTIONS)
def test_who_may_change_one(sides: Sides, action: str) -> None:
    """Whoever may pay from the wallet, and operators; the payee does not know of it."""
    refused(act(sides.ben, made(sides), action), 404, "schedule-not-found")
    sides.anna.add(sides.full, sides.ben, "viewer")
    refused(act(sides.ben, made(sides), action), 403, "role-missing")
    sides.anna.add(sides.full, sides.ben, "spender")
    for by in (sides.ben, sides.operator):
        assert act(by, made(sides), action).status_code == 200


@pytest.mark.parametrize("action", ACTIONS)
@pytest.mark.parametrize("name", [NO_SCHEDULE, "sch_1", "pay_0123456789ABCDEFGHJKMNPQRS", "x"])
def test_a_schedule_that_is_not_there(sides: Sides, action: str, name: str) -> None:
    refused(act(sides.anna, name, action), 404, "schedule-not-found")


def test_other_things_are_no_schedules(sides: Sides) -> None:
    """Not the bits of a wallet or of a payment, under another prefix."""
    payment = sides.anna.paid(sides.full, sides.shop, "1")["payment_id"]
    for name in (sides.full, payment):
        for action in ACTIONS:
            refused(act(sides.anna, f"sch{name[3:]}", action), 404, "schedule-not-found")
