"""Refunds and reversals over HTTP: payments of their own that give money back, within bounds."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.command_api import NO_PAYMENT, Caller, CommandApi, Sides, refused


@pytest.fixture
def sides(command_api: CommandApi) -> Sides:
    return Sides.of(command_api, kind="shared")


@pytest.fixture
def paid(sides: Sides) -> str:
    """Give a payment of 60.00 from the payer to the payee."""
    return str(sides.anna.paid(sides.full, sides.shop, "60")["payment_id"])


def pointers(response: Any) -> list[str]:
    problem = refused(response, 422, "invalid-request")
    return [error["pointer"] for error in problem["errors"]]


def undone(caller: Caller, payment: str, action: str, body: Any = None) -> Any:
    """Refund or reverse a payment, which must be done."""
    response = caller.on(payment, action, body)
    assert response.status_code == 201, response.text
    assert response.headers["ledger-position"] == str(response.json()["position"])
    return response.json()


def split(sides: Sides) -> str:
    legs = [
        {
            "source_wallet_id": sides.full,
            "destination_wallet_id": payee,
            "amount": amount,
            "currency": "EUR",
        }
        for payee, amount in ((sides.shop, "7"), (sides.bank, "3"))
    ]
    return str(sides.anna.post("/v1/payments", {"legs": legs}).json()["payment_id"])


@pytest.mark.parametrize("body", [None, {}, {"amount": None, "reason": None}, {"amount": "60.0"}])
def test_a_refund_gives_all_back_unless_it_says_less(sides: Sides, paid: str, body: Any) -> None:
    """A payment of its own, the other way round, which names the first; an empty body serves."""
    refund = undone(sides.ben, paid, "refund", body)
    shown = {name: refund[name] for name in refund.keys() - {"created_at", "position"}}
    assert shown.pop("payment_id") != paid
    assert shown == {
        "kind": "refund",
        "status": "completed",
        "amount": "60.00",
        "currency": "EUR",
        "source_wallet_id": sides.shop,
        "destination_wallet_id": sides.full,
        "original_payment_id": paid,
    }
    assert sides.balances() == (10_000, 0, 0)


def test_refunds_add_up_to_at_most_the_payment(sides: Sides, paid: str) -> None:
    """What is left is the default; when nothing is left any amount is too much."""
    assert undone(sides.ben, paid, "refund", {"amount": "20"})["amount"] == "20.00"
    response = sides.ben.on(paid, "refund", {"amount": "40.01"})
    problem = refused(response, 422, "amount-exceeds-payment")
    assert problem["payment_id"] != paid
    assert problem["position"] == int(response.headers["ledger-position"])
    assert undone(sides.ben, paid, "refund")["amount"] == "40.00"
    for body in (None, {"amount": "0.01"}):
        refused(sides.ben.on(paid, "refund", body), 422, "amount-exceeds-payment")
    assert sides.balances() == (10_000, 0, 0)


def test_why_is_kept_as_the_refunds_description(sides: Sides, paid: str) -> None:
    """The first payment's own words stay its own."""
    refund = undone(sides.ben, paid, "refund", {"reason": "No breakfast"})
    assert refund["description"] == "No breakfast"


@pytest.mark.parametrize("action", ["refund", "reverse", "approve", "reject"])
@pytest.mark.parametrize("reason", ["", "x" * 141, "a\nb", "a\x00", "\u202e", 5, []])
def test_a_reason_has_one_to_140_clean_characters(sides: Sides, action: str, reason: Any) -> None:
    """Judged before the payment is looked for."""
    caller = sides.operator if action == "reverse" else sides.ben
    assert pointers(caller.on(NO_PAYMENT, action, {"reason": reason})) == ["#/reason"]
    for good in ("x", "é" * 140):
        response = caller.on(NO_PAYMENT, action, {"reason": good})
        refused(response, 404, "payment-not-found")


@pytest.mark.parametrize(
    "amount", ["0", "0.00", "1.234", "01", "-1", "", "1" * 41, "10000000000000000.01", 1, 1.5, True]
)
def test_an_amount_that_is_none_gives_nothing_back(sides: Sides, paid: str, amount: Any) -> None:
    """Zero least of all: it is no way to say everything. The key stays free."""
    before, key = sides.api.head(), "again" + paid
    assert pointers(sides.ben.on(paid, "refund", {"amount": amount}, key)) == ["#/amount"]
    assert sides.api.head() == before
    assert sides.ben.on(paid, "refund", {"amount": "1"}, key).status_code == 201
    assert sides.balances() == (4_100, 0, 5_900)


@pytest.mark.parametrize(
    ("action", "body"),
    [
        ("refund", {"amount": "0.00"}),
        ("refund", {"amount": "1", "currency": "EUR"}),
        ("refund", {"amount": "1", "dry_run": True}),
        ("reverse", {"reason": "x", "amount": "1"}),
        ("approve", {"amount": "1"}),
        ("reject", {"why": "x"}),
    ],
)
def test_a_body_is_judged_before_the_payment_is_looked_for(
    sides: Sides, action: str, body: Any
) -> None:
    """Nothing is nothing in every currency; other fields there are none."""
    assert pointers(sides.operator.on(NO_PAYMENT, action, body)) == [f"#/{list(body)[-1]}"]


def test_a_reversal_needs_a_reason(sides: Sides) -> None:
    for body in (None, {}, {"reason": None}):
        assert pointers(sides.operator.on(NO_PAYMENT, "reverse", body)) == ["#/reason"]


@pytest.mark.parametrize("action", ["refund", "reverse", "approve", "reject"])
def test_a_strangers_payment_is_as_one_that_does_not_exist(
    sides: Sides, paid: str, action: str
) -> None:
    """Also by an amount that its currency does not have; so is an id that is malformed."""
    stranger, body = sides.api.caller(), {"reason": "x"} if action == "reverse" else None
    if action == "reverse":
        # Operators see every payment, so they meet none that is somebody else's.
        refused(sides.operator.on(NO_PAYMENT, action, body), 404, "payment-not-found")
        refused(sides.operator.on("pay_x", action, body), 404, "payment-not-found")
        refused(sides.operator.on(sides.full, action, body), 404, "payment-not-found")
        return
    unknown = stranger.on(NO_PAYMENT, action, body)
    refused(unknown, 404, "payment-not-found")
    for name in (paid, "pay_x", NO_PAYMENT.lower(), sides.full):
        told = stranger.on(name, action, body)
        assert (told.status_code, told.text.replace(name, NO_PAYMENT)) == (404, unknown.text)
    refused(stranger.on(paid, "refund", {"amount": "1.234567"}), 404, "payment-not-found")


def test_the_payees_side_refunds_and_nobody_else(sides: Sides, paid: str) -> None:
    """Owners and spenders; the payer is told why not, a viewer that the role is missing."""
    spender, viewer, payers = (sides.api.caller() for _ in range(3))
    sides.ben.add(sides.shop, spender, "spender")
    sides.ben.add(sides.shop, viewer, "viewer")
    sides.anna.add(sides.full, payers, "spender")
    one = {"amount": "1"}
    for caller in (sides.ben, spender, sides.operator):
        assert undone(caller, paid, "refund", one)["amount"] == "1.00"
    for caller in (sides.anna, payers):
        refused(caller.on(paid, "refund", one), 403, "not-payee")
    refused(viewer.on(paid, "refund", one), 403, "role-missing")


def test_nothing_is_forced_on_a_payee_without_the_money(sides: Sides, paid: str) -> None:
    """Refund and reversal alike are refused, with what the payee has."""
    sides.ben.paid(sides.shop, sides.bank, "50")
    problem = refused(sides.ben.on(paid, "refund"), 422, "insufficient-funds")
    assert problem["available"] == "10.00"
    response = sides.operator.on(paid, "reverse", {"reason": "x"})
    assert refused(response, 422, "insufficient-funds")["available"] == "10.00"
    assert undone(sides.ben, paid, "refund", {"amount": "10"})["amount"] == "10.00"


@pytest.mark.parametrize(
    ("what", "refund", "reverse"),
    [
        ("refund", "not-refundable", "not-reversible"),
        ("reversal", "not-refundable", "not-reversible"),
        ("split", "not-refundable", None),
        ("uncaptured hold", "not-refundable", "not-reversible"),
        ("released hold", "not-refundable", "not-reversible"),
        ("declined", "not-refundable", "not-reversible"),
        ("refunded", "amount-exceeds-payment", "already-refunded"),
        ("refunded in part", None, "already-refunded"),
        ("reversed", "already-reversed", "already-reversed"),
    ],
)
def test_what_is_given_back_and_what_is_not(
    sides: Sides, paid: str, what: str, refund: str | None, reverse: str | None
) -> None:
    """Each refusal is on record; to the operator, who may do both."""
    operator = sides.operator
    made: dict[str, Callable[[], Any]] = {
        "refund": lambda: undone(sides.ben, paid, "refund")["payment_id"],
        "reversal": lambda: undone(operator, paid, "reverse", {"reason": "x"})["payment_id"],
        "split": lambda: split(sides),
        "uncaptured hold": lambda: sides.anna.held(sides.full, sides.shop, "5"),
        "released hold": lambda: _released(sides),
        "declined": lambda: sides.anna.pay(sides.full, sides.shop, "99").json()["payment_id"],
        "refunded": lambda: undone(sides.ben, paid, "refund")["original_payment_id"],
        "refunded in part": lambda: undone(sides.ben, paid, "refund", {"amount": "1"})[
            "original_payment_id"
        ],
        "reversed": lambda: undone(operator, paid, "reverse", {"reason": "x"})[
            "original_payment_id"
        ],
    }
    payment = made[what]()
    for action, code in (("refund", refund), ("reverse", reverse)):
        if code is None:
            undone(operator, payment, action, {"reason": "x"})
            continue
        problem = refused(operator.on(payment, action, {"reason": "x"}), 422, code)
        assert problem["payment_id"] != payment


def _released(sides: Sides) -> str:
    hold = sides.anna.held(sides.full, sides.shop, "5")
    assert sides.ben.on(hold, "release").status_code == 200
    return hold


def test_a_payee_hears_nothing_of_what_was_declined(sides: Sides) -> None:
    """To them there is no such payment; to the payer it is one that was not theirs to refund."""
    declined = sides.anna.pay(sides.full, sides.shop, "999").json()["payment_id"]
    refused(sides.ben.on(declined, "refund"), 404, "payment-not-found")
    refused(sides.anna.on(declined, "refund"), 403, "not-payee")


def test_of_a_hold_what_was_captured_is_refunded(sides: Sides) -> None:
    """While it is open, too; what is captured later can be given back as well."""
    hold = sides.anna.held(sides.full, sides.shop, "60")
    refused(sides.ben.on(hold, "refund"), 422, "not-refundable")
    part = {"amount": "20", "final": False}
    assert sides.ben.on(hold, "capture", part).json()["refundable"] == "20.00"
    refused(sides.ben.on(hold, "refund", {"amount": "20.01"}), 422, "amount-exceeds-payment")
    assert undone(sides.ben, hold, "refund")["amount"] == "20.00"
    captured = sides.ben.on(hold, "capture", part).json()
    names = ("status", "captured", "left", "refunded", "refundable")
    assert tuple(captured[name] for name in names) == (
        *("authorized", "40.00", "20.00", "20.00", "20.00"),
    )
    released = sides.ben.on(hold, "release").json()
    assert released["status"] == "partially-refunded"
    refused(sides.operator.on(hold, "reverse", {"reason": "x"}), 422, "already-refunded")
    undone(sides.ben, hold, "refund")
    assert sides.balances() == (10_000, 0, 0)


def test_a_reversal_is_the_exact_opposite_once(sides: Sides, paid: str) -> None:
    """Out of a frozen wallet, too; the operator's word is its description."""
    sides.ben.act(sides.shop, "freeze")
    reversal = undone(sides.operator, paid, "reverse", {"reason": "Card lost"})
    shown = {name: reversal[name] for name in reversal.keys() - {"created_at", "position"}}
    assert shown.pop("payment_id") != paid
    assert shown == {
        "kind": "reversal",
        "status": "completed",
        "amount": "60.00",
        "currency": "EUR",
        "source_wallet_id": sides.shop,
        "destination_wallet_id": sides.full,
        "original_payment_id": paid,
        "description": "Card lost",
    }
    assert sides.balances() == (10_000, 0, 0)
    again = sides.operator.on(paid, "reverse", {"reason": "Card lost"})
    refused(again, 422, "already-reversed")
    refused(sides.ben.on(paid, "refund"), 422, "already-reversed")


def test_a_payment_of_many_legs_is_undone_the_last_leg_first(sides: Sides) -> None:
    payment = split(sides)
    reversal = undone(sides.operator, payment, "reverse", {"reason": "x"})
    assert (reversal["kind"], reversal["amount"]) == ("reversal", "10.00")
    legs = [(leg["source_wallet_id"], leg["amount"]) for leg in reversal["legs"]]
    assert legs == [(sides.bank, "3.00"), (sides.shop, "7.00")]
    assert sides.balances() == (10_000, 0, 0)


def test_a_captured_hold_is_reversed_by_what_was_captured(sides: Sides) -> None:
    hold = sides.anna.held(sides.full, sides.shop, "60")
    sides.ben.on(hold, "capture", {"amount": "20"})
    assert undone(sides.operator, hold, "reverse", {"reason": "x"})["amount"] == "20.00"
    assert sides.balances() == (10_000, 0, 0)


def test_only_operators_reverse(sides: Sides, paid: str) -> None:
    """Nobody's role in a wallet is enough."""
    for caller in (sides.anna, sides.ben):
        refused(caller.on(paid, "reverse", {"reason": "x"}), 403, "scope-missing")


def test_a_refund_out_of_a_frozen_wallet_is_refused(sides: Sides, paid: str) -> None:
    sides.ben.act(sides.shop, "freeze")
    for caller in (sides.ben, sides.operator):
        refused(caller.on(paid, "refund"), 422, "wallet-frozen")
