"""Payment requests over HTTP: accepted, declined or cancelled, once and by who may."""

import pytest

from tests.command_api import NOWHERE, CommandApi, Sides, new_key, refused
from tests.requests_over_http import REQUESTS, UNKNOWN, act, asked, body_of


@pytest.fixture
def sides(command_api: CommandApi) -> Sides:
    return Sides.of(command_api, kind="shared")


def test_accepting_is_answered_with_the_payment(sides: Sides) -> None:
    """A transfer like any other, with the payee's words and the request's short reference."""
    request = asked(sides.ben, sides.shop, description="Lunch")
    response = act(sides.anna, request, "accept", sides.full)
    assert response.status_code == 201, response.text
    payment = response.json()
    assert response.headers["ledger-position"] == str(payment["position"])
    assert {name: payment[name] for name in payment.keys() - {"payment_id", "created_at"}} == {
        "kind": "transfer",
        "status": "completed",
        "amount": "12.34",
        "currency": "EUR",
        "source_wallet_id": sides.full,
        "destination_wallet_id": sides.shop,
        "description": "Lunch",
        "reference": request["reference"],
        "position": payment["position"],
    }
    # The payment, the end of the request, money out and money in.
    assert payment["position"] == request["position"] + 4
    assert sides.balances() == (10_000 - 1234, 0, 1234)


def test_a_request_is_paid_once(sides: Sides) -> None:
    """Whoever comes later is told that it has ended, by a payment that was declined."""
    request = asked(sides.ben, sides.shop)
    act(sides.anna, request, "accept", sides.full).raise_for_status()
    key = new_key()
    late = act(sides.anna, request, "accept", sides.full, key)
    problem = refused(late, 422, "request-closed")
    assert problem["payment_id"].startswith("pay_")
    assert problem["position"] == int(late.headers["ledger-position"])
    assert act(sides.anna, request, "accept", sides.full, key).content == late.content
    for caller, action in ((sides.anna, "decline"), (sides.ben, "cancel")):
        ended = refused(act(caller, request, action), 422, "request-closed")
        assert ended["request_id"] == request["request_id"]
    assert sides.balances() == (10_000 - 1234, 0, 1234)


def test_a_declined_payment_leaves_the_request_open(sides: Sides) -> None:
    """Too little money is on record for its key, and with the money there it is paid."""
    request, key = asked(sides.ben, sides.shop, "100.01"), new_key()
    short = act(sides.anna, request, "accept", sides.full, key)
    assert refused(short, 422, "insufficient-funds")["available"] == "100.00"
    sides.operator.paid(sides.bank, sides.full, "0.01")
    assert act(sides.anna, request, "accept", sides.full, key).content == short.content
    assert act(sides.anna, request, "accept", sides.full).status_code == 201


@pytest.mark.parametrize(("action", "status"), [("decline", "declined"), ("cancel", "cancelled")])
def test_a_request_ends_without_a_payment(sides: Sides, action: str, status: str) -> None:
    """200 with the request as it stands then, without a code that leads nowhere any more."""
    request = asked(sides.ben, sides.shop, payer=sides.anna.subject, description="Lunch")
    key, by = new_key(), sides.anna if action == "decline" else sides.ben
    response = act(by, request, action, key=key)
    assert response.status_code == 200, response.text
    ended = response.json()
    shown = {name: value for name, value in request.items() if name != "qr_svg"}
    assert ended == {**shown, "status": status, "position": ended["position"]}
    assert ended["position"] == request["position"] + 2
    repeat = act(by, request, action, key=key)
    assert (repeat.status_code, repeat.content) == (200, response.content)
    refused(act(sides.anna, request, "accept", sides.full), 422, "request-closed")
    assert sides.balances() == (10_000, 0, 0)


def test_what_is_meant_for_somebody_else_is_not_found(sides: Sides) -> None:
    """Nor is what does not exist or is no id, and all of them look alike."""
    stranger = sides.api.caller()
    wallet = stranger.open()
    theirs = asked(sides.ben, sides.shop, payer=sides.anna.subject)
    problems = []
    for request in (theirs, {"request_id": UNKNOWN}, {"request_id": "no-id"}):
        for action in ("accept", "decline", "cancel"):
            source = wallet if action == "accept" else None
            found = refused(act(stranger, request, action, source), 404, "request-not-found")
            problems.append({**found, "instance": ""})
    assert all(problem == problems[0] for problem in problems)
    assert act(sides.anna, theirs, "accept", sides.full).status_code == 201


def test_an_id_of_another_kind_is_no_request(sides: Sides) -> None:
    """The bits of a payment behind the prefix of requests lead to nothing."""
    payment = sides.anna.paid(sides.full, sides.shop, "1")["payment_id"]
    request = {"request_id": f"prq_{payment[4:]}"}
    refused(act(sides.anna, request, "accept", sides.full), 404, "request-not-found")
    name = asked(sides.ben, sides.shop)["request_id"]
    refused(sides.ben.on(f"pay_{name[4:]}", "refund", {}), 404, "payment-not-found")


def test_without_a_payer_anybody_answers(sides: Sides) -> None:
    """Somebody who has nothing to do with either side may pay or decline."""
    carol = sides.api.caller()
    wallet = carol.open()
    sides.operator.paid(sides.bank, wallet, "12.34")
    assert act(carol, asked(sides.ben, sides.shop), "accept", wallet).status_code == 201
    assert act(carol, asked(sides.ben, sides.shop), "decline").status_code == 200


def test_only_the_payees_side_cancels(sides: Sides) -> None:
    """Who may know of the request is told so; a viewer of the wallet lacks the role."""
    viewer, spender = sides.api.caller(), sides.api.caller()
    sides.ben.add(sides.shop, viewer, "viewer")
    sides.ben.add(sides.shop, spender, "spender")
    request = asked(sides.ben, sides.shop, payer=sides.anna.subject)
    refused(act(sides.anna, request, "cancel"), 403, "not-payee")
    refused(act(viewer, request, "cancel"), 403, "role-missing")
    assert act(spender, request, "cancel").status_code == 200


def test_the_request_is_looked_for_before_the_wallet(sides: Sides) -> None:
    """404 for the path, then for the body's wallet, then 403, then what the ledger refuses."""
    stranger, viewer = sides.api.caller(), sides.api.caller()
    sides.anna.add(sides.full, viewer, "viewer")
    request = asked(sides.ben, sides.shop)
    act(sides.ben, request, "cancel").raise_for_status()
    unknown = {"request_id": UNKNOWN}
    refused(act(stranger, unknown, "accept", NOWHERE), 404, "request-not-found")
    refused(act(stranger, request, "accept", NOWHERE), 404, "wallet-not-found")
    refused(act(stranger, request, "accept", sides.full), 404, "wallet-not-found")
    refused(act(viewer, request, "accept", sides.full), 403, "role-missing")
    refused(act(sides.anna, request, "accept", sides.full), 422, "request-closed")


def test_a_payment_above_a_threshold_waits_and_the_request_is_accepted(sides: Sides) -> None:
    """Its money is held; once another owner approves it is the payee's."""
    other = sides.api.caller()
    sides.anna.add(sides.full, other, "owner")
    assert sides.anna.put(sides.full, "approvals", required=1, above="12.33").status_code == 200
    request = asked(sides.ben, sides.shop)
    response = act(sides.anna, request, "accept", sides.full)
    assert (response.status_code, response.json()["status"]) == (201, "awaiting-approval")
    refused(act(sides.anna, request, "decline"), 422, "request-closed")
    assert sides.balances() == (10_000, 1234, 0)
    assert other.on(response.json()["payment_id"], "approve").status_code == 200
    assert sides.balances() == (10_000 - 1234, 0, 1234)


def test_a_closed_payees_wallet_is_told_as_to_any_payer(sides: Sides) -> None:
    """Why it takes nothing is not the payer's to know."""
    request = asked(sides.ben, sides.shop)
    assert sides.ben.act(sides.shop, "close").status_code == 200
    refused(act(sides.anna, request, "accept", sides.full), 422, "payee-unavailable")
    refused(sides.ben.post(REQUESTS, body_of(sides.shop)), 422, "wallet-closed")


@pytest.mark.parametrize("scope", ["read", "wallets", "audit"])
def test_requests_need_the_scope_payments(sides: Sides, scope: str) -> None:
    """On every route, also for those whose wallet it is."""
    request = asked(sides.ben, sides.shop)
    for person in (sides.ben, sides.anna):
        caller = sides.api.caller(person.subject, scope)
        refused(caller.post(REQUESTS, body_of(sides.shop)), 403, "scope-missing")
        refused(act(caller, request, "accept", sides.full), 403, "scope-missing")
        refused(act(caller, request, "decline"), 403, "scope-missing")
        refused(act(caller, request, "cancel"), 403, "scope-missing")
