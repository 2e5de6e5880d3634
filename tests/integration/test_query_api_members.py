"""Who sees a shared wallet, as what, and what of it is held; a member no more sees nothing."""

import json
import time
from typing import Any

import pytest

from domain.events import Role
from domain.wallet_rules import AddMember, ChangeApprovals, RemoveMember
from tests.every_payment import (
    ANN,
    BEN,
    CAT,
    DAN,
    EVE,
    FAY,
    GUIDE,
    NOBODY,
    OPERATOR,
    SHOP,
    EveryPayment,
    write_every_payment,
)
from tests.query_system import QuerySystem
from tests.read_model_fold import folded_rows

ALL = [("usr_auditor", "audit"), ("usr_operator", "operate")]


@pytest.fixture(scope="module")
def book(system: QuerySystem) -> EveryPayment:
    book = write_every_payment(system.databases)
    system.follow()
    return book


@pytest.mark.parametrize(
    ("user", "role"),
    [(ANN, "owner"), (BEN, "owner"), (CAT, "owner"), (DAN, "spender"), (EVE, "viewer")],
)
def test_every_member_sees_the_wallet_with_their_role(
    system: QuerySystem, book: EveryPayment, user: str, role: Role
) -> None:
    home = book.wallets["home"]
    wallet = system.found(f"/v1/wallets/{home}", user, "read")
    assert wallet["role"] == role
    assert wallet["limits"] == {"per_payment": None, "per_day": "90000.00"}
    assert wallet["approvals"] == {"required": 2, "above": "100.00"}
    assert wallet in system.found("/v1/wallets", user, "read", kind="shared")["items"]
    entries = f"/v1/wallets/{home}/entries"
    assert system.pages(entries, user, "read", limit=3) == system.pages(entries)
    paid = f"/v1/payments/{book.payments['at once']}"
    assert system.found(paid, user, "read")["reference"] == "R at once"


def routes(book: EveryPayment) -> list[str]:
    home = f"/v1/wallets/{book.wallets['home']}"
    payment = f"/v1/payments/{book.payments['waits for two']}"
    return [home, f"{home}/balance", f"{home}/entries", f"{home}/holds", payment]


@pytest.mark.parametrize("user", [FAY, SHOP, GUIDE, NOBODY])
def test_who_is_no_member_sees_nothing_of_it(
    system: QuerySystem, book: EveryPayment, user: str
) -> None:
    """Not even who was one, and not with the id of what they once saw."""
    for path in routes(book):
        assert system.ask(path, user, "read").status_code == 404, path
    listed = system.pages("/v1/wallets", user, "read")
    assert book.wallets["home"] not in {wallet["wallet_id"] for wallet in listed}
    waiting = book.payments["waits for two"]
    assert waiting not in {p["payment_id"] for p in system.pages("/v1/payments", user, "read")}


@pytest.mark.parametrize("caller", ALL)
def test_operators_and_auditors_see_all(
    system: QuerySystem, book: EveryPayment, caller: tuple[str, str]
) -> None:
    for path in routes(book):
        assert "role" not in system.found(path, *caller)
    wallets = {wallet["wallet_id"] for wallet in system.pages("/v1/wallets", *caller)}
    assert wallets >= set(book.wallets.values())
    payments = {payment["payment_id"] for payment in system.pages("/v1/payments", *caller)}
    assert payments == set(book.payments.values())


def test_a_personal_wallet_has_neither_approvals_nor_limits_that_nobody_set(
    system: QuerySystem, book: EveryPayment
) -> None:
    shop = system.found(f"/v1/wallets/{book.wallets['shop']}", SHOP, "read")
    assert shop.keys() & {"limits", "approvals"} == set()
    ann = system.found(f"/v1/wallets/{book.wallets['ann']}", ANN, "read")
    assert ann["limits"] == {"per_payment": "900.00", "per_day": "5000.00"}


def command_ends(system: QuerySystem) -> list[int]:
    with system.databases.connect("reader") as connection:
        rows = connection.execute(
            "SELECT notification_id, convert_from(metadata, 'UTF8') FROM events ORDER BY 1"
        ).fetchall()
    told = [(position, json.loads(text)) for position, text in rows]
    return [position for position, m in told if m["index"] == m["count"] - 1]


@pytest.mark.parametrize("name", ["ann", "home", "shop"])
def test_what_is_held_as_of_any_position_is_a_fold(
    system: QuerySystem, book: EveryPayment, name: str
) -> None:
    path, seen = f"/v1/wallets/{book.wallets[name]}/balance", set()
    for position in command_ends(system)[::4]:
        rows = folded_rows(system.databases, position)["balances"]
        standings = {row[0]: (row[4], row[5]) for row in rows}
        posted, held = standings.get(book.wallets[name], (0, 0))
        seen.add(held)
        assert system.found(path, as_of=position) == {
            "posted": f"{posted / 100:.2f}",
            "held": f"{held / 100:.2f}",
            "available": f"{(posted - held) / 100:.2f}",
            "currency": "EUR",
            "position": position,
        }
    assert len(seen) > 5 or name == "shop"


def test_roles_follow_the_ledger(system: QuerySystem, book: EveryPayment) -> None:
    """A role that changes is shown, and taken away it is gone with the next position."""
    home, new = book.wallets["home"], "usr_new"

    def seen() -> Any:
        system.follow()
        items = system.found("/v1/wallets", new, "read", min_position=system.head())["items"]
        return [(wallet["wallet_id"], wallet["role"]) for wallet in items]

    for role in ("viewer", "owner", "spender"):
        book.accept(ANN, AddMember(home, new, role))
        assert seen() == [(home, role)]
    book.accept(ANN, RemoveMember(home, new))
    assert seen() == []


def test_an_owner_from_now_on_may_approve_and_one_no_more_may_not(
    system: QuerySystem, book: EveryPayment
) -> None:
    waiting, late = book.payments["waits for two"], "usr_late"

    def asked() -> bool:
        system.follow()
        items = system.found("/v1/approvals", late, "read")["items"]
        return waiting in {item["payment_id"] for item in items}

    book.accept(ANN, AddMember(book.wallets["home"], late, "owner"))
    assert asked()
    book.accept(ANN, AddMember(book.wallets["home"], late, "spender"))
    assert not asked()


def test_what_has_run_out_waits_for_nobody_though_nothing_has_swept_it(
    system: QuerySystem, book: EveryPayment
) -> None:
    book.open("flat", "usr_one", kind="shared")
    flat = book.wallets["flat"]
    book.accept("usr_one", AddMember(flat, "usr_two", "owner"))
    book.accept("usr_one", ChangeApprovals(flat, 1, 10_00))
    book.pay("flat's money", OPERATOR, "till", "flat", 100_00)
    legs = [("flat", "shop", 11_00)]
    book.begin("late", "usr_one", book.legged("late", "transfer", legs, 2))
    system.follow()
    assert len(system.found("/v1/approvals", "usr_two", "read")["items"]) == 1
    time.sleep(2)
    assert system.found("/v1/approvals", "usr_two", "read")["items"] == []
    # Its money is held until it is swept.
    assert len(system.found(f"/v1/wallets/{flat}/holds", "usr_two", "read")["items"]) == 1


def test_a_wallet_that_has_agreed_has_nothing_more_to_approve(
    system: QuerySystem, book: EveryPayment
) -> None:
    """Of a payment from two wallets, each owner is asked for their own wallet's approval only."""
    owners = {"left": ["usr_l1", "usr_l2", "usr_l3"], "right": ["usr_r1", "usr_r2"]}
    for wallet, (first, *others) in owners.items():
        book.open(wallet, first, kind="shared")
        for other in others:
            book.accept(first, AddMember(book.wallets[wallet], other, "owner"))
        book.accept(first, ChangeApprovals(book.wallets[wallet], 1, 1_00))
        book.pay(f"money of {wallet}", OPERATOR, "till", wallet, 100_00)
    legs = [("left", "shop", 11_00), ("right", "shop", 12_00)]
    book.begin("two wallets", OPERATOR, book.legged("two wallets", "split", legs))

    def asked() -> list[str]:
        system.follow()
        everybody = [*owners["left"], *owners["right"]]
        found = {user: system.found("/v1/approvals", user, "read")["items"] for user in everybody}
        return [user for user, items in found.items() if items]

    assert asked() == ["usr_l1", "usr_l2", "usr_l3", "usr_r1", "usr_r2"]
    book.approve("usr_l2", "two wallets")
    assert asked() == ["usr_r1", "usr_r2"]
    # An approval counts as long as who gave it is an owner.
    left = book.wallets["left"]
    book.accept("usr_l1", AddMember(left, "usr_l2", "spender"))
    assert asked() == ["usr_l1", "usr_l3", "usr_r1", "usr_r2"]
    book.approve("usr_r1", "two wallets")
    assert asked() == ["usr_l1", "usr_l3"]
    # Now all have agreed; it waits all the same, for whoever is left to say so.
    book.accept("usr_l1", AddMember(left, "usr_l2", "owner"))
    assert asked() == ["usr_l1", "usr_l3", "usr_r2"]
    book.approve("usr_r2", "two wallets")
    assert asked() == []
    path = f"/v1/payments/{book.payments['two wallets']}"
    assert system.found(path)["status"] == "completed"
