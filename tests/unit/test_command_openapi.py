"""The OpenAPI document of the commands says what is taken and answered, by its own schemas."""

import re
from typing import Any

import jsonschema
import pytest
from fastapi import FastAPI

from interfaces.command_api.batches import BATCH
from interfaces.command_api.follow_ups import FOLLOW_UPS
from interfaces.command_api.openapi import document_commands
from interfaces.command_api.routes import BEGINNINGS

EXAMPLE = {
    "source_wallet_id": "wal_4ZK7QX2M9T8B3C5D6E7F8G9H0J",
    "destination_wallet_id": "wal_1B2C3D4E5F6G7H8J9K0M1N2P3Q",
    "amount": "12.34",
    "currency": "EUR",
    "idempotency_key": "salary-1",
}


def _document() -> dict[str, Any]:
    app = FastAPI(title="t")
    document_commands(app)
    return app.openapi()


DOCUMENT = _document()


def _fits(value: object, schema: dict[str, Any]) -> bool:
    whole = {**schema, "components": DOCUMENT["components"]}
    return bool(jsonschema.Draft202012Validator(whole).is_valid(value))


CONTENTS = [
    (f"{path} {where}", media)
    for path, operations in DOCUMENT["paths"].items()
    for operation in operations.values()
    for where, part in [
        ("request", operation.get("requestBody", {"content": {}})),
        *operation["responses"].items(),
    ]
    for media in part["content"].values()
]


@pytest.mark.parametrize(
    ("where", "media"), [each for each in CONTENTS if "example" in each[1]], ids=str
)
def test_every_example_fits_its_schema(where: str, media: dict[str, Any]) -> None:
    """What the reference page shows can be sent, and is what will be answered."""
    assert _fits(media["example"], media["schema"]), where


def test_every_body_and_every_good_answer_has_a_schema() -> None:
    assert all(media["schema"]["$ref"].startswith("#/components/schemas/") for _, media in CONTENTS)


@pytest.mark.parametrize("item", [EXAMPLE, {**EXAMPLE, "amount": "0"}, {}, None, "text", 5])
def test_a_batch_with_any_item_fits(item: object) -> None:
    """An item that is wrong has its own result, so the request that holds it is no wrong one."""
    schema = {"$ref": "#/components/schemas/BatchBody"}
    assert _fits({"mode": "independent", "transfers": [item]}, schema)


@pytest.mark.parametrize(
    "body",
    [
        {"mode": "independent", "transfers": []},
        {"mode": "independent", "transfers": [EXAMPLE] * 1001},
        {"mode": "both", "transfers": [EXAMPLE]},
        {"transfers": [EXAMPLE]},
        {"mode": "atomic", "transfers": [EXAMPLE], "more": 1},
    ],
)
def test_an_envelope_that_is_wrong_does_not_fit(body: object) -> None:
    assert not _fits(body, {"$ref": "#/components/schemas/BatchBody"})


def _operations() -> dict[tuple[str, str], dict[str, Any]]:
    return {
        (method.upper(), path): operation
        for path, operations in DOCUMENT["paths"].items()
        for method, operation in operations.items()
    }


def test_every_route_is_described_and_no_other() -> None:
    """The document is made from the tables that the routes come from, so none can be forgotten."""
    tables = [*BEGINNINGS.values(), BATCH]
    begun = {("POST", each.path) for each in tables}
    assert set(_operations()) == begun | {(each.method, each.path) for each in FOLLOW_UPS}
    assert len(_operations()) == len(tables) + len(FOLLOW_UPS) == 30


def test_every_operation_has_a_name_of_its_own() -> None:
    names = [operation["operationId"] for operation in _operations().values()]
    assert len(set(names)) == len(names)
    assert all(re.fullmatch("[a-z_]+", name) for name in names)


def test_every_good_answer_has_an_example_but_dry_runs() -> None:
    """Also every body has one."""
    for (method, path), operation in _operations().items():
        good = [status for status in operation["responses"] if status < "300"]
        media = operation["responses"][max(good)]["content"]["application/json"]
        assert "example" in media, path
        if method != "DELETE":
            assert "example" in operation["requestBody"]["content"]["application/json"], path


def test_a_key_is_asked_for_where_the_contract_asks_for_one() -> None:
    """Every POST has one, which dry runs need not; PUT, DELETE and batches take none."""
    asked = {}
    for (method, path), operation in _operations().items():
        keys = [each for each in operation["parameters"] if each["in"] == "header"]
        assert all(each["name"] == "Idempotency-Key" for each in keys)
        asked[method, path] = keys[0]["required"] if keys else None
    free = {("POST", "/v1/transfers"), ("POST", "/v1/holds"), ("POST", "/v1/payments")}
    none = {("POST", "/v1/transfers/batch")} | {each for each in asked if each[0] != "POST"}
    assert {each for each, required in asked.items() if required is None} == none
    assert {each for each, required in asked.items() if required is False} == free


@pytest.mark.parametrize(
    ("path", "required"),
    [
        ("/v1/holds/{payment_id}/capture", False),
        ("/v1/holds/{payment_id}/release", False),
        ("/v1/holds/{payment_id}/increase", True),
        ("/v1/payments/{payment_id}/refund", False),
        ("/v1/payments/{payment_id}/reverse", True),
        ("/v1/payments/{payment_id}/approve", False),
        ("/v1/payments", True),
    ],
)
def test_a_body_may_be_empty_where_every_field_is_optional(path: str, required: bool) -> None:
    assert DOCUMENT["paths"][path]["post"]["requestBody"]["required"] is required


SHARE = {"destination_wallet_id": EXAMPLE["destination_wallet_id"], "remainder": True}
DEALT = {"source_wallet_id": EXAMPLE["source_wallet_id"], "amount": "1", "currency": "EUR"}


@pytest.mark.parametrize(
    ("body", "fits"),
    [
        ({**DEALT, "shares": [SHARE]}, True),
        ({"legs": [{k: v for k, v in EXAMPLE.items() if k != "idempotency_key"}]}, True),
        ({"legs": []}, False),
        ({**DEALT, "shares": []}, False),
        (DEALT, False),
        ({}, False),
        ({**DEALT, "shares": [SHARE], "legs": [EXAMPLE]}, False),
    ],
)
def test_a_payment_has_legs_or_shares(body: object, fits: bool) -> None:
    assert _fits(body, {"$ref": "#/components/schemas/PaymentBody"}) is fits
