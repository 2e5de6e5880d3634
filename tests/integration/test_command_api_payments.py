"""Payments of many legs over HTTP: legs, shares, fees and exchanges, none losing a minor unit."""

from typing import Any

import pytest

from tests.command_api import NOWHERE, Caller, CommandApi, Sides, refused

PATH, EXCHANGES = "/v1/payments", "/v1/exchanges"
OTHER = "wal_1123456789ABCDEFGHJKMNPQRS"


@pytest.fixture
def sides(command_api: CommandApi) -> Sides:
    return Sides.of(command_api)


def leg(payer: str, payee: str, amount: Any, currency: Any = "EUR") -> dict[str, Any]:
    return {
        "source_wallet_id": payer,
        "destination_wallet_id": payee,
        "amount": amount,
        "currency": currency,
    }


def part(payee: Any, parts: Any = None, **fields: Any) -> dict[str, Any]:
    """Return a share of so many parts per million, or what the fields say."""
    share = {"destination_wallet_id": payee, **fields}
    return share if parts is None else {**share, "parts_per_million": parts}


def dealt(payer: str, amount: Any, *shares: Any, **fields: Any) -> dict[str, Any]:
    return {
        "source_wallet_id": payer,
        "amount": amount,
        "currency": "EUR",
        "shares": list(shares),
        **fields,
    }


def made(caller: Caller, body: Any, path: str = PATH) -> Any:
    response = caller.post(path, body)
    assert response.status_code == 201, response.text
    assert response.headers["ledger-position"] == str(response.json()["position"])
    return response.json()


def pointers(response: Any) -> list[str]:
    problem = refused(response, 422, "invalid-request")
    return [error["pointer"] for error in problem["errors"]]


def amounts(payment: Any) -> list[str]:
    return [each["amount"] for each in payment["legs"]]


def test_a_payment_is_shown_with_all_its_legs(sides: Sides) -> None:
    """In their order, its amount being the sum of what its payers give."""
    texts: dict[str, Any] = {"description": "Trip", "reference": "T", "metadata": {"a": "b"}}
    legs = [leg(sides.full, sides.shop, "7"), leg(sides.full, sides.bank, "3.50")]
    payment = made(sides.anna, {"legs": legs, **texts})
    shown = {name: payment[name] for name in payment.keys() - {"created_at", "position"}}
    assert shown.pop("payment_id").startswith("pay_")
    assert shown == {
        "kind": "split",
        "status": "completed",
        "amount": "10.50",
        "currency": "EUR",
        "legs": [{**legs[0], "amount": "7.00"}, legs[1]],
        **texts,
    }
    assert sides.balances() == (8_950, 0, 700)


def test_each_leg_spends_what_the_ones_before_it_brought(sides: Sides) -> None:
    """In the order given: the same legs in another order take a wallet below its limit."""
    empty = sides.anna.open()
    legs = [leg(sides.full, empty, "60"), leg(empty, sides.shop, "60")]
    before = sides.api.head()
    problem = refused(sides.anna.post(PATH, {"legs": legs[::-1]}), 422, "insufficient-funds")
    assert problem["available"] == "0.00"
    assert problem["payment_id"].startswith("pay_")
    assert problem["position"] == before + 1 == sides.api.head()
    made(sides.anna, {"legs": legs})
    assert sides.balances() == (4_000, 0, 6_000)
    assert sides.api.posted(empty) == 0


def test_a_leg_that_cannot_be_paid_stops_them_all(sides: Sides) -> None:
    legs = [leg(sides.full, sides.shop, "60"), leg(sides.full, sides.bank, "40.01")]
    problem = refused(sides.anna.post(PATH, {"legs": legs}), 422, "insufficient-funds")
    assert problem["available"] == "40.00"
    assert sides.balances() == (10_000, 0, 0)


def test_every_payer_of_a_payment_is_ones_own(sides: Sides) -> None:
    """One strange source among them is not found; operators pay from any."""
    stranger = sides.api.caller().open()
    legs = [leg(sides.full, sides.shop, "1"), leg(stranger, sides.shop, "1")]
    refused(sides.anna.post(PATH, {"legs": legs}), 404, "wallet-not-found")
    refused(sides.operator.post(PATH, {"legs": legs}), 422, "insufficient-funds")
    legs[1]["source_wallet_id"] = NOWHERE
    refused(sides.operator.post(PATH, {"legs": legs}), 404, "wallet-not-found")
    refused(
        sides.anna.post(PATH, dealt(sides.full, "1", part(NOWHERE, remainder=True))),
        404,
        "wallet-not-found",
    )


def test_a_hundred_legs_are_one_payment_and_one_more_is_none(sides: Sides) -> None:
    legs = [leg(sides.full, sides.shop, "0.01")] * 101
    assert pointers(sides.anna.post(PATH, {"legs": legs})) == ["#/legs"]
    shares = [part(sides.shop, 10_000)] * 100
    more = dealt(sides.full, "1", *shares, part(sides.bank, remainder=True))
    assert pointers(sides.anna.post(PATH, more)) == ["#/shares"]
    before = sides.api.head()
    payment = made(sides.anna, {"legs": legs[:100]})
    assert (payment["amount"], len(payment["legs"])) == ("1.00", 100)
    assert payment["position"] == before + 201 == sides.api.head()
    assert amounts(made(sides.anna, dealt(sides.full, "1", *shares))) == ["0.01"] * 100
    fees = [{"wallet_id": sides.bank, "amount": "0.01"}]
    assert len(made(sides.anna, {"legs": legs[:100], "fees": fees})["legs"]) == 101


@pytest.mark.parametrize(
    ("amount", "parts", "shares"),
    [
        ("100", [333_333, 333_333, None], ["33.33", "33.33", "33.34"]),
        ("100", [None, 333_333, 333_333], ["33.34", "33.33", "33.33"]),
        ("100", [333_333, 333_333, 333_334], ["33.34", "33.33", "33.33"]),
        ("0.03", [400_000, 600_000], ["0.02", "0.01"]),
        ("0.03", [500_000, 500_000], ["0.02", "0.01"]),
        ("99.99", [1_000_000], ["99.99"]),
        ("99.99", [None], ["99.99"]),
        ("0.02", [999_999, None], ["0.01", "0.01"]),
    ],
)
def test_shares_are_rounded_down_and_the_rest_goes_to_one(
    sides: Sides, amount: str, parts: list[Any], shares: list[str]
) -> None:
    """To the remainder, and where there is none to the first."""
    given = [part(sides.shop, each, **({} if each else {"remainder": True})) for each in parts]
    assert amounts(made(sides.anna, dealt(sides.full, amount, *given))) == shares


@pytest.mark.parametrize(
    ("amount", "parts"),
    [
        ("1", [333_333, 333_333, 333_333]),
        ("1", [500_000, 500_001]),
        ("1", [1_000_000, None]),
        ("1", [600_000, 600_000, None]),
        ("1", [500_000, None, None]),
        ("1", [999_999]),
        ("0.01", [500_000, 500_000]),
        ("0.01", [500_000, None]),
        ("1", [1, None]),
        ("1", []),
    ],
)
def test_parts_that_make_no_whole_are_refused(sides: Sides, amount: str, parts: list[Any]) -> None:
    """More or less than a million, two remainders, or a share that comes to nothing."""
    before = sides.api.head()
    given = [part(sides.shop, each, **({} if each else {"remainder": True})) for each in parts]
    assert pointers(sides.anna.post(PATH, dealt(sides.full, amount, *given))) == ["#/shares"]
    assert sides.api.head() == before


@pytest.mark.parametrize(
    "share",
    [
        part(OTHER),
        part(OTHER, 0),
        part(OTHER, -1),
        part(OTHER, 1_000_001),
        part(OTHER, 500_000.0),
        part(OTHER, "500000"),
        part(OTHER, True),
        part(OTHER, 500_000, remainder=True),
        part(OTHER, remainder=False),
        part(OTHER, remainder="true"),
        part(OTHER, remainder=None),
        part(OTHER, 500_000, amount="1"),
        part("wal_x", 500_000),
        part(None, 500_000),
        {},
        None,
        "half",
    ],
)
def test_a_share_has_parts_or_is_the_remainder(sides: Sides, share: Any) -> None:
    (pointer,) = pointers(sides.anna.post(PATH, dealt(NOWHERE, "1", share)))[:1]
    assert pointer.startswith("#/shares/0")


@pytest.mark.parametrize("rest", [None, False])
def test_null_and_false_are_as_if_absent(sides: Sides, rest: Any) -> None:
    """In a share and beside it."""
    nothing = dict.fromkeys(("legs", "fees", "description", "metadata", "dry_run"))
    body = dealt(sides.full, "1", part(sides.shop, 1_000_000, remainder=rest), **nothing)
    assert amounts(made(sides.anna, body)) == ["1.00"]
    other = dict.fromkeys(("source_wallet_id", "amount", "currency", "shares"))
    made(sides.anna, {"legs": [leg(sides.full, sides.shop, "1")], "fees": [], **other})


def test_fees_go_on_top_from_the_same_source(sides: Sides) -> None:
    """In the same transaction, behind the legs."""
    fees = [{"wallet_id": sides.bank, "amount": amount} for amount in ("0.50", "0.25")]
    body = dealt(sides.full, "10", part(sides.shop, 1_000_000), fees=fees)
    payment = made(sides.anna, body)
    assert (payment["amount"], amounts(payment)) == ("10.75", ["10.00", "0.50", "0.25"])
    assert sides.balances() == (8_925, 0, 1_000)
    body = {"legs": [leg(sides.full, sides.shop, "89.24")], "fees": fees[:1]}
    problem = refused(sides.anna.post(PATH, body), 422, "insufficient-funds")
    assert problem["available"] == "0.01"
    assert sides.balances() == (8_925, 0, 1_000)


def test_fees_of_two_sources_are_nobodys(sides: Sides) -> None:
    legs = [leg(sides.full, sides.shop, "1"), leg(sides.anna.open(), sides.shop, "1")]
    fees = [{"wallet_id": sides.bank, "amount": "1"}]
    assert pointers(sides.anna.post(PATH, {"legs": legs, "fees": fees})) == ["#/fees"]


GOOD = leg(NOWHERE, OTHER, "1")
HALF = part(OTHER, 1_000_000)


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({}, "#"),
        ({"legs": []}, "#/legs"),
        ({"legs": {}}, "#/legs"),
        ({"legs": [GOOD], **dealt(NOWHERE, "1", HALF)}, "#"),
        ({"legs": [GOOD], "amount": "1"}, "#"),
        ({"source_wallet_id": NOWHERE, "amount": "1", "currency": "EUR"}, "#"),
        ({"shares": [HALF]}, "#"),
        ({"legs": [GOOD, {**GOOD, "amount": "0"}]}, "#/legs/1/amount"),
        ({"legs": [GOOD, {**GOOD, "amount": "1.234"}]}, "#/legs/1/amount"),
        ({"legs": [GOOD, {**GOOD, "amount": 1}]}, "#/legs/1/amount"),
        ({"legs": [GOOD, {**GOOD, "currency": "USD"}]}, "#/legs/1/currency"),
        ({"legs": [{**GOOD, "currency": "XXX"}]}, "#/legs/0/currency"),
        ({"legs": [{**GOOD, "source_wallet_id": "wal_x"}]}, "#/legs/0/source_wallet_id"),
        ({"legs": [{**GOOD, "memo": "x"}]}, "#/legs/0/memo"),
        ({"legs": [GOOD], "kind": "split"}, "#/kind"),
        ({"legs": [leg(NOWHERE, OTHER, "9000000000000000")] * 2}, "#/legs"),
        (dealt(NOWHERE, "0", HALF), "#/amount"),
        (dealt(NOWHERE, "1.234", HALF), "#/amount"),
        (dealt(NOWHERE, "1", HALF, currency="XXX"), "#/currency"),
        ({"legs": [GOOD], "fees": [{"wallet_id": OTHER, "amount": "0"}]}, "#/fees/0/amount"),
        ({"legs": [GOOD], "fees": [{"wallet_id": OTHER, "amount": "1.001"}]}, "#/fees/0/amount"),
        ({"legs": [GOOD], "fees": [{"wallet_id": "x", "amount": "1"}]}, "#/fees/0/wallet_id"),
        ({"legs": [GOOD], "fees": [{"amount": "1"}]}, "#/fees/0/wallet_id"),
        ({"legs": [GOOD], "fees": [{"wallet_id": OTHER, "amount": "1"}] * 101}, "#/fees"),
        ({"legs": [GOOD], "description": "x" * 141}, "#/description"),
        ({"legs": [GOOD], "expires_in": 60}, "#/expires_in"),
    ],
)
def test_what_is_wrong_in_a_payment_is_told_by_its_pointer(
    sides: Sides, body: Any, pointer: str
) -> None:
    """Before any wallet is looked for."""
    assert pointers(sides.anna.post(PATH, body)) == [pointer]


@pytest.mark.parametrize(
    ("legs", "code"),
    [
        ([("full", "full")], "same-wallet"),
        ([("full", "shop"), ("full", "full")], "same-wallet"),
        ([("full", "yen")], "currency-mismatch"),
        ([("full", "closed")], "payee-unavailable"),
    ],
)
def test_a_leg_is_refused_as_a_transfer_is(
    sides: Sides, legs: list[tuple[str, str]], code: str
) -> None:
    wallets = {"full": sides.full, "shop": sides.shop, "yen": sides.anna.open(currency="JPY")}
    wallets["closed"] = sides.ben.open()
    sides.ben.act(wallets["closed"], "close")
    body = {"legs": [leg(wallets[payer], wallets[payee], "1") for payer, payee in legs]}
    problem = refused(sides.anna.post(PATH, body), 422, code)
    assert problem["payment_id"].startswith("pay_")
    assert sides.balances() == (10_000, 0, 0)
