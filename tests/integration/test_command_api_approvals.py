"""Approvals over HTTP: a payment above a shared wallet's threshold waits for other owners."""

import time
from dataclasses import dataclass
from typing import Any

import pytest

from tests.command_api import NO_PAYMENT, Caller, CommandApi, Sides, refused, transfer


@dataclass
class Household:
    """A shared wallet with 100.00 whose payments above 10.00 wait for some of its owners."""

    sides: Sides
    owners: list[Caller]
    spender: Caller
    viewer: Caller

    @classmethod
    def of(cls, api: CommandApi, required: int = 1) -> "Household":
        sides = Sides.of(api, kind="shared")
        spender, viewer, *owners = (api.caller() for _ in range(4))
        for caller, role in (
            (spender, "spender"),
            (viewer, "viewer"),
            *((owner, "owner") for owner in owners),
        ):
            sides.anna.add(sides.full, caller, role)
        response = sides.anna.put(sides.full, "approvals", required=required, above="10")
        assert response.status_code == 200, response.text
        return cls(sides, owners, spender, viewer)

    def waiting(self, amount: str = "60", **fields: Any) -> Any:
        """Ask for a payment that must wait; return it."""
        response = self.sides.anna.pay(self.sides.full, self.sides.shop, amount, **fields)
        assert response.status_code == 201, response.text
        assert response.json()["status"] == "awaiting-approval"
        return response.json()


@pytest.fixture
def home(command_api: CommandApi) -> Household:
    return Household.of(command_api)


def status(response: Any) -> str:
    assert response.status_code == 200, response.text
    assert response.headers["ledger-position"] == str(response.json()["position"])
    return str(response.json()["status"])


def test_what_was_set_is_shown(home: Household) -> None:
    response = home.sides.anna.put(home.sides.full, "approvals", required=2, above="10.5")
    assert response.json()["approvals"] == {"required": 2, "above": "10.50"}
    response = home.sides.anna.put(home.sides.full, "approvals", required=0, above="0")
    assert response.json()["approvals"] == {"required": 0, "above": "0.00"}
    home.sides.anna.paid(home.sides.full, home.sides.shop, "60")


def test_above_the_threshold_a_payment_waits_with_its_money_held(home: Household) -> None:
    """Up to it, to the cent, it is done at once; by whoever pays."""
    home.sides.anna.paid(home.sides.full, home.sides.shop, "10")
    texts: dict[str, Any] = {"description": "Oven", "reference": "R", "metadata": {"a": "b"}}
    payment = home.waiting("10.01", **texts)
    shown = {
        name: payment[name] for name in payment.keys() - {"payment_id", "created_at", "position"}
    }
    assert shown.pop("expires_at") > payment["created_at"]
    assert shown == {
        "kind": "transfer",
        "status": "awaiting-approval",
        **transfer(home.sides.full, home.sides.shop, "10.01"),
        **texts,
    }
    assert home.sides.balances() == (9_000, 1_001, 1_000)
    for caller in (home.spender, home.sides.operator):
        response = caller.pay(home.sides.full, home.sides.shop, "10.01")
        assert response.json()["status"] == "awaiting-approval"


def test_the_approval_that_was_missing_carries_it_out(home: Household) -> None:
    payment = home.waiting()
    response = home.owners[0].on(payment["payment_id"], "approve", {"reason": "Fine"})
    assert status(response) == "completed"
    done = response.json()
    assert {**done, "position": 0} == {
        **{name: payment[name] for name in payment.keys() - {"expires_at"}},
        "status": "completed",
        "position": 0,
    }
    assert home.sides.balances() == (4_000, 0, 6_000)
    refused(home.owners[1].on(payment["payment_id"], "approve"), 422, "approval-not-needed")
    refused(home.owners[1].on(payment["payment_id"], "reject"), 422, "approval-not-needed")
    assert home.sides.ben.on(payment["payment_id"], "refund").status_code == 201


def test_as_many_others_must_approve_as_was_said(command_api: CommandApi) -> None:
    """Each once; until then it waits. What is on record bears the payment's id."""
    home = Household.of(command_api, required=2)
    payment = home.waiting()["payment_id"]
    assert status(home.owners[0].on(payment, "approve")) == "awaiting-approval"
    response = home.owners[0].on(payment, "approve")
    problem = refused(response, 422, "already-approved")
    assert problem["payment_id"] == payment
    assert problem["position"] == int(response.headers["ledger-position"])
    assert home.sides.balances() == (10_000, 6_000, 0)
    assert status(home.owners[1].on(payment, "approve", {})) == "completed"
    assert home.sides.balances() == (4_000, 0, 6_000)


def test_only_another_owner_decides(home: Household) -> None:
    """Not who paid, not by a lesser role, not an operator; the payee does not know of it."""
    payment, sides = home.waiting()["payment_id"], home.sides
    for action in ("approve", "reject"):
        for caller in (sides.anna, home.spender, home.viewer, sides.operator):
            refused(caller.on(payment, action), 403, "role-missing")
        for caller in (sides.ben, sides.api.caller()):
            unknown = caller.on(NO_PAYMENT, action)
            refused(unknown, 404, "payment-not-found")
            told = caller.on(payment, action)
            assert (told.status_code, told.text.replace(payment, NO_PAYMENT)) == (
                404,
                unknown.text,
            )
    spent = home.spender.pay(sides.full, sides.shop, "11").json()["payment_id"]
    assert status(sides.anna.on(spent, "approve")) == "completed"


def test_a_rejection_ends_it_as_declined(home: Household) -> None:
    """And frees its money."""
    payment = home.waiting()["payment_id"]
    assert status(home.owners[0].on(payment, "reject", {"reason": "Too much"})) == "declined"
    assert home.sides.balances() == (10_000, 0, 0)
    refused(home.owners[1].on(payment, "approve"), 422, "approval-not-needed")
    refused(home.sides.ben.on(payment, "refund"), 404, "payment-not-found")


def test_what_waits_for_nobody_needs_no_approval(home: Household) -> None:
    sides = home.sides
    paid = sides.anna.paid(sides.full, sides.shop, "10")["payment_id"]
    response = home.owners[0].on(paid, "approve")
    problem = refused(response, 422, "approval-not-needed")
    assert problem["payment_id"] == paid
    refused(home.spender.on(paid, "approve"), 403, "role-missing")


def test_what_waits_can_be_neither_taken_nor_given_back(home: Household) -> None:
    """It is no hold that anybody captures, and nothing of it was paid."""
    sides = home.sides
    payment = home.waiting()["payment_id"]
    for action in ("capture", "release"):
        for caller in (sides.ben, sides.anna, sides.operator):
            refused(caller.on(payment, action), 404, "payment-not-found")
    refused(sides.ben.on(payment, "refund"), 404, "payment-not-found")
    refused(sides.operator.on(payment, "refund"), 422, "not-refundable")
    refused(sides.operator.on(payment, "reverse", {"reason": "x"}), 422, "not-reversible")


def test_a_hold_waits_as_well(home: Household) -> None:
    """Approved it is a hold like any other, for as long as it was asked for."""
    sides = home.sides
    asked = sides.anna.hold(sides.full, sides.shop, "60", expires_in=3600).json()
    assert (asked["kind"], asked["status"]) == ("hold", "awaiting-approval")
    refused(sides.ben.on(asked["payment_id"], "capture"), 404, "payment-not-found")
    response = home.owners[0].on(asked["payment_id"], "approve")
    assert status(response) == "authorized"
    hold = response.json()
    assert (hold["left"], hold["captured"]) == ("60.00", "0.00")
    assert hold["expires_at"] >= asked["expires_at"]
    assert sides.balances() == (10_000, 6_000, 0)
    assert status(sides.ben.on(asked["payment_id"], "capture", {"amount": "20"})) == "completed"
    assert sides.balances() == (8_000, 0, 2_000)


def test_a_split_waits_by_its_sum(home: Household) -> None:
    """Its legs are paid in their order when it is approved."""
    sides = home.sides
    leg = {"source_wallet_id": sides.full, "destination_wallet_id": sides.shop, "currency": "EUR"}
    legs = [{**leg, "amount": "5"}, {**leg, "amount": "5.01"}]
    asked = sides.anna.post("/v1/payments", {"legs": legs}).json()
    assert (asked["kind"], asked["status"], asked["amount"]) == (
        *("split", "awaiting-approval", "10.01"),
    )
    assert status(home.owners[0].on(asked["payment_id"], "approve")) == "completed"
    assert sides.balances() == (8_999, 0, 1_001)


def test_who_approves_sees_the_legs_of_their_own_wallets(home: Household) -> None:
    """Of a payment from two wallets, which an operator asked for; the amount is their sum."""
    sides = home.sides
    other = Household.of(sides.api)
    sides.operator.paid(sides.bank, sides.full, "1")
    legs = [
        transfer(sides.full, sides.shop, "11.00"),
        transfer(other.sides.full, sides.shop, "22.00"),
        transfer(sides.full, other.sides.shop, "33.00"),
    ]
    asked = sides.operator.post("/v1/payments", {"legs": legs}).json()
    assert (asked["status"], asked["amount"], asked["legs"]) == ("awaiting-approval", "66.00", legs)
    response = home.owners[0].on(asked["payment_id"], "approve")
    assert status(response) == "awaiting-approval"
    assert (response.json()["amount"], response.json()["legs"]) == ("44.00", legs[::2])
    assert other.sides.full not in response.text
    response = other.owners[0].on(asked["payment_id"], "approve")
    assert status(response) == "completed"
    assert (response.json()["amount"], response.json()["legs"]) == ("22.00", legs[1:2])
    assert sides.full not in response.text


def test_a_hold_that_was_not_approved_in_time_is_not_approved_any_more(home: Household) -> None:
    sides = home.sides
    asked = sides.anna.hold(sides.full, sides.shop, "60", expires_in=1).json()["payment_id"]
    time.sleep(1.1)
    for action in ("approve", "reject"):
        refused(home.owners[0].on(asked, action), 422, "approval-not-needed")


def test_an_approval_that_cannot_be_carried_out_leaves_it_waiting(home: Household) -> None:
    """A frozen wallet pays nothing, approved or not; later it can be approved again."""
    sides = home.sides
    payment = home.waiting()["payment_id"]
    assert sides.anna.act(sides.full, "freeze").status_code == 200
    refused(home.owners[0].on(payment, "approve"), 422, "wallet-frozen")
    assert sides.anna.act(sides.full, "unfreeze").status_code == 200
    assert status(home.owners[0].on(payment, "approve")) == "completed"


def test_a_payment_without_the_money_does_not_wait(home: Household) -> None:
    """It is refused as any other, and so is one above a limit."""
    sides = home.sides
    problem = refused(sides.anna.pay(sides.full, sides.shop, "100.01"), 422, "insufficient-funds")
    assert problem["available"] == "100.00"
    home.waiting("60")
    refused(sides.anna.pay(sides.full, sides.shop, "40.01"), 422, "insufficient-funds")
    limits = {"per_payment": "30", "per_day": None}
    assert sides.anna.put(sides.full, "limits", **limits).status_code == 200
    refused(sides.anna.pay(sides.full, sides.shop, "30.01"), 422, "limit-exceeded")


@pytest.mark.parametrize("mode", ["independent", "atomic"])
def test_items_of_a_batch_wait_as_well(home: Household, mode: str) -> None:
    """Each above the threshold, as it would by itself: 201, and the batch goes on."""
    sides = home.sides
    items = [
        {**transfer(sides.full, sides.shop, amount), "idempotency_key": f"{amount}-{sides.full}"}
        for amount in ("10", "11", "9")
    ]
    body = {"mode": mode, "transfers": items}
    response = sides.anna.post("/v1/transfers/batch", body, None)
    assert response.status_code == 200, response.text
    results = response.json()["results"]
    ends = [(each["status"], each["body"]["status"]) for each in results]
    assert ends == [(201, "completed"), (201, "awaiting-approval"), (201, "completed")]
    assert sides.balances() == (8_100, 1_100, 1_900)
    again = sides.anna.post("/v1/transfers/batch", body, None)
    assert again.content == response.content
    payment = results[1]["body"]["payment_id"]
    assert status(home.owners[0].on(payment, "approve")) == "completed"
    # What was answered first is what is answered again, however it stands by now.
    assert sides.anna.post("/v1/transfers/batch", body, None).content == response.content
