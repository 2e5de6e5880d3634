"""A body is read strictly: what is wrong in it is named, and nothing wrong gets any further."""

import json
from typing import Any

import pytest

from tests.command_api import NOWHERE, CommandApi, refused, transfer

WALLET = {"name": "Everyday", "currency": "EUR"}
OTHER = "wal_1123456789ABCDEFGHJKMNPQRS"
TRANSFER = transfer(NOWHERE, OTHER, "1.00")
REASON = {"reason": "card lost"}
PATHS = {
    "wallet": ("/v1/wallets", WALLET),
    "transfer": ("/v1/transfers", TRANSFER),
    "freeze": (f"/v1/wallets/{NOWHERE}/freeze", REASON),
    "unfreeze": (f"/v1/wallets/{NOWHERE}/unfreeze", REASON),
    "close": (f"/v1/wallets/{NOWHERE}/close", REASON),
}
NASTY = ["\x00", "\n", "\t", "\r", "\x1b", "\x7f", "\x85", "\u202e", "\u202a", "\u2066", "\u2069"]
NO_AMOUNT = [
    "0",
    "0.00",
    "01",
    "1.",
    ".5",
    "+1",
    "-1",
    "1e3",
    "\uff11",
    "1.234",
    "1,00",
    " 1",
    "1 ",
    "",
    "NaN",
    "1" * 41,
    "10000000000000000.01",
    1,
    1.5,
    True,
    [],
    {},
    None,
]
WRONG: list[tuple[str, str, Any]] = [
    # which body, which field, what it holds
    *[("transfer", "amount", amount) for amount in NO_AMOUNT],
    *[("transfer", "currency", code) for code in ("EURO", "eur", "XXX", "", "€", 978, None)],
    *[("transfer", "description", f"a{nasty}b") for nasty in NASTY],
    *[("transfer", "reference", f"a{nasty}b") for nasty in NASTY[:3]],
    ("transfer", "source_wallet_id", "wal_x"),
    ("transfer", "source_wallet_id", NOWHERE.lower()),
    ("transfer", "source_wallet_id", NOWHERE.replace("wal_", "pay_")),
    ("transfer", "source_wallet_id", f"{NOWHERE} "),
    ("transfer", "source_wallet_id", f"{NOWHERE}\n"),
    ("transfer", "destination_wallet_id", "wal_8123456789ABCDEFGHJKMNPQRS"),
    ("transfer", "destination_wallet_id", 5),
    ("transfer", "description", "x" * 141),
    ("transfer", "description", 5),
    ("transfer", "reference", "x" * 65),
    ("transfer", "metadata", {f"k{number}": "v" for number in range(21)}),
    ("transfer", "metadata", {"k": 5}),
    ("transfer", "metadata", {"k": None}),
    ("transfer", "metadata", {"k": {"deep": "er"}}),
    ("transfer", "metadata", {"k": "a\x00b"}),
    ("transfer", "metadata", {"a\nb": "v"}),
    ("transfer", "metadata", []),
    ("transfer", "metadata", "text"),
    ("transfer", "dry_run", "true"),
    ("transfer", "dry_run", 1),
    *[("wallet", "name", name) for name in ("", "x" * 101, None, 5, *(f"a{n}" for n in NASTY))],
    ("wallet", "currency", "XAU"),
    ("wallet", "currency", "POINTZ"),
    ("wallet", "kind", "private"),
    ("wallet", "kind", 5),
    ("wallet", "reference", "x" * 65),
    ("wallet", "reference", "a\x00"),
    *[
        (action, "reason", reason)
        for action in ("freeze", "unfreeze", "close")
        for reason in (None, "", "x" * 141, 5, "a\u202eb")
    ],
]


@pytest.mark.parametrize(("which", "field", "held"), WRONG)
def test_a_wrong_field_is_named(command_api: CommandApi, which: str, field: str, held: Any) -> None:
    """422 `invalid-request` with a JSON pointer to the field, before any object is looked up."""
    path, body = PATHS[which]
    caller = command_api.caller("usr_bodies")
    problem = refused(caller.post(path, {**body, field: held}), 422, "invalid-request")
    assert problem["errors"][0]["pointer"].startswith(f"#/{field}")
    assert problem["errors"][0]["detail"]


@pytest.mark.parametrize(
    ("which", "field", "held"),
    [
        *[("wallet", "overdraft_limit", limit) for limit in ("-1", "1.001", "none", "", 5, "1e2")],
        ("wallet", "overdraft_limit", "10000000000000000.01"),
        ("wallet", "overdraft_limit", "Unlimited"),
        ("wallet", "class", "debt"),
        ("wallet", "class", "asset"),
        ("transfer", "effective_at", "yesterday"),
        ("transfer", "effective_at", "2026-02-30T00:00:00Z"),
        ("transfer", "effective_at", "2026-01-31"),
        ("transfer", "effective_at", 1769860800),
    ],
)
def test_a_wrong_field_of_operators_is_named_too(
    command_api: CommandApi, which: str, field: str, held: Any
) -> None:
    """A class is for system wallets only."""
    path, body = PATHS[which]
    caller = command_api.caller("usr_operator_bodies", "operate")
    problem = refused(caller.post(path, {**body, field: held}), 422, "invalid-request")
    assert problem["errors"][0]["pointer"] == f"#/{field}"


@pytest.mark.parametrize("which", PATHS)
def test_each_missing_and_each_unknown_field_is_named(command_api: CommandApi, which: str) -> None:
    """All faults of a body at once."""
    path, body = PATHS[which]
    caller = command_api.caller("usr_bodies")
    sent = {"unknown": 1, "a/b~c": 2, **dict(list(body.items())[1:])}
    problem = refused(caller.post(path, sent), 422, "invalid-request")
    pointers = {error["pointer"] for error in problem["errors"]}
    assert pointers == {f"#/{next(iter(body))}", "#/unknown", "#/a~1b~0c"}


@pytest.mark.parametrize("which", ["transfer", "freeze", "unfreeze", "close"])
@pytest.mark.parametrize("field", ["class", "overdraft_limit", "kind"])
def test_a_field_of_another_route_is_unknown_here(
    command_api: CommandApi, which: str, field: str
) -> None:
    """No scope would help: it is 422 for everybody, not 403."""
    path, body = PATHS[which]
    for scope in ("wallets payments", "operate"):
        caller = command_api.caller(f"usr_bodies_{scope[0]}", scope)
        problem = refused(caller.post(path, {**body, field: "system"}), 422, "invalid-request")
        assert problem["errors"] == [{"detail": "is not a known field", "pointer": f"#/{field}"}]


MALFORMED = [
    b"{",
    b"{]",
    b"nothing",
    b"{'name': 'A'}",
    b'{"name": "A",}',
    b'{"name": "A"} x',
    b'{"name": "A", "name": "A"}',
    b'{"name": "A", "name": "B"}',
    b'{"name": "A", "more": {"a": 1, "a": 2}}',
    b'{"name": NaN}',
    b'{"name": Infinity}',
    b'{"name": 1e999}',
    b'{"name": ' + b"9" * 5000 + b"}",
    b'{"name": "\xff"}',
    b'{"name": "\xed\xa0\x80"}',
    b'\xef\xbb\xbf{"name": "A"}',
    b'{"name": "a\x00b"}',
    b'{"name": "a\nb"}',
    json.dumps({"name": "A"}).encode("utf-16"),
    b'{"a":' * 5000 + b"1" + b"}" * 5000,
    b"[" * 100_000,
]


@pytest.mark.parametrize("content", MALFORMED, ids=range(len(MALFORMED)))
@pytest.mark.parametrize("path", ["/v1/wallets", "/v1/transfers", "/v1/transfers/batch"])
def test_what_does_not_parse_is_malformed_json(
    command_api: CommandApi, path: str, content: bytes
) -> None:
    """Duplicate keys at any depth, bytes that are no UTF-8, numbers and nesting past measure."""
    caller = command_api.caller("usr_bodies")
    refused(caller.post(path, content=content), 422, "malformed-json")


@pytest.mark.parametrize("content", [b"[]", b'"text"', b"5", b"null", b"true", b"", b"{}"])
@pytest.mark.parametrize("path", [path for path, _ in PATHS.values()])
def test_what_parses_but_is_wrong_is_an_invalid_request(
    command_api: CommandApi, path: str, content: bytes
) -> None:
    """An empty body where one is needed as well."""
    caller = command_api.caller("usr_bodies")
    refused(caller.post(path, content=content), 422, "invalid-request")


@pytest.mark.parametrize(
    "content",
    [
        b'{"name": "\\ud800", "currency": "EUR"}',
        b'{"name": "\\udc00\\ud800", "currency": "EUR"}',
        b'{"name": "A", "currency": "EUR", "\\ud800": 1}',
        b'{"name": "a\\u0000b", "currency": "EUR"}',
        b'{"name": "a\\u202eb", "currency": "EUR"}',
    ],
)
def test_escapes_hide_nothing(command_api: CommandApi, content: bytes) -> None:
    """Lone surrogates, NUL and overrides are refused however they are spelled."""
    caller = command_api.caller("usr_bodies")
    refused(caller.post("/v1/wallets", content=content), 422, "invalid-request")


@pytest.mark.parametrize(
    "media",
    [
        "text/plain",
        "application/x-www-form-urlencoded",
        "application/json-patch+json",
        "application/json; charset=latin-1",
        "application/json, text/plain",
        "multipart/form-data; boundary=x",
        "",
    ],
)
def test_what_is_not_json_is_not_taken(command_api: CommandApi, media: str) -> None:
    """415 by its name, even if the bytes would be JSON."""
    caller = command_api.caller("usr_bodies")
    response = caller.post("/v1/wallets", WALLET, headers={"Content-Type": media})
    refused(response, 415, "unsupported-media-type")


def test_a_compressed_body_is_not_taken(command_api: CommandApi) -> None:
    caller = command_api.caller("usr_bodies")
    headers = {"Content-Encoding": "gzip"}
    refused(caller.post("/v1/wallets", WALLET, headers=headers), 415, "unsupported-media-type")


@pytest.mark.parametrize(
    "media", ["application/json", "Application/JSON", 'application/json; charset="UTF-8"']
)
def test_json_is_taken_by_any_of_its_names(command_api: CommandApi, media: str) -> None:
    caller = command_api.caller()
    response = caller.post("/v1/wallets", WALLET, headers={"Content-Type": media})
    assert response.status_code == 201


def test_a_body_may_have_exactly_one_mebibyte(command_api: CommandApi) -> None:
    """One byte more is too large, with and without a length said beforehand."""
    caller = command_api.caller()
    exact = json.dumps(WALLET).encode().ljust(1024 * 1024)
    assert caller.post("/v1/wallets", content=exact).status_code == 201
    refused(caller.post("/v1/wallets", content=exact + b" "), 413, "body-too-large")
    headers = {"Idempotency-Key": "chunks", "Content-Type": "application/json"}
    chunks = (exact[:1000] for _ in range(1100))
    response = caller.client.post("/v1/wallets", content=chunks, headers=headers)
    refused(response, 413, "body-too-large")


def test_the_longest_texts_are_taken_and_shown_again(command_api: CommandApi) -> None:
    """Length counts characters, not bytes, and nothing is normalised on the way."""
    operator, anna = command_api.operator(), command_api.caller()
    name = "\U0001f985e\u0301" * 33 + "x"
    body = {"name": name, "currency": "EUR", "reference": "ü" * 64}
    opened = anna.post("/v1/wallets", body).json()
    assert (opened["name"], opened["reference"]) == (name, "ü" * 64)
    texts: dict[str, Any] = {
        "description": "\U0001f985" * 140,
        "reference": "\u00e9" * 64,
        "metadata": {f"ключ {number}": "значение" for number in range(20)},
    }
    paid = operator.paid(operator.bank(), opened["wallet_id"], "1", **texts)
    assert {field: paid[field] for field in texts} == texts


def test_null_is_as_if_absent(command_api: CommandApi) -> None:
    """For every optional field, and an operator's field needs no scope when it is null."""
    caller = command_api.caller()
    fields = dict.fromkeys(["kind", "class", "reference", "overdraft_limit"])
    opened = caller.post("/v1/wallets", {**WALLET, **fields})
    assert opened.status_code == 201
    assert opened.json()["kind"] == "personal"
    assert opened.json()["overdraft_limit"] == "0.00"
    assert "reference" not in opened.json()
    texts = dict.fromkeys(["description", "reference", "metadata", "effective_at", "dry_run"])
    wallet = opened.json()["wallet_id"]
    refused(caller.pay(wallet, wallet, "1", **texts), 422, "same-wallet")


def test_each_scale_is_shown_with_all_its_digits(command_api: CommandApi) -> None:
    """JPY none, EUR two, KWD three, an asset of the ledger's own none."""
    operator = command_api.operator()
    shown = {}
    for currency, amount in (("JPY", "5"), ("EUR", "5"), ("KWD", "0.001"), ("POINTS", "7")):
        banks = operator.bank(currency), operator.bank(currency)
        shown[currency] = operator.paid(*banks, amount, currency=currency)["amount"]
    assert shown == {"JPY": "5", "EUR": "5.00", "KWD": "0.001", "POINTS": "7"}


def test_the_largest_amount_passes(command_api: CommandApi) -> None:
    """10^18 minor units, exactly."""
    operator = command_api.operator()
    paid = operator.paid(operator.bank(), operator.bank(), "10000000000000000.00")
    assert paid["amount"] == "10000000000000000.00"
