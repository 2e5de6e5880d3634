"""Members of a shared wallet over HTTP: who has which role, and what each may do."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.command_api import NOWHERE, Caller, CommandApi, Sides, new_key, refused


@pytest.fixture
def sides(command_api: CommandApi) -> Sides:
    return Sides.of(command_api, kind="shared")


@pytest.fixture
def carl(command_api: CommandApi) -> Caller:
    return command_api.caller()


def pointers(response: Any) -> list[str]:
    problem = refused(response, 422, "invalid-request")
    return [error["pointer"] for error in problem["errors"]]


def give(caller: Caller, wallet: str, user: Any, role: Any, key: str | None = "") -> Any:
    return caller.post(f"/v1/wallets/{wallet}/members", {"user_id": user, "role": role}, key)


def test_a_role_is_given_changed_and_taken(sides: Sides, carl: Caller) -> None:
    """201 with the member each time; 200 with the wallet when it is taken, then 404."""
    for role in ("viewer", "spender", "owner", "viewer", "viewer"):
        response = give(sides.anna, sides.full, carl.subject, role)
        assert response.status_code == 201
        member = response.json()
        assert response.headers["ledger-position"] == str(member["position"])
        assert member == {
            "wallet_id": sides.full,
            "user_id": carl.subject,
            "role": role,
            "position": member["position"],
        }
    response = sides.anna.remove(sides.full, carl.subject)
    assert response.status_code == 200
    wallet = response.json()
    assert (wallet["wallet_id"], wallet["role"]) == (sides.full, "owner")
    assert response.headers["ledger-position"] == str(wallet["position"])
    refused(sides.anna.remove(sides.full, carl.subject), 404, "member-not-found")


@pytest.mark.parametrize(
    ("role", "ends"),
    [
        ("viewer", {"pay": "role-missing", "freeze": "role-missing", "give": "role-missing"}),
        ("spender", {"pay": None, "freeze": "role-missing", "give": "role-missing"}),
        ("owner", {"pay": None, "freeze": None, "give": None}),
        (None, dict.fromkeys(("pay", "freeze", "give"), "wallet-not-found")),
    ],
)
def test_each_role_may_do_its_own(
    sides: Sides, carl: Caller, role: str | None, ends: dict[str, str | None]
) -> None:
    """Spenders pay; owners also freeze and give roles; to a stranger there is no wallet."""
    if role is not None:
        sides.anna.add(sides.full, carl, role)
    done: dict[str, Callable[[], Any]] = {
        "pay": lambda: carl.pay(sides.full, sides.shop, "1"),
        "give": lambda: give(carl, sides.full, "usr_dora", "viewer"),
        "freeze": lambda: carl.act(sides.full, "freeze"),
    }
    for what, ask in done.items():
        response, code = ask(), ends[what]
        if code is None:
            assert response.status_code < 300, response.text
        else:
            refused(response, 403 if code == "role-missing" else 404, code)


def test_whoever_is_removed_does_nothing_more(sides: Sides, carl: Caller) -> None:
    """From the next command on; a retry still gets the answer that it had."""
    key = new_key()
    sides.anna.add(sides.full, carl, "spender")
    first = carl.pay(sides.full, sides.shop, "1", key)
    assert first.status_code == 201
    assert sides.anna.remove(sides.full, carl.subject).status_code == 200
    refused(carl.pay(sides.full, sides.shop, "1"), 404, "wallet-not-found")
    again = carl.pay(sides.full, sides.shop, "1", key)
    assert (again.status_code, again.content) == (201, first.content)


def test_a_member_leaves_on_their_own(sides: Sides, carl: Caller) -> None:
    """Also a viewer; somebody else they cannot remove, and of a stranger nothing is told."""
    sides.anna.add(sides.full, carl, "viewer")
    refused(carl.remove(sides.full, sides.anna.subject), 403, "role-missing")
    refused(carl.remove(sides.full, "usr_nobody"), 403, "role-missing")
    wallet = carl.remove(sides.full, carl.subject).json()
    assert "role" not in wallet
    for user in (carl.subject, sides.anna.subject, "usr_nobody"):
        refused(carl.remove(sides.full, user), 404, "wallet-not-found")


def test_the_last_owner_stays(sides: Sides, carl: Caller) -> None:
    """Neither leaves, nor is removed, nor gets a lesser role, until there is another."""
    sides.anna.add(sides.full, carl, "spender")
    me = sides.anna.subject
    for caller in (sides.anna, sides.operator):
        response = caller.remove(sides.full, me)
        problem = refused(response, 422, "last-owner")
        assert problem["position"] == int(response.headers["ledger-position"])
        for role in ("viewer", "spender"):
            refused(give(caller, sides.full, me, role), 422, "last-owner")
    assert give(sides.anna, sides.full, me, "owner").status_code == 201
    sides.anna.add(sides.full, carl, "owner")
    assert sides.anna.remove(sides.full, me).status_code == 200
    refused(carl.remove(sides.full, carl.subject), 422, "last-owner")


def test_only_a_shared_wallet_is_shared(sides: Sides, carl: Caller) -> None:
    """A personal one has its owner; the system's belong to nobody."""
    own = sides.anna.open()
    response = give(sides.anna, own, carl.subject, "viewer")
    problem = refused(response, 422, "wallet-not-shared")
    assert problem["position"] == int(response.headers["ledger-position"])
    refused(give(sides.operator, sides.bank, carl.subject, "owner"), 422, "wallet-not-shared")
    refused(sides.anna.put(own, "approvals", required=1, above="1"), 422, "wallet-not-shared")
    refused(sides.anna.remove(own, sides.anna.subject), 422, "last-owner")


def test_operators_give_and_take_roles(sides: Sides, carl: Caller) -> None:
    """Of any shared wallet, whose members they are not."""
    assert give(sides.operator, sides.full, carl.subject, "owner").status_code == 201
    wallet = sides.operator.remove(sides.full, sides.anna.subject).json()
    assert "role" not in wallet
    refused(sides.anna.pay(sides.full, sides.shop, "1"), 404, "wallet-not-found")
    carl.paid(sides.full, sides.shop, "1")


def test_a_closed_wallet_has_no_new_members(sides: Sides, carl: Caller) -> None:
    sides.ben.add(sides.shop, carl, "viewer")
    assert sides.ben.act(sides.shop, "close").status_code == 200
    refused(give(sides.ben, sides.shop, carl.subject, "owner"), 422, "wallet-closed")
    refused(sides.ben.remove(sides.shop, carl.subject), 422, "wallet-closed")


@pytest.mark.parametrize(
    ("body", "wrong"),
    [
        ({}, ["#/user_id", "#/role"]),
        ({"user_id": "usr_x"}, ["#/role"]),
        ({"role": "owner"}, ["#/user_id"]),
        ({"user_id": None, "role": "owner"}, ["#/user_id"]),
        ({"user_id": "", "role": "owner"}, ["#/user_id"]),
        ({"user_id": "x" * 101, "role": "owner"}, ["#/user_id"]),
        ({"user_id": "a\x00", "role": "owner"}, ["#/user_id"]),
        ({"user_id": 5, "role": "owner"}, ["#/user_id"]),
        ({"user_id": "usr_x", "role": "Owner"}, ["#/role"]),
        ({"user_id": "usr_x", "role": "admin"}, ["#/role"]),
        ({"user_id": "usr_x", "role": None}, ["#/role"]),
        ({"user_id": "usr_x", "role": "owner", "reason": "x"}, ["#/reason"]),
    ],
)
def test_a_member_is_a_user_and_a_role(sides: Sides, body: Any, wrong: list[str]) -> None:
    """Judged before the wallet is looked for."""
    assert pointers(sides.anna.post(f"/v1/wallets/{NOWHERE}/members", body)) == wrong


def test_a_strangers_wallet_is_as_one_that_does_not_exist(sides: Sides, carl: Caller) -> None:
    """To whoever gives a role in it, or takes one away; a malformed id too."""
    given = give(carl, NOWHERE, carl.subject, "owner")
    taken = carl.remove(NOWHERE, sides.anna.subject)
    for unknown in (given, taken):
        refused(unknown, 404, "wallet-not-found")
    for wallet in (sides.full, sides.bank, "wal_x", NOWHERE.lower()):
        told = give(carl, wallet, carl.subject, "owner")
        assert (told.status_code, told.text.replace(wallet, NOWHERE)) == (404, given.text)
        told = carl.remove(wallet, sides.anna.subject)
        assert (told.status_code, told.text.replace(wallet, NOWHERE)) == (404, taken.text)


@pytest.mark.parametrize("user", ["x" * 300, "%00", "%E2%80%AE", "%7B0%7D", "a%20b", "%FF"])
def test_any_text_may_be_asked_for_as_a_member(sides: Sides, user: str) -> None:
    """Who is none is not found, however they are written."""
    response = sides.anna.client.delete(f"/v1/wallets/{sides.full}/members/{user}")
    refused(response, 404, "member-not-found")


def test_a_removal_has_no_body_and_no_key(sides: Sides, carl: Caller) -> None:
    """An empty object is none; anything else in it is unknown."""
    sides.anna.add(sides.full, carl, "viewer")
    path = f"/v1/wallets/{sides.full}/members/{carl.subject}"
    wrong = sides.anna.client.request("DELETE", path, json={"reason": "x"})
    assert pointers(wrong) == ["#/reason"]
    assert sides.anna.client.request("DELETE", path, json={}).status_code == 200
