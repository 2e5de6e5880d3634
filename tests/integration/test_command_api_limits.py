"""Limits and overdrafts over HTTP: set by who may, and kept inside each payment."""

from typing import Any

import pytest

from tests.command_api import NOWHERE, CommandApi, Sides, refused


@pytest.fixture
def sides(command_api: CommandApi) -> Sides:
    return Sides.of(command_api, kind="shared")


def pointers(response: Any) -> list[str]:
    problem = refused(response, 422, "invalid-request")
    return [error["pointer"] for error in problem["errors"]]


def limited(sides: Sides, per_payment: str | None = None, per_day: str | None = None) -> Any:
    """Set the limits of the payer's wallet, which must be done; return the wallet."""
    response = sides.anna.put(sides.full, "limits", per_payment=per_payment, per_day=per_day)
    assert response.status_code == 200, response.text
    assert response.headers["ledger-position"] == str(response.json()["position"])
    return response.json()


def test_limits_are_shown_with_the_wallet(sides: Sides) -> None:
    """In all the currency's digits, null where there is none; also after other commands."""
    wallet = limited(sides, "30", "50.5")
    assert wallet["wallet_id"] == sides.full
    assert wallet["limits"] == {"per_payment": "30.00", "per_day": "50.50"}
    frozen = sides.anna.act(sides.full, "freeze").json()
    assert frozen["limits"] == wallet["limits"]
    assert sides.anna.act(sides.full, "unfreeze").json()["limits"] == wallet["limits"]
    assert limited(sides, None, "1")["limits"] == {"per_payment": None, "per_day": "1.00"}
    assert limited(sides)["limits"] == {"per_payment": None, "per_day": None}
    assert "limits" not in sides.anna.act(sides.full, "freeze").json()


def test_a_put_takes_no_key_and_is_the_same_twice(sides: Sides) -> None:
    """A key in the header is not looked at, not even a malformed one or one of another request."""
    headers = [{}, {"Idempotency-Key": "a b"}, {"Idempotency-Key": "used"}]
    sides.anna.post("/v1/wallets", {"name": "A", "currency": "EUR"}, "used")
    shown = []
    for each in headers:
        body = {"per_payment": "30", "per_day": None}
        response = sides.anna.client.put(
            f"/v1/wallets/{sides.full}/limits", json=body, headers=each
        )
        assert response.status_code == 200, response.text
        assert "idempotent-replayed" not in response.headers
        shown.append({**response.json(), "position": 0})
    assert shown[0] == shown[1] == shown[2]


def test_a_payment_keeps_to_the_limit_of_one(sides: Sides) -> None:
    """To the cent, by its sum from the wallet, whoever asks; money coming in is not limited."""
    limited(sides, per_payment="30")
    anna, full, shop = sides.anna, sides.full, sides.shop
    response = anna.pay(full, shop, "30.01")
    problem = refused(response, 422, "limit-exceeded")
    assert problem["position"] == int(response.headers["ledger-position"])
    assert problem["payment_id"].startswith("pay_")
    refused(sides.operator.pay(full, shop, "30.01"), 422, "limit-exceeded")
    refused(anna.hold(full, shop, "30.01"), 422, "limit-exceeded")
    leg = {"source_wallet_id": full, "destination_wallet_id": shop, "currency": "EUR"}
    legs = [{**leg, "amount": "15"}, {**leg, "amount": "15.01"}]
    refused(anna.post("/v1/payments", {"legs": legs}), 422, "limit-exceeded")
    anna.paid(full, shop, "30")
    sides.operator.paid(sides.bank, full, "500")


def test_a_day_has_a_limit_that_all_payments_share(sides: Sides) -> None:
    """Transfers, holds when they are placed and increased, splits; what is refused never counts."""
    limited(sides, per_day="50")
    anna, full, shop = sides.anna, sides.full, sides.shop
    refused(anna.pay(full, shop, "50.01"), 422, "limit-exceeded")
    anna.paid(full, shop, "20")
    hold = anna.held(full, shop, "10")
    refused(anna.pay(full, shop, "20.01"), 422, "limit-exceeded")
    refused(anna.on(hold, "increase", {"amount": "20.01"}), 422, "limit-exceeded")
    assert anna.on(hold, "increase", {"amount": "5"}).status_code == 200
    leg = {"source_wallet_id": full, "destination_wallet_id": shop, "currency": "EUR"}
    split = anna.post("/v1/payments", {"legs": [{**leg, "amount": "10"}] * 1})
    assert split.status_code == 201
    # A capture does not count again, and what it leaves is given back.
    assert sides.ben.on(hold, "capture", {"amount": "5"}).status_code == 200
    anna.paid(full, shop, "15")
    refused(anna.pay(full, shop, "0.01"), 422, "limit-exceeded")


def test_a_released_hold_gives_back_and_nothing_else_does(sides: Sides) -> None:
    """Neither a refund, nor a reversal, nor money that comes in."""
    limited(sides, per_day="50")
    anna, full, shop = sides.anna, sides.full, sides.shop
    hold = anna.held(full, shop, "50")
    refused(anna.pay(full, shop, "0.01"), 422, "limit-exceeded")
    assert sides.ben.on(hold, "release").status_code == 200
    one, other = (anna.paid(full, shop, "25")["payment_id"] for _ in range(2))
    assert sides.ben.on(one, "refund").status_code == 201
    assert sides.operator.on(other, "reverse", {"reason": "x"}).status_code == 201
    sides.operator.paid(sides.bank, full, "1")
    refused(anna.pay(full, shop, "0.01"), 422, "limit-exceeded")


def test_giving_back_counts_against_nothing(sides: Sides) -> None:
    """A payee's limits stop neither a refund nor a reversal."""
    body = {"per_payment": "0", "per_day": "0"}
    assert sides.ben.put(sides.shop, "limits", **body).status_code == 200
    one, other = (sides.anna.paid(sides.full, sides.shop, "5")["payment_id"] for _ in range(2))
    assert sides.ben.on(one, "refund").status_code == 201
    assert sides.operator.on(other, "reverse", {"reason": "x"}).status_code == 201
    refused(sides.ben.pay(sides.shop, sides.full, "0.01"), 422, "limit-exceeded")


def test_lowering_a_limit_undoes_nothing(sides: Sides) -> None:
    """What was paid stays paid, what is held stays held; from then on nothing more."""
    sides.anna.paid(sides.full, sides.shop, "20")
    hold = sides.anna.held(sides.full, sides.shop, "20")
    limited(sides, "1", "1")
    assert sides.ben.on(hold, "capture").status_code == 200
    assert sides.balances() == (6_000, 0, 4_000)
    refused(sides.anna.pay(sides.full, sides.shop, "0.01"), 422, "limit-exceeded")


NO_LIMIT: list[Any] = [1, "", "-1", "1.", "01", "1e2", " 1", "1" * 41, True, [], "unlimited"]
NO_QUORUM: list[Any] = [-1, 6, 1.0, "1", True, None, []]


@pytest.mark.parametrize(
    ("what", "body", "wrong"),
    [
        ("limits", {}, ["#/per_payment", "#/per_day"]),
        ("limits", {"per_payment": "1"}, ["#/per_day"]),
        ("limits", {"per_day": None}, ["#/per_payment"]),
        *[("limits", {"per_payment": None, "per_day": value}, ["#/per_day"]) for value in NO_LIMIT],
        ("limits", {"per_payment": None, "per_day": None, "reason": "x"}, ["#/reason"]),
        ("limits", {"per_payment": None, "per_day": None, "dry_run": True}, ["#/dry_run"]),
        ("overdraft", {}, ["#/overdraft_limit", "#/reason"]),
        ("overdraft", {"overdraft_limit": None, "reason": "x"}, ["#/overdraft_limit"]),
        ("overdraft", {"overdraft_limit": "-1", "reason": "x"}, ["#/overdraft_limit"]),
        ("overdraft", {"overdraft_limit": 5, "reason": "x"}, ["#/overdraft_limit"]),
        ("overdraft", {"overdraft_limit": "Unlimited", "reason": "x"}, ["#/overdraft_limit"]),
        ("overdraft", {"overdraft_limit": "1", "reason": ""}, ["#/reason"]),
        ("overdraft", {"overdraft_limit": "1", "reason": "x" * 141}, ["#/reason"]),
        *[("approvals", {"required": value, "above": "1"}, ["#/required"]) for value in NO_QUORUM],
        ("approvals", {"required": 1}, ["#/above"]),
        ("approvals", {"required": 1, "above": None}, ["#/above"]),
        ("approvals", {"required": 1, "above": 5}, ["#/above"]),
        ("approvals", {"above": "1"}, ["#/required"]),
    ],
)
def test_what_is_set_has_all_its_fields_in_their_shape(
    sides: Sides, what: str, body: Any, wrong: list[str]
) -> None:
    """Limits have both; judged before the wallet is looked for."""
    assert pointers(sides.operator.put(NOWHERE, what, **body)) == wrong


@pytest.mark.parametrize(
    ("what", "field", "rest"),
    [
        ("limits", "per_payment", {"per_day": None}),
        ("limits", "per_day", {"per_payment": "1"}),
        ("overdraft", "overdraft_limit", {"reason": "x"}),
        ("approvals", "above", {"required": 1}),
    ],
)
@pytest.mark.parametrize("amount", ["1.234", "10000000000000000.01"])
def test_an_amount_that_the_currency_does_not_have_leaks_nothing(
    sides: Sides, what: str, field: str, rest: Any, amount: str
) -> None:
    """422 by its pointer to whom the wallet is known, 404 to a stranger; nothing is kept."""
    before = sides.api.head()
    caller = sides.operator if what == "overdraft" else sides.anna
    body = {field: amount, **rest}
    assert pointers(caller.put(sides.full, what, **body)) == [f"#/{field}"]
    refused(caller.put(NOWHERE, what, **body), 404, "wallet-not-found")
    if what != "overdraft":
        refused(sides.ben.put(sides.full, what, **body), 404, "wallet-not-found")
    assert sides.api.head() == before


@pytest.mark.parametrize("what", ["limits", "approvals"])
def test_only_owners_set_limits_and_approvals(sides: Sides, what: str) -> None:
    """No operator, spender or viewer; to a stranger the wallet is not there, nor is a wrong id."""
    body: dict[str, Any] = (
        {"per_payment": "1", "per_day": None} if what == "limits" else {"required": 1, "above": "1"}
    )
    for role in ("spender", "viewer"):
        member = sides.api.caller()
        sides.anna.add(sides.full, member, role)
        refused(member.put(sides.full, what, **body), 403, "role-missing")
    refused(sides.operator.put(sides.full, what, **body), 403, "role-missing")
    unknown = sides.ben.put(NOWHERE, what, **body)
    refused(unknown, 404, "wallet-not-found")
    for wallet in (sides.full, sides.bank, "wal_x", NOWHERE.lower()):
        told = sides.ben.put(wallet, what, **body)
        assert (told.status_code, told.text.replace(wallet, NOWHERE)) == (404, unknown.text)
    assert sides.anna.put(sides.full, what, **body).status_code == 200


def test_a_closed_wallet_is_set_nothing(sides: Sides) -> None:
    assert sides.ben.act(sides.shop, "close").status_code == 200
    response = sides.ben.put(sides.shop, "limits", per_payment=None, per_day=None)
    problem = refused(response, 422, "wallet-closed")
    assert problem["position"] == int(response.headers["ledger-position"])
    response = sides.operator.put(sides.shop, "overdraft", overdraft_limit="1", reason="x")
    refused(response, 422, "wallet-closed")
    refused(sides.ben.put(sides.shop, "approvals", required=1, above="1"), 422, "wallet-closed")


def test_an_overdraft_is_given_and_taken_by_operators(sides: Sides) -> None:
    """Not below what is used of it; nothing is forced on anybody."""
    operator, anna, full, shop = sides.operator, sides.anna, sides.full, sides.shop
    refused(anna.put(full, "overdraft", overdraft_limit="1", reason="x"), 403, "scope-missing")
    given = operator.put(full, "overdraft", overdraft_limit="50", reason="Credit line").json()
    assert given["overdraft_limit"] == "50.00"
    anna.paid(full, shop, "130")
    response = operator.put(full, "overdraft", overdraft_limit="29.99", reason="Less")
    problem = refused(response, 422, "overdraft-in-use")
    assert problem["position"] == int(response.headers["ledger-position"])
    refused(anna.pay(full, shop, "20.01"), 422, "insufficient-funds")
    for limit, shown in (("30", "30.00"), ("unlimited", "unlimited"), ("30.00", "30.00")):
        done = operator.put(full, "overdraft", overdraft_limit=limit, reason="As agreed")
        assert done.json()["overdraft_limit"] == shown
    refused(anna.pay(full, shop, "0.01"), 422, "insufficient-funds")
    put = operator.put(NOWHERE, "overdraft", overdraft_limit="1", reason="x")
    refused(put, 404, "wallet-not-found")
