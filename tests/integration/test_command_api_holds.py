"""Holds over HTTP: placed, captured, released, increased and run out, by who may."""

import time
from datetime import datetime, timedelta
from typing import Any

import pytest

from tests.command_api import NO_PAYMENT, CommandApi, Sides, refused

WEEK, MONTH = 604_800, 2_592_000


@pytest.fixture
def sides(command_api: CommandApi) -> Sides:
    return Sides.of(command_api, kind="shared")


def seconds(hold: Any) -> float:
    """Return for how long a hold was placed."""
    end, begin = (datetime.fromisoformat(hold[name]) for name in ("expires_at", "created_at"))
    return (end - begin) / timedelta(seconds=1)


def amounts(response: Any) -> tuple[str, ...]:
    """Return the status of a hold that was acted on, and all its amounts."""
    assert response.status_code == 200, response.text
    hold = response.json()
    assert response.headers["ledger-position"] == str(hold["position"])
    names = ("status", "amount", "captured", "left", "refunded", "refundable")
    return tuple(hold[name] for name in names)


def pointers(response: Any) -> list[str]:
    problem = refused(response, 422, "invalid-request")
    return [error["pointer"] for error in problem["errors"]]


def test_a_hold_is_shown_as_it_was_placed(sides: Sides) -> None:
    """201 with the payment; its money is set aside and nothing has moved."""
    texts: dict[str, Any] = {
        "description": "Room 7",
        "reference": "B-1",
        "metadata": {"nights": "3"},
    }
    response = sides.anna.hold(sides.full, sides.shop, "60", expires_in=3600, **texts)
    assert response.status_code == 201
    hold = response.json()
    assert response.headers["ledger-position"] == str(hold["position"])
    assert seconds(hold) == 3600
    shown = {name: hold[name] for name in hold.keys() - {"payment_id", "created_at"}}
    assert shown == {
        "kind": "hold",
        "status": "authorized",
        "amount": "60.00",
        "currency": "EUR",
        "source_wallet_id": sides.full,
        "destination_wallet_id": sides.shop,
        "captured": "0.00",
        "left": "60.00",
        "refunded": "0.00",
        "refundable": "0.00",
        **texts,
        "position": hold["position"],
        "expires_at": hold["expires_at"],
    }
    assert sides.balances() == (10_000, 6_000, 0)


@pytest.mark.parametrize("body", [None, {}, {"amount": None, "final": None}, {"final": True}])
def test_a_capture_takes_all_unless_it_says_less(sides: Sides, body: Any) -> None:
    """An empty body, and null, are as if every field were absent."""
    hold = sides.anna.held(sides.full, sides.shop, "60")
    captured = amounts(sides.ben.on(hold, "capture", body))
    assert captured == ("completed", "60.00", "60.00", "0.00", "0.00", "60.00")
    assert sides.balances() == (4_000, 0, 6_000)


def test_a_final_capture_frees_what_it_leaves(sides: Sides) -> None:
    """`final` is the default."""
    hold = sides.anna.held(sides.full, sides.shop, "60")
    response = sides.ben.on(hold, "capture", {"amount": "20"})
    assert amounts(response) == ("completed", "60.00", "20.00", "0.00", "0.00", "20.00")
    assert "expires_at" not in response.json()
    assert sides.balances() == (8_000, 0, 2_000)
    for action in ("capture", "release"):
        refused(sides.ben.on(hold, action), 422, "hold-already-captured")


def test_parts_add_up_to_at_most_the_hold(sides: Sides) -> None:
    """Not final, it stays authorized; when nothing is left it has ended all the same."""
    hold, part = sides.anna.held(sides.full, sides.shop, "60"), {"amount": "20", "final": False}
    response = sides.ben.on(hold, "capture", part)
    assert amounts(response) == ("authorized", "60.00", "20.00", "40.00", "0.00", "20.00")
    assert "expires_at" in response.json()
    too_much = sides.ben.on(hold, "capture", {"amount": "40.01", "final": False})
    problem = refused(too_much, 422, "amount-exceeds-hold")
    assert problem["payment_id"] == hold
    assert problem["position"] == int(too_much.headers["ledger-position"])
    assert amounts(sides.ben.on(hold, "capture", part))[0] == "authorized"
    last = amounts(sides.ben.on(hold, "capture", part))
    assert last == ("completed", "60.00", "60.00", "0.00", "0.00", "60.00")
    assert sides.balances() == (4_000, 0, 6_000)
    refused(sides.ben.on(hold, "capture", part), 422, "hold-already-captured")


def test_a_release_ends_a_hold(sides: Sides) -> None:
    """Cancelled where nothing was captured, completed where something was; its end is told."""
    whole, begun = (sides.anna.held(sides.full, sides.shop, "30") for _ in range(2))
    released = amounts(sides.ben.on(whole, "release"))
    assert released == ("cancelled", "30.00", "0.00", "0.00", "0.00", "0.00")
    sides.ben.on(begun, "capture", {"amount": "10", "final": False})
    released = amounts(sides.ben.on(begun, "release", {}))
    assert released == ("completed", "30.00", "10.00", "0.00", "0.00", "10.00")
    assert sides.balances() == (9_000, 0, 1_000)
    for hold in (whole, begun):
        for action, body in [("capture", None), ("release", None), ("increase", {"amount": "1"})]:
            who = sides.anna if action == "increase" else sides.ben
            refused(who.on(hold, action, body), 422, "hold-already-released")


def test_a_hold_that_has_run_out_has_ended(sides: Sides) -> None:
    """Whether anybody has freed its money or not."""
    hold = sides.anna.held(sides.full, sides.shop, "60", expires_in=1)
    time.sleep(1.1)
    for action, body in [("capture", None), ("release", None), ("increase", {"amount": "1"})]:
        who = sides.anna if action == "increase" else sides.ben
        refused(who.on(hold, action, body), 422, "hold-expired")
    assert sides.api.posted(sides.shop) == 0


@pytest.mark.parametrize(
    ("sent", "placed"),
    [
        ({}, WEEK),
        ({"expires_in": None}, WEEK),
        ({"expires_in": 1}, 1),
        ({"expires_in": MONTH}, MONTH),
    ],
)
def test_a_hold_lasts_a_week_unless_it_says_otherwise(
    sides: Sides, sent: dict[str, Any], placed: int
) -> None:
    """From a second to thirty days."""
    assert seconds(sides.anna.hold(sides.full, sides.shop, "1", **sent).json()) == placed


@pytest.mark.parametrize("value", [0, -1, MONTH + 1, 10**30, 1.5, 60.0, "60", True, [], {}])
def test_how_long_a_hold_lasts_is_a_whole_number_within_bounds(sides: Sides, value: Any) -> None:
    """Also where a hold is increased."""
    before = sides.api.head()
    placed = sides.anna.hold(sides.full, sides.shop, "1", expires_in=value)
    assert pointers(placed) == ["#/expires_in"]
    increased = sides.anna.on(NO_PAYMENT, "increase", {"amount": "1", "expires_in": value})
    assert pointers(increased) == ["#/expires_in"]
    assert sides.api.head() == before


@pytest.mark.parametrize(
    "amount",
    ["0", "0.00", "1.234", "01", "-1", "1e1", "", " 1", "1" * 41, "10000000000000000.01", 1, True],
)
def test_an_amount_that_is_none_is_told_by_its_pointer(sides: Sides, amount: Any) -> None:
    """Also where only the ledger knows the currency; nothing is kept of it, and no key."""
    hold = sides.anna.held(sides.full, sides.shop, "60")
    before = sides.api.head()
    assert pointers(sides.anna.hold(sides.full, sides.shop, amount)) == ["#/amount"]
    key = "again" + hold
    assert pointers(sides.ben.on(hold, "capture", {"amount": amount}, key)) == ["#/amount"]
    assert pointers(sides.anna.on(hold, "increase", {"amount": amount})) == ["#/amount"]
    assert sides.api.head() == before
    assert amounts(sides.ben.on(hold, "capture", {"amount": "1.23"}, key))[2] == "1.23"


def test_a_currency_without_cents_takes_none(command_api: CommandApi) -> None:
    """How many digits there may be is the hold's currency's business."""
    sides = Sides.of(command_api, currency="JPY")
    hold = sides.anna.held(sides.full, sides.shop, "60", currency="JPY")
    assert pointers(sides.ben.on(hold, "capture", {"amount": "1.0"})) == ["#/amount"]
    assert amounts(sides.ben.on(hold, "capture", {"amount": "1"}))[2] == "1"


def test_an_increase_adds_to_a_hold(sides: Sides) -> None:
    """Within what is available; its end moves only when that is said."""
    placed = sides.anna.hold(sides.full, sides.shop, "60", expires_in=3600).json()
    hold = placed["payment_id"]
    response = sides.anna.on(hold, "increase", {"amount": "15"})
    assert amounts(response) == ("authorized", "75.00", "0.00", "75.00", "0.00", "0.00")
    assert response.json()["expires_at"] == placed["expires_at"]
    problem = refused(
        sides.anna.on(hold, "increase", {"amount": "25.01"}), 422, "insufficient-funds"
    )
    assert (problem["available"], problem["payment_id"]) == ("25.00", hold)
    longer = sides.anna.on(hold, "increase", {"amount": "25", "expires_in": MONTH}).json()
    assert seconds(longer) > MONTH
    assert longer["created_at"] == placed["created_at"]
    assert sides.balances() == (10_000, 10_000, 0)
    assert amounts(sides.ben.on(hold, "capture"))[2] == "100.00"


def test_held_money_is_not_there_to_be_spent(sides: Sides) -> None:
    """Neither by a transfer nor by another hold; and the wallet is not empty."""
    sides.anna.held(sides.full, sides.shop, "60")
    for response in (
        sides.anna.pay(sides.full, sides.shop, "40.01"),
        sides.anna.hold(sides.full, sides.shop, "40.01"),
    ):
        problem = refused(response, 422, "insufficient-funds")
        assert problem["available"] == "40.00"
        assert problem["payment_id"].startswith("pay_")
        assert problem["position"] == int(response.headers["ledger-position"])
    sides.anna.paid(sides.full, sides.shop, "40")
    sides.operator.paid(sides.bank, sides.full, "1")
    refused(sides.anna.act(sides.full, "close"), 422, "wallet-not-empty")


@pytest.mark.parametrize(
    ("action", "body"),
    [
        ("capture", {"amount": "1", "more": 1}),
        ("capture", {"amount": "0.00"}),
        ("increase", {"amount": "0"}),
        ("capture", {"final": "true"}),
        ("capture", {"final": 1}),
        ("capture", {"currency": "EUR"}),
        ("release", {"reason": "x"}),
        ("increase", {}),
        ("increase", {"amount": None}),
        ("increase", {"amount": "1", "final": True}),
    ],
)
def test_a_body_has_its_own_fields_and_no_others(sides: Sides, action: str, body: Any) -> None:
    """Judged before the hold is looked for."""
    (pointer,) = pointers(sides.anna.on(NO_PAYMENT, action, body))
    assert pointer == f"#/{list(body)[-1] if body else 'amount'}"
