"""Who may do what with a hold, over HTTP, and what each is told of it."""

from typing import Any

import pytest

from tests.command_api import NO_PAYMENT, CommandApi, Sides, refused


@pytest.fixture
def sides(command_api: CommandApi) -> Sides:
    return Sides.of(command_api, kind="shared")


@pytest.mark.parametrize("action", ["capture", "release", "increase"])
def test_a_strangers_hold_is_as_one_that_does_not_exist(sides: Sides, action: str) -> None:
    """Whatever is asked, by an amount that its currency does not have, too; so is what is none."""
    stranger, ben = sides.api.caller(), sides.ben
    hold = sides.anna.held(sides.full, sides.shop, "60")
    paid = sides.anna.paid(sides.full, sides.shop, "1")["payment_id"]
    declined = sides.anna.hold(sides.full, sides.shop, "999").json()["payment_id"]
    bodies: list[Any] = [{"amount": "1"}, {"amount": "1.234567"}, {"amount": "9" * 18}]
    for body in [None] if action == "release" else bodies:
        unknown = stranger.on(NO_PAYMENT, action, body)
        refused(unknown, 404, "payment-not-found")
        for name in (hold, paid, declined, "pay_x", NO_PAYMENT.lower(), sides.full):
            told = stranger.on(name, action, body)
            assert (told.status_code, told.text.replace(name, NO_PAYMENT)) == (404, unknown.text)
    body = None if action == "release" else {"amount": "1"}
    for name in (paid, declined):
        refused(ben.on(name, action, body), 404, "payment-not-found")
        refused(sides.anna.on(name, action, body), 404, "payment-not-found")


@pytest.mark.parametrize(
    ("action", "ends"),
    [
        ("capture", {"payee": 200, "payer": 200, "operator": 200}),
        ("release", {"payee": 200, "payer": "not-payee", "operator": 200}),
        ("increase", {"payee": "role-missing", "payer": 200, "operator": 200}),
    ],
)
def test_each_side_does_what_is_its_own(sides: Sides, action: str, ends: dict[str, Any]) -> None:
    """Owners and spenders alike; viewers of either side do nothing."""
    people = {"payer": sides.anna, "payee": sides.ben, "operator": sides.operator}
    for side, wallet in (("payer", sides.full), ("payee", sides.shop)):
        for role in ("spender", "viewer"):
            people[f"{side} {role}"] = sides.api.caller()
            people[side].add(wallet, people[f"{side} {role}"], role)
    body = {"amount": "1"} if action == "increase" else None
    for name, caller in people.items():
        hold = sides.anna.held(sides.full, sides.shop, "2")
        response = caller.on(hold, action, body)
        end = "role-missing" if name.endswith("viewer") else ends[name.split()[0]]
        if end == 200:
            assert response.status_code == 200, (name, response.text)
        else:
            refused(response, 403, end)


def test_what_the_payer_wrote_is_not_the_payees_to_see(sides: Sides) -> None:
    """The description is; `reference` and `metadata` only payer and operator are shown."""
    texts: dict[str, Any] = {"reference": "B-1", "metadata": {"a": "b"}}
    for caller, sees in ((sides.ben, False), (sides.anna, True), (sides.operator, True)):
        hold = sides.anna.held(sides.full, sides.shop, "2", description="Room", **texts)
        shown = caller.on(hold, "capture", {"amount": "1", "final": False}).json()
        assert shown["description"] == "Room"
        assert {name: shown.get(name) for name in texts} == (
            texts if sees else dict.fromkeys(texts)
        )


def test_a_frozen_wallet_is_neither_held_nor_captured_from(sides: Sides) -> None:
    """A release passes."""
    hold = sides.anna.held(sides.full, sides.shop, "60")
    assert sides.anna.act(sides.full, "freeze").status_code == 200
    refused(sides.anna.hold(sides.full, sides.shop, "1"), 422, "wallet-frozen")
    for caller in (sides.ben, sides.anna):
        refused(caller.on(hold, "capture"), 422, "wallet-frozen")
    refused(sides.anna.on(hold, "increase", {"amount": "1"}), 422, "wallet-frozen")
    assert sides.ben.on(hold, "release").json()["status"] == "cancelled"


def test_why_a_payee_takes_nothing_is_told_to_the_payee_alone(sides: Sides) -> None:
    hold = sides.anna.held(sides.full, sides.shop, "60")
    assert sides.ben.act(sides.shop, "close").status_code == 200
    refused(sides.anna.on(hold, "capture"), 422, "payee-unavailable")
    refused(sides.ben.on(hold, "capture"), 422, "wallet-closed")
    refused(sides.anna.hold(sides.full, sides.shop, "1"), 422, "payee-unavailable")
    assert sides.ben.on(hold, "release").json()["status"] == "cancelled"
