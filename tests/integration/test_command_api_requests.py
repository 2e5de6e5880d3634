"""Payment requests over HTTP: made by who may, handed on, and repeated to the byte."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from tests.command_api import CommandApi, Sides, new_key, refused
from tests.drawn_code import read
from tests.requests_over_http import REQUESTS, act, asked, body_of

WEEK, MONTH = 604_800, 2_592_000


@pytest.fixture
def sides(command_api: CommandApi) -> Sides:
    return Sides.of(command_api, kind="shared")


def test_a_request_is_shown_as_it_was_made(sides: Sides) -> None:
    """201 with all that hands it on; no money has moved."""
    response = sides.ben.post(
        REQUESTS,
        body_of(sides.shop, "12.3", payer=sides.anna.subject, description="Lunch", expires_in=60),
    )
    assert response.status_code == 201, response.text
    request = response.json()
    assert response.headers["ledger-position"] == str(request["position"])
    begin, end = (datetime.fromisoformat(request[name]) for name in ("created_at", "expires_at"))
    assert end - begin == timedelta(seconds=60)
    name = request["request_id"]
    moments = {"created_at", "expires_at", "position"}
    assert {field: request[field] for field in request.keys() - moments} == {
        "request_id": name,
        "status": "open",
        "reference": f"{name[-8:-4]}-{name[-4:]}",
        "wallet_id": sides.shop,
        "amount": "12.30",
        "currency": "EUR",
        "payer": sides.anna.subject,
        "description": "Lunch",
        "qr_svg": request["qr_svg"],
    }
    assert name.startswith("prq_")
    assert sides.balances() == (10_000, 0, 0)


def test_the_code_names_the_request(sides: Sides) -> None:
    """A decoder finds the link in the picture."""
    request = asked(sides.ben, sides.shop)
    assert read(request["qr_svg"]) == f"falconpay:request/{request['request_id']}"


def test_a_request_lasts_a_week_unless_said_otherwise(sides: Sides) -> None:
    """And it has neither a payer nor a description that nobody gave."""
    request = asked(sides.ben, sides.shop)
    begin, end = (datetime.fromisoformat(request[name]) for name in ("created_at", "expires_at"))
    assert end - begin == timedelta(seconds=WEEK)
    assert not {"payer", "description"} & request.keys()


def test_a_repeat_gets_the_first_answer_to_the_byte(sides: Sides) -> None:
    """However it is spelled: defaults are filled in and amounts are compared by value."""
    key = new_key()
    first = sides.ben.post(REQUESTS, body_of(sides.shop, "12.3"), key)
    spelled = body_of(sides.shop, "12.30", expires_in=WEEK, payer=None, description=None)
    repeat = sides.ben.post(REQUESTS, spelled, key)
    assert (repeat.status_code, repeat.content) == (201, first.content)
    assert repeat.headers["idempotent-replayed"] == "true"
    other = body_of(sides.shop, "12.30", expires_in=WEEK + 1)
    refused(sides.ben.post(REQUESTS, other, key), 422, "idempotency-key-reused")


def test_a_repeat_finds_its_answer_after_the_request_has_ended(sides: Sides) -> None:
    """What was answered then is answered now, to the one who made it and to the one who paid."""
    key, paying = new_key(), new_key()
    first = sides.ben.post(REQUESTS, body_of(sides.shop), key)
    paid = act(sides.anna, first.json(), "accept", sides.full, paying)
    again = act(sides.anna, first.json(), "accept", sides.full, paying)
    assert (again.status_code, again.content) == (201, paid.content)
    assert sides.ben.post(REQUESTS, body_of(sides.shop), key).content == first.content
    assert sides.balances() == (10_000 - 1234, 0, 1234)


@pytest.mark.parametrize(
    ("changed", "pointer"),
    [
        ({"amount": "0"}, "#/amount"),
        ({"amount": "1.234"}, "#/amount"),
        ({"amount": 12.34}, "#/amount"),
        ({"currency": "XYZ"}, "#/currency"),
        ({"wallet_id": "wal_1"}, "#/wallet_id"),
        ({"payer": ""}, "#/payer"),
        ({"payer": "a\nb"}, "#/payer"),
        ({"description": "x" * 141}, "#/description"),
        ({"expires_in": 0}, "#/expires_in"),
        ({"expires_in": MONTH + 1}, "#/expires_in"),
        ({"expires_in": "60"}, "#/expires_in"),
        ({"dry_run": True}, "#/dry_run"),
    ],
)
def test_a_field_that_is_wrong_is_named(
    sides: Sides, changed: dict[str, Any], pointer: str
) -> None:
    problem = refused(
        sides.ben.post(REQUESTS, {**body_of(sides.shop), **changed}), 422, "invalid-request"
    )
    assert [error["pointer"] for error in problem["errors"]] == [pointer]


@pytest.mark.parametrize("seconds", [1, MONTH])
def test_the_longest_and_the_shortest_time_are_taken(sides: Sides, seconds: int) -> None:
    assert asked(sides.ben, sides.shop, expires_in=seconds)["status"] == "open"


def test_only_who_could_pay_from_a_wallet_asks_for_it(command_api: CommandApi) -> None:
    """Owners and spenders do, and operators; a viewer may not, and a stranger finds nothing."""
    owner, spender, viewer, stranger = (command_api.caller() for _ in range(4))
    wallet = owner.open(kind="shared")
    owner.add(wallet, spender, "spender")
    owner.add(wallet, viewer, "viewer")
    for caller in (owner, spender, command_api.operator()):
        assert caller.post(REQUESTS, body_of(wallet)).status_code == 201
    refused(viewer.post(REQUESTS, body_of(wallet)), 403, "role-missing")
    refused(stranger.post(REQUESTS, body_of(wallet)), 404, "wallet-not-found")


def test_what_the_ledger_refuses_is_on_record(sides: Sides) -> None:
    """A request in another currency than the wallet's; the refusal is repeated."""
    key = new_key()
    body = {**body_of(sides.shop), "currency": "USD"}
    first = sides.ben.post(REQUESTS, body, key)
    assert refused(first, 422, "currency-mismatch")["position"] > 0
    repeat = sides.ben.post(REQUESTS, body, key)
    assert (repeat.content, repeat.headers["idempotent-replayed"]) == (first.content, "true")
