"""Payments of every kind as the query API shows them, to each as far as they are theirs."""

from typing import Any

import pytest

from interfaces.query_api.parameters import PaymentKind, PaymentStatus
from projections.payment_queries import MANY
from tests.every_payment import (
    ANN,
    BEN,
    CAT,
    DAN,
    EVE,
    GUIDE,
    SHOP,
    EveryPayment,
    write_every_payment,
)
from tests.query_system import QuerySystem

AUDITOR = ("usr_auditor", "audit")
OPERATOR = ("usr_operator", "operate")
AMOUNTS = ("captured", "left", "refunded", "refundable")


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


ENDS = {
    "lunch": ("transfer", "completed", "12.34", (None, None, "0.00", "12.34")),
    "refunded": ("transfer", "refunded", "33.00", (None, None, "33.00", "0.00")),
    "refunded in part": ("transfer", "partially-refunded", "44.00", (None, None, "1.00", "43.00")),
    "first refund": ("refund", "completed", "10.00", (None,) * 4),
    "refund too much": ("refund", "declined", "43.01", (None,) * 4),
    "reversed": ("transfer", "reversed", "7.00", (None,) * 4),
    "reversal": ("reversal", "completed", "7.00", (None,) * 4),
    "declined": ("transfer", "declined", "89999.00", (None,) * 4),
    "held": ("hold", "authorized", "50.00", ("0.00", "50.00", "0.00", "0.00")),
    "captured in part": ("hold", "authorized", "80.00", ("30.00", "50.00", "0.00", "30.00")),
    "captured": ("hold", "partially-refunded", "120.00", ("80.00", "0.00", "15.00", "65.00")),
    "captured and refunded": ("hold", "refunded", "40.00", ("40.00", "0.00", "40.00", "0.00")),
    "released": ("hold", "cancelled", "15.00", ("0.00", "0.00", "0.00", "0.00")),
    "captured and released": ("hold", "completed", "60.00", ("25.00", "0.00", "0.00", "25.00")),
    "run out": ("hold", "expired", "5.00", ("0.00", "0.00", "0.00", "0.00")),
    "run out in part": ("hold", "completed", "9.00", ("4.00", "0.00", "0.00", "4.00")),
    "hold declined": ("hold", "declined", "901.00", (None,) * 4),
    "split": ("split", "completed", "51.00", (None,) * 4),
    "split declined": ("split", "declined", "8001.00", (None,) * 4),
    "exchange": ("exchange", "completed", "10.00", (None,) * 4),
    "approved": ("transfer", "completed", "150.00", (None, None, "0.00", "150.00")),
    "rejected": ("transfer", "declined", "160.00", (None,) * 4),
    "asked too long": ("transfer", "expired", "170.00", (None,) * 4),
    "held too long": ("hold", "expired", "171.00", ("0.00", "0.00", "0.00", "0.00")),
    "waits for two": ("transfer", "awaiting-approval", "200.00", (None,) * 4),
    "split waits": ("split", "awaiting-approval", "150.00", (None,) * 4),
    "split approved": ("split", "completed", "150.00", (None,) * 4),
    "hold waits": ("hold", "awaiting-approval", "180.00", (None,) * 4),
    "hold approved": ("hold", "authorized", "190.00", ("110.00", "80.00", "0.00", "110.00")),
}


@pytest.mark.parametrize("name", ENDS)
def test_a_payment_stands_as_all_that_happened_to_it_says(
    system: QuerySystem, book: EveryPayment, name: str
) -> None:
    found = payment(system, book, name)
    amounts = tuple(found.get(each) for each in AMOUNTS)
    assert (found["kind"], found["status"], found["amount"], amounts) == ENDS[name]
    waits = found["status"] in {"authorized", "awaiting-approval"}
    assert ("expires_at" in found) is waits


TIMELINES = {
    ("lunch", ANN): [("completed", None)],
    ("refunded in part", ANN): [("completed", None), ("partially-refunded", "1.00")],
    ("reversed", ANN): [("completed", None), ("reversed", "7.00")],
    ("captured", SHOP): [
        ("authorized", None),
        ("authorized", "20.00"),
        ("authorized", "10.00"),
        ("completed", "70.00"),
        ("partially-refunded", "15.00"),
    ],
    ("released", ANN): [("authorized", None), ("cancelled", "15.00")],
    ("run out in part", ANN): [
        ("authorized", None),
        ("authorized", "4.00"),
        ("completed", "5.00"),
    ],
    ("approved", EVE): [
        ("awaiting-approval", None),
        ("awaiting-approval", None),
        ("completed", "150.00"),
    ],
    ("approved", SHOP): [("completed", "150.00")],
    ("rejected", DAN): [("awaiting-approval", None), ("declined", None)],
    ("asked too long", DAN): [("awaiting-approval", None), ("expired", "170.00")],
    ("hold approved", CAT): [
        ("awaiting-approval", None),
        ("awaiting-approval", None),
        ("awaiting-approval", None),
        ("authorized", "190.00"),
        ("authorized", "110.00"),
    ],
    ("hold approved", SHOP): [("authorized", "190.00"), ("authorized", "110.00")],
}


@pytest.mark.parametrize(("name", "user"), TIMELINES)
def test_the_timeline_tells_what_happened_in_its_order(
    system: QuerySystem, book: EveryPayment, name: str, user: str
) -> None:
    """Its positions are those of the payment's own events; a payee is told from the hold on."""
    steps = payment(system, book, name, user, "read")["timeline"]
    assert [(step["status"], step.get("amount")) for step in steps] == TIMELINES[name, user]
    for step in steps:
        after = {"after": step["position"] - 1, "limit": 1}
        (event,) = system.found("/v1/audit/events", **after)["items"]
        assert event["stream_id"] == book.payments[name]
        assert event["recorded_at"] == step["recorded_at"]


LEGS = {
    ("split", ANN): ("51.00", "EUR", ["20.00", "30.00", "1.00"]),
    ("split", GUIDE): ("30.00", "EUR", ["30.00"]),
    ("split", AUDITOR[0]): ("51.00", "EUR", ["20.00", "30.00", "1.00"]),
    ("split of one", DAN): ("2.00", "EUR", ["2.00"]),
    ("split of two payers", ANN): ("12.00", "EUR", ["3.00", "4.00", "5.00"]),
    ("split of two payers", EVE): ("9.00", "EUR", ["4.00", "5.00"]),
    ("split of two payers", SHOP): ("7.00", "EUR", ["3.00", "4.00"]),
    ("split of two payers", GUIDE): ("5.00", "EUR", ["5.00"]),
    ("split of two payers", OPERATOR[0]): ("12.00", "EUR", ["3.00", "4.00", "5.00"]),
    ("exchange", ANN): ("10.00", "EUR", ["10.00"]),
    ("exchange", GUIDE): ("1602", "JPY", ["1602"]),
    ("exchange", AUDITOR[0]): ("10.00", "EUR", ["10.00", "1602"]),
    ("lunch", SHOP): ("12.34", "EUR", ["12.34"]),
}


@pytest.mark.parametrize(("name", "user"), LEGS)
def test_a_caller_sees_their_own_legs_and_the_sum_of_them(
    system: QuerySystem, book: EveryPayment, name: str, user: str
) -> None:
    scope = {AUDITOR[0]: "audit", OPERATOR[0]: "operate"}.get(user, "read")
    found = payment(system, book, name, user, scope)
    amounts = [leg["amount"] for leg in found["legs"]]
    assert (found["amount"], found["currency"], amounts) == LEGS[name, user]
    (listed,) = [
        item
        for item in system.pages("/v1/payments", user, scope)
        if item["payment_id"] == book.payments[name]
    ]
    assert listed == {each: found[each] for each in listed}


UNTOLD = (
    *("declined", "frozen", "hold declined", "split declined", "rejected", "asked too long"),
    *("waits for two", "waits for one more", "split waits", "hold waits"),
)
OF_OTHERS = ("ann's money", "home's money", "split of one", "exchange")
"""What others pay each other. What was approved and held too long, the shop was told of."""


def test_a_payee_sees_what_was_paid_or_held_and_no_more(
    system: QuerySystem, book: EveryPayment
) -> None:
    """Neither in lists nor by its id; of what they see, nothing that was written for others."""
    hidden = [*UNTOLD, *OF_OTHERS]
    items = system.pages("/v1/payments", SHOP, "read")
    assert names(book, items) == [name for name in reversed(book.payments) if name not in hidden]
    for name in hidden:
        path = f"/v1/payments/{book.payments[name]}"
        assert system.ask(path, SHOP, "read").status_code == 404
    for item in items:
        for found in (item, payment(system, book, names(book, [item])[0], SHOP, "read")):
            if found["kind"] != "refund":
                assert found.keys() & {"reference", "metadata", "failure", "approval"} == set()
    assert payment(system, book, "refund too much", SHOP, "read")["failure"]["code"] == (
        "amount-exceeds-payment"
    )


def test_the_payer_s_side_sees_all_of_it(system: QuerySystem, book: EveryPayment) -> None:
    for user in (ANN, DAN, EVE):
        found = payment(system, book, "waits for one more", user, "payments")
        assert found["reference"] == "R waits for one more"
        assert found["metadata"] == {"name": "waits for one more"}
        assert found["approval"] == {"requested_by": ANN, "approved_by": [BEN], "required": 2}
    rejected = payment(system, book, "rejected", DAN, "read")
    assert rejected["failure"]["code"] == "approval-rejected"
    done = payment(system, book, "split approved", DAN, "read")["approval"]
    assert done == {"requested_by": DAN, "approved_by": [ANN, BEN], "required": 2}


def test_what_gave_money_back_names_the_first_payment(
    system: QuerySystem, book: EveryPayment
) -> None:
    for name, first in (("second refund", "refunded"), ("reversal", "reversed")):
        for user in (ANN, SHOP):
            found = payment(system, book, name, user, "read")
            assert found["original_payment_id"] == book.payments[first]


@pytest.mark.parametrize("caller", [(ANN, "read"), (SHOP, "read"), AUDITOR])
def test_filters_choose_among_all(
    system: QuerySystem, book: EveryPayment, caller: tuple[str, str]
) -> None:
    every = system.pages("/v1/payments", *caller)
    for status in PaymentStatus.__args__:  # type: ignore[attr-defined]  # a Literal's own words
        chosen = [item for item in every if item["status"] == status]
        assert system.pages("/v1/payments", *caller, status=status, limit=2) == chosen
    for kind in PaymentKind.__args__:  # type: ignore[attr-defined]  # a Literal's own words
        chosen = [item for item in every if item["kind"] == kind]
        assert system.pages("/v1/payments", *caller, kind=kind, limit=3) == chosen
    both = [i for i in every if (i["kind"], i["status"]) == ("hold", "authorized")]
    assert system.pages("/v1/payments", *caller, kind="hold", status="authorized") == both
    assert len(both) >= 2


@pytest.mark.parametrize("user", [ANN, SHOP])
def test_with_very_many_wallets_they_are_found_in_another_way(
    system: QuerySystem, book: EveryPayment, user: str
) -> None:
    before = system.pages("/v1/payments", user, "read")
    for _ in range(MANY):
        system.writer.open(owner=user)
    system.follow()
    assert system.pages("/v1/payments", user, "read", limit=7) == before
    assert len(before) > 20
