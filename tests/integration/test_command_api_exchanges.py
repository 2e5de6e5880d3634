"""Exchanges over HTTP: money of one currency for another's, at a rate that is a fraction."""

from dataclasses import dataclass
from typing import Any

import pytest

from tests.command_api import NOWHERE, Caller, CommandApi, refused

PATH = "/v1/exchanges"
OTHER = "wal_1123456789ABCDEFGHJKMNPQRS"


@dataclass
class Desk:
    """An operator's exchange office of two currencies, and somebody with 100 in the first."""

    api: CommandApi
    operator: Caller
    source: str
    destination: str
    through: list[str]

    @classmethod
    def of(cls, api: CommandApi, given: str = "EUR", got: str = "USD") -> "Desk":
        operator, anna = api.operator(), api.caller()
        bank = operator.bank(given)
        desk = cls(
            api,
            operator,
            anna.open(currency=given),
            anna.open(currency=got),
            [bank, operator.bank(got)],
        )
        operator.paid(bank, desk.source, "100", currency=given)
        return desk

    def body(self, amount: Any, numerator: Any, denominator: Any, **fields: Any) -> dict[str, Any]:
        return {
            "source_wallet_id": self.source,
            "destination_wallet_id": self.destination,
            "amount": amount,
            "rate": {"numerator": numerator, "denominator": denominator},
            "through": self.through,
            **fields,
        }

    def ask(self, amount: Any, numerator: Any, denominator: Any, **fields: Any) -> Any:
        return self.operator.post(PATH, self.body(amount, numerator, denominator, **fields))


@pytest.fixture
def desk(command_api: CommandApi) -> Desk:
    return Desk.of(command_api)


def pointers(response: Any) -> list[str]:
    problem = refused(response, 422, "invalid-request")
    return [error["pointer"] for error in problem["errors"]]


def test_an_exchange_is_two_legs_through_two_wallets_of_the_system(desk: Desk) -> None:
    response = desk.ask("50", "10851", "10000")
    assert response.status_code == 201, response.text
    payment = response.json()
    assert response.headers["ledger-position"] == str(payment["position"])
    shown = {name: payment[name] for name in payment.keys() - {"created_at", "position"}}
    assert shown.pop("payment_id").startswith("pay_")
    assert shown == {
        "kind": "exchange",
        "status": "completed",
        "amount": "50.00",
        "currency": "EUR",
        "legs": [
            {
                "source_wallet_id": desk.source,
                "destination_wallet_id": desk.through[0],
                "amount": "50.00",
                "currency": "EUR",
            },
            {
                "source_wallet_id": desk.through[1],
                "destination_wallet_id": desk.destination,
                "amount": "54.25",
                "currency": "USD",
            },
        ],
    }
    assert desk.api.posted(desk.source) == 5_000
    assert desk.api.posted(desk.destination) == 5_425


@pytest.mark.parametrize(
    ("given", "got", "amount", "rate", "worth"),
    [
        ("EUR", "JPY", "0.01", ("16399", "100"), "1"),
        ("EUR", "JPY", "1", ("16399", "100"), "163"),
        ("JPY", "EUR", "100", ("100", "16399"), "0.60"),
        ("JPY", "KWD", "1", ("2", "1000"), "0.002"),
        ("EUR", "USD", "1", ("999999999999999999", "999999999999999999"), "1.00"),
        ("EUR", "USD", "0.03", ("1", "3"), "0.01"),
        ("EUR", "USD", "0.02", ("99999999999999999", "100000000000000000"), "0.01"),
    ],
)
def test_a_rate_is_of_whole_units_and_rounds_down(
    command_api: CommandApi, given: str, got: str, amount: str, rate: tuple[str, str], worth: str
) -> None:
    """Whatever minor digits the two currencies have; exact, since no float is in it."""
    response = Desk.of(command_api, given, got).ask(amount, *rate)
    assert response.status_code == 201, response.text
    assert response.json()["legs"][1]["amount"] == worth


@pytest.mark.parametrize(
    ("amount", "rate"),
    [
        ("0.01", ("1", "2")),
        ("0", ("1", "1")),
        ("1.234", ("1", "1")),
        ("100", ("999999999999999999", "1")),
        ("10000000000000000.01", ("1", "1")),
        (1, ("1", "1")),
        (None, ("1", "1")),
    ],
)
def test_an_amount_that_comes_to_nothing_or_too_much(
    desk: Desk, amount: Any, rate: tuple[str, str]
) -> None:
    """Zero after rounding, above 10^18 minor units after changing, or no amount to begin with."""
    before = desk.api.head()
    assert pointers(desk.ask(amount, *rate)) == ["#/amount"]
    assert desk.api.head() == before


@pytest.mark.parametrize("name", ["numerator", "denominator"])
@pytest.mark.parametrize(
    "value",
    [
        *("0", "-1", "+1", "01", "1.5", "1e3", "", " 1", "1\n", "\uff11", "1" * 19),
        *(1, 1.5, True, None, []),
    ],
)
def test_a_rate_is_two_whole_numbers_above_zero_as_strings(
    desk: Desk, name: str, value: Any
) -> None:
    rate = {"numerator": "1", "denominator": "1", name: value}
    assert pointers(desk.ask("1", "", "", rate=rate)) == [f"#/rate/{name}"]


@pytest.mark.parametrize(
    ("fields", "pointer"),
    [
        ({"through": []}, "#/through"),
        ({"through": [NOWHERE]}, "#/through"),
        ({"through": [NOWHERE] * 3}, "#/through"),
        ({"through": [NOWHERE, "wal_x"]}, "#/through/1"),
        ({"through": NOWHERE}, "#/through"),
        ({"rate": "1.5"}, "#/rate"),
        ({"rate": {"numerator": "1"}}, "#/rate/denominator"),
        ({"rate": {"numerator": "1", "denominator": "1", "x": "1"}}, "#/rate/x"),
        ({"currency": "EUR"}, "#/currency"),
        ({"source_wallet_id": NOWHERE, "amount": "0.000"}, "#/amount"),
        ({"dry_run": True}, "#/dry_run"),
        ({"source_wallet_id": "wal_x"}, "#/source_wallet_id"),
    ],
)
def test_an_exchange_has_these_fields_in_this_shape(
    desk: Desk, fields: dict[str, Any], pointer: str
) -> None:
    body = {**desk.body("1", "1", "1"), **fields}
    assert pointers(desk.operator.post(PATH, body)) == [pointer]


def test_what_it_goes_through_belongs_to_the_system(desk: Desk) -> None:
    """Told by its place; of a wallet that there is not, 404."""
    for place, wallet in ((0, desk.source), (1, desk.destination)):
        through = list(desk.through)
        through[place] = wallet
        assert pointers(desk.ask("1", "1", "1", through=through)) == [f"#/through/{place}"]
        through[place] = NOWHERE
        refused(desk.ask("1", "1", "1", through=through), 404, "wallet-not-found")
    for name in ("source_wallet_id", "destination_wallet_id"):
        refused(desk.ask("1", "1", "1", **{name: OTHER}), 404, "wallet-not-found")


def test_the_sources_currency_comes_first(desk: Desk) -> None:
    response = desk.ask("1", "1", "1", through=desk.through[::-1])
    problem = refused(response, 422, "currency-mismatch")
    assert problem["payment_id"].startswith("pay_")


def test_whoever_is_short_stops_an_exchange(desk: Desk) -> None:
    """What the payer has is told; a wallet of the system has it in another currency, untold."""
    problem = refused(desk.ask("100.01", "1", "1"), 422, "insufficient-funds")
    assert problem["available"] == "100.00"
    yen = Desk.of(desk.api, "EUR", "JPY")
    yen.through[1] = yen.operator.open(kind="system", currency="JPY", overdraft_limit="0")
    yen.operator.paid(yen.operator.bank("JPY"), yen.through[1], "50", currency="JPY")
    problem = refused(yen.ask("1", "160", "1"), 422, "insufficient-funds")
    assert "available" not in problem
    assert yen.api.posted(yen.source) == 10_000


def test_people_exchange_nothing(desk: Desk) -> None:
    response = desk.api.caller().post(PATH, desk.body("1", "1", "1"))
    refused(response, 403, "scope-missing")


def test_an_exchange_counts_against_no_limit_and_is_not_refunded(desk: Desk) -> None:
    """It is undone by its reversal."""
    payment = desk.ask("50", "2", "1").json()["payment_id"]
    refused(desk.operator.on(payment, "refund"), 422, "not-refundable")
    reversal = desk.operator.on(payment, "reverse", {"reason": "x"})
    assert reversal.status_code == 201, reversal.text
    assert desk.api.posted(desk.source) == 10_000
    assert desk.api.posted(desk.destination) == 0
