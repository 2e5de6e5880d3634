"""The OpenAPI document of the commands says what is taken and answered, by its own schemas."""

from typing import Any

import jsonschema
import pytest
from fastapi import FastAPI

from interfaces.command_api.openapi import document_commands

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
    for where, part in [("request", operation["requestBody"]), *operation["responses"].items()]
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
