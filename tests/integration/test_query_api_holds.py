"""What wallets hold, what waits for whose approval, and what all of it adds up to."""

from typing import Any

import pytest

from tests.every_payment import (
    ANN,
    BEN,
    CAT,
    DAN,
    EVE,
    FAY,
    NOBODY,
    SHOP,
    EveryPayment,
    write_every_payment,
)
from tests.query_system import QuerySystem

AUDITOR = ("usr_auditor", "audit")
OPERATOR = ("usr_operator", "operate")


@pytest.fixture(scope="module")
def book(system: QuerySystem) -> EveryPayment:
    book = write_every_payment(system.databases)
    system.follow()
    return book


def payment(system: QuerySystem, book: EveryPayment, name: str, *caller: str) -> Any:
    return system.found(f"/v1/payments/{book.payments[name]}", *(caller or AUDITOR))


def names(book: EveryPayment, items: list[dict[str, Any]]) -> list[str]:
    """Return by which names the book knows payments."""
    known = {payment: name for name, payment in book.payments.items()}
    return [known[item["payment_id"]] for item in items]


HOLDS = {
    "ann": ["captured in part", "held"],
    "home": ["hold approved", "hold waits", "split waits", "waits for one more", "waits for two"],
    "shop": [],
}


@pytest.mark.parametrize(
    ("wallet", "caller"),
    [
        ("ann", (ANN, "read")),
        ("shop", (SHOP, "payments")),
        ("home", (ANN, "wallets")),
        ("home", (DAN, "payments")),
        ("home", (EVE, "read")),
        ("home", AUDITOR),
        ("home", OPERATOR),
    ],
)
def test_open_holds_are_what_a_wallet_holds(
    system: QuerySystem, book: EveryPayment, wallet: str, caller: tuple[str, str]
) -> None:
    path, who = f"/v1/wallets/{book.wallets[wallet]}", caller[0]
    holds = system.found(f"{path}/holds", *caller)["items"]
    assert names(book, holds) == HOLDS[wallet]
    assert system.pages(f"{path}/holds", *caller, limit=1) == holds
    held = sum(cents(hold.get("left", hold["amount"])) for hold in holds)
    reads = (who, caller[1] if caller in (AUDITOR, OPERATOR) else "read")
    assert cents(system.found(f"{path}/balance", *reads)["held"]) == held
    assert cents(system.found(path, *reads)["held"]) == held


def cents(amount: str) -> int:
    return int(amount.replace(".", ""))


@pytest.mark.parametrize(
    ("user", "expected"),
    [
        (ANN, ["hold waits", "split waits", "waits for two"]),
        (BEN, ["split waits", "waits for two"]),
        (CAT, ["hold waits", "split waits", "waits for one more", "waits for two"]),
        (DAN, []),
        (EVE, []),
        (FAY, []),
        (SHOP, []),
        (NOBODY, []),
    ],
)
def test_approvals_are_those_that_wait_for_the_caller(
    system: QuerySystem, book: EveryPayment, user: str, expected: list[str]
) -> None:
    """For owners: not for who asked, nor for who has approved, nor for other roles."""
    found = system.found("/v1/approvals", user, "read")["items"]
    assert names(book, found) == expected
    assert system.pages("/v1/approvals", user, "read", limit=1) == found
    for item in found:
        whole = payment(system, book, names(book, [item])[0], user, "read")
        assert item == {name: whole[name] for name in item}


def test_an_auditor_has_nothing_to_approve(system: QuerySystem, book: EveryPayment) -> None:
    assert system.found("/v1/approvals", *AUDITOR)["items"] == []
    assert system.found("/v1/approvals", *OPERATOR)["items"] == []


def test_the_daily_report_counts_holds_when_they_complete(
    system: QuerySystem, book: EveryPayment
) -> None:
    """With all that was captured; what is open, released or refused has no volume."""
    totals: dict[str, list[int]] = {}
    for day in system.pages("/v1/reports/daily", currency="EUR"):
        total = totals.setdefault(day["kind"], [0, 0, 0])
        total[0] += day["count"]
        total[1] += cents(day["volume"])
        total[2] += day["declined"]
    assert totals == {
        "transfer": [8, 11_346_34, 3],
        "hold": [4, 149_00, 1],
        "split": [4, 215_00, 1],
        "refund": [5, 89_00, 1],
        "reversal": [1, 7_00, 0],
        "exchange": [1, 10_00, 0],
    }


def test_every_currency_adds_up_to_nothing(system: QuerySystem, book: EveryPayment) -> None:
    for item in system.found("/v1/reports/trial-balance")["items"]:
        assert cents(item["sum"]) == 0
        assert item["debits"] != "0"
