"""What the query API answers on each route, and what of it each caller sees."""

from datetime import UTC, datetime

import pytest

from tests.query_book import ALICE, BOB, CAROL, Book, write_book
from tests.query_system import QuerySystem


@pytest.fixture(scope="module")
def book(system: QuerySystem) -> Book:
    return write_book(system)


def test_a_wallet(system: QuerySystem, book: Book) -> None:
    response = system.ask(f"/v1/wallets/{book.alice}", ALICE, "read")
    wallet = response.json()
    created_at = wallet.pop("created_at")
    assert datetime.fromisoformat(created_at).tzinfo == UTC
    assert wallet == {
        "wallet_id": book.alice,
        "name": "Everyday",
        "kind": "personal",
        "currency": "EUR",
        "reference": "DE-1",
        "status": "open",
        "overdraft_limit": "0.00",
        "role": "owner",
        "posted": "37.66",
        "held": "0.00",
        "available": "37.66",
    }
    assert response.headers["ledger-position"] == str(system.head())


def test_what_does_not_apply_is_left_out(system: QuerySystem, book: Book) -> None:
    """An operator has no role in a wallet, and only a system wallet has a class."""
    till = system.found(f"/v1/wallets/{book.till}", "usr_operator", "operate")
    assert "role" not in till
    assert "reference" not in till
    assert till["class"] == "asset"
    assert till["overdraft_limit"] == "unlimited"
    assert till["posted"] == "-100.00"
    savings = system.found(f"/v1/wallets/{book.savings}", ALICE, "read")
    assert "class" not in savings
    assert savings["overdraft_limit"] == "500.00"


def test_money_has_its_currency_s_digits(system: QuerySystem, book: Book) -> None:
    wallet = system.found(f"/v1/wallets/{book.carol}", CAROL, "read")
    assert (wallet["currency"], wallet["posted"], wallet["overdraft_limit"]) == ("JPY", "0", "0")


@pytest.mark.parametrize(
    ("caller", "query", "expected"),
    [
        ((ALICE, "read"), {}, ["savings", "alice"]),
        ((ALICE, "wallets"), {"kind": "shared"}, ["savings"]),
        ((ALICE, "read"), {"kind": "system"}, []),
        ((ALICE, "read"), {"reference": "DE-1"}, ["alice"]),
        ((ALICE, "read"), {"reference": "DE-1", "kind": "shared"}, []),
        ((ALICE, "read"), {"reference": ""}, []),
        ((BOB, "read"), {}, ["bob"]),
        (("usr_nobody", "read"), {}, []),
        (("usr_auditor", "audit"), {}, ["carol", "bob", "savings", "alice", "till"]),
        (("usr_operator", "operate"), {"kind": "system"}, ["till"]),
        (("usr_operator", "operate"), {"reference": "DE-1"}, ["bob", "alice"]),
    ],
)
def test_the_wallets_of_a_caller(
    system: QuerySystem,
    book: Book,
    caller: tuple[str, str],
    query: dict[str, str],
    expected: list[str],
) -> None:
    items = system.found("/v1/wallets", *caller, **query)["items"]
    assert [item["wallet_id"] for item in items] == [getattr(book, name) for name in expected]


def test_a_wallet_in_a_list_is_the_wallet(system: QuerySystem, book: Book) -> None:
    for item in system.found("/v1/wallets", ALICE, "read")["items"]:
        assert item == system.found(f"/v1/wallets/{item['wallet_id']}", ALICE, "read")


def test_entries(system: QuerySystem, book: Book) -> None:
    entries = system.found(f"/v1/wallets/{book.alice}/entries", ALICE, "read")["items"]
    assert [
        (e["direction"], e["amount"], e["balance_after"], e["counterparty"], e["payment_id"])
        for e in entries
    ] == [
        ("debit", "50.00", "37.66", book.savings, book.saved),
        ("debit", "12.34", "87.66", book.bob, book.lunch),
        ("credit", "100.00", "100.00", book.till, book.paid_in),
    ]
    assert [e.get("description") for e in entries] == [None, "Lunch", None]
    stored = system.found("/v1/audit/events", wallet_id=book.alice)["items"]
    by_id = {event["event_id"]: event for event in stored}
    for entry in entries:
        event = by_id[entry["entry_id"]]
        assert entry["position"] == event["position"]
        assert entry["recorded_at"] == event["recorded_at"]
        assert entry["effective_at"] == event["data"]["effective_at"]


@pytest.mark.parametrize(("direction", "count"), [("debit", 2), ("credit", 1)])
def test_entries_of_one_direction(
    system: QuerySystem, book: Book, direction: str, count: int
) -> None:
    path = f"/v1/wallets/{book.alice}/entries"
    entries = system.found(path, ALICE, "read", direction=direction)["items"]
    assert [entry["direction"] for entry in entries] == [direction] * count


def test_the_payer_sees_all(system: QuerySystem, book: Book) -> None:
    payment = system.found(f"/v1/payments/{book.lunch}", ALICE, "read")
    leg = {
        "source_wallet_id": book.alice,
        "destination_wallet_id": book.bob,
        "amount": "12.34",
        "currency": "EUR",
    }
    assert payment["legs"] == [leg]
    (step,) = payment["timeline"]
    assert step["status"] == "completed"
    assert step["recorded_at"] == payment["created_at"]
    del payment["legs"], payment["timeline"], payment["created_at"]
    assert payment == {
        "payment_id": book.lunch,
        "kind": "transfer",
        "status": "completed",
        **leg,
        "refunded": "0.00",
        "refundable": "12.34",
        "description": "Lunch",
        "reference": "R-1",
        "metadata": {"order": "4711"},
    }


def test_the_payee_sees_what_is_theirs(system: QuerySystem, book: Book) -> None:
    payer = system.found(f"/v1/payments/{book.lunch}", ALICE, "payments")
    payee = system.found(f"/v1/payments/{book.lunch}", BOB, "payments")
    assert payer.keys() - payee.keys() == {"reference", "metadata"}
    assert payee == {name: payer[name] for name in payee}


def test_a_declined_payment_is_the_payer_s(system: QuerySystem, book: Book) -> None:
    payment = system.found(f"/v1/payments/{book.declined}", ALICE, "read")
    assert payment["status"] == "declined"
    assert payment["failure"] == {
        "code": "insufficient-funds",
        "reason": "The wallet has not enough available.",
    }
    assert payment["timeline"][0]["status"] == "declined"
    assert system.ask(f"/v1/payments/{book.declined}", BOB, "read").status_code == 404


@pytest.mark.parametrize(
    ("caller", "query", "expected"),
    [
        ((ALICE, "read"), {}, ["declined", "saved", "lunch", "paid_in"]),
        ((ALICE, "read"), {"status": "declined"}, ["declined"]),
        ((ALICE, "read"), {"status": "completed"}, ["saved", "lunch", "paid_in"]),
        ((ALICE, "read"), {"status": "parked"}, []),
        ((ALICE, "read"), {"kind": "transfer"}, ["declined", "saved", "lunch", "paid_in"]),
        ((ALICE, "read"), {"kind": "hold"}, []),
        ((BOB, "payments"), {}, ["lunch"]),
        ((BOB, "payments"), {"status": "declined"}, []),
        ((CAROL, "read"), {}, []),
        (("usr_auditor", "audit"), {}, ["declined", "saved", "lunch", "paid_in"]),
        (("usr_auditor", "audit"), {"status": "declined"}, ["declined"]),
        (("usr_operator", "operate"), {"kind": "hold"}, []),
    ],
)
def test_the_payments_of_a_caller(
    system: QuerySystem,
    book: Book,
    caller: tuple[str, str],
    query: dict[str, str],
    expected: list[str],
) -> None:
    items = system.found("/v1/payments", *caller, **query)["items"]
    assert [item["payment_id"] for item in items] == [getattr(book, name) for name in expected]


@pytest.mark.parametrize("caller", [(ALICE, "read"), (BOB, "read"), ("usr_auditor", "audit")])
def test_a_payment_in_a_list_is_the_payment(
    system: QuerySystem, book: Book, caller: tuple[str, str]
) -> None:
    for item in system.found("/v1/payments", *caller)["items"]:
        payment = system.found(f"/v1/payments/{item['payment_id']}", *caller)
        assert item == {name: payment[name] for name in item}
        assert payment.keys() - item.keys() == {"legs", "timeline"}


def test_the_trial_balance(system: QuerySystem, book: Book) -> None:
    report = system.found("/v1/reports/trial-balance")
    euro, yen = report["items"]
    assert euro == {
        "currency": "EUR",
        "wallets": 4,
        "debits": "100.00",
        "credits": "100.00",
        "sum": "0.00",
    }
    assert yen == {"currency": "JPY", "wallets": 1, "debits": "0", "credits": "0", "sum": "0"}
    assert report["position"] == system.head()


def test_the_daily_report(system: QuerySystem, book: Book) -> None:
    (day,) = system.found("/v1/reports/daily", currency="EUR")["items"]
    assert day == {
        "date": day["date"],
        "currency": "EUR",
        "kind": "transfer",
        "count": 3,
        "volume": "162.34",
        "declined": 1,
    }
    same = system.found("/v1/reports/daily", from_=day["date"], to=day["date"])
    assert same["items"] == [day]
    assert system.found("/v1/reports/daily", from_="9000-01-01")["items"] == []
    assert system.found("/v1/reports/daily", to="1900-01-01")["items"] == []
    assert system.found("/v1/reports/daily", currency="JPY")["items"] == []
