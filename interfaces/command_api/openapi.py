"""The OpenAPI 3.1 document of the commands, made from the bodies that they validate with."""

from collections.abc import Mapping
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from interfaces.command_api.bodies import (
    BatchBody,
    OpenWalletBody,
    ReasonBody,
    TransferBody,
    TransferItem,
)
from interfaces.command_api.openapi_schemas import (
    EXAMPLES,
    HEADERS,
    PROBLEM,
    RESULT,
    RESULTS,
    SECURITY,
    TRANSFER,
    WALLET,
)

REF = "#/components/schemas/"
Schema = dict[str, Any]

_PROBLEMS = {
    "400": "The request breaks a rule of HTTP, or the idempotency key is missing.",
    "401": "There is no valid token.",
    "403": "The token lacks a scope, or the caller's role does not allow this.",
    "404": "An object does not exist, or is not the caller's.",
    "409": "The same request is still running.",
    "413": "The body is larger than 1 MiB.",
    "415": "The body is not `application/json`.",
    "422": "The body is not as it should be, or the ledger refuses.",
    "500": "The service failed; it is safe to send the same request again.",
    "503": "The service cannot answer now; send the same request again later.",
}

_KEY = {
    "name": "Idempotency-Key",
    "in": "header",
    "description": "1 to 255 visible ASCII characters, one for each command of the caller; the"
    " same request with the same key gets the first answer again.",
    "schema": {"type": "string", "pattern": "^[!-~]{1,255}$"},
    "example": "order-4711",
}


def document_commands(app: FastAPI) -> None:
    """Let the application serve the whole document at `/openapi.json`."""

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            document = get_openapi(
                title=app.title,
                version=app.version,
                description=app.description,
                openapi_version="3.1.0",
                routes=app.routes,
            )
            document["paths"] = {**_paths(), **document.get("paths", {})}
            document["components"] = _components()
            app.openapi_schema = document
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign]  # FastAPI's documented way


def _paths() -> Schema:
    paths = {
        "/v1/transfers": _operation(
            "Transfer money",
            TransferBody,
            {"200": "Transfer", "201": "Transfer"},
            key_required=False,
        ),
        "/v1/transfers/batch": _operation(
            "Transfer money many times", BatchBody, {"200": "Results"}, key=False
        ),
        "/v1/wallets": _operation("Open a wallet", OpenWalletBody, {"201": "Wallet"}),
    }
    for action in ("freeze", "unfreeze", "close"):
        operation = _operation(f"{action.capitalize()} a wallet", ReasonBody, {"200": "Wallet"})
        operation["post"]["parameters"].append(
            {
                "name": "wallet_id",
                "in": "path",
                "required": True,
                "schema": {"type": "string"},
                "example": EXAMPLES["Wallet"]["wallet_id"],
            }
        )
        paths[f"/v1/wallets/{{wallet_id}}/{action}"] = operation
    return paths


def _operation(
    summary: str,
    body: type[BaseModel],
    answers: Mapping[str, str],
    *,
    key: bool = True,
    key_required: bool = True,
) -> Schema:
    name = body.__name__
    content: Schema = {"schema": {"$ref": REF + name}}
    if name in EXAMPLES:
        content["example"] = EXAMPLES[name]
    return {
        "post": {
            "summary": summary,
            "operationId": summary.lower().replace(" ", "_"),
            "parameters": [{**_KEY, "required": key_required}] if key else [],
            "requestBody": {
                "required": True,
                "content": {"application/json": content},
            },
            "responses": {
                **{status: _answer(schema) for status, schema in answers.items()},
                **{status: _problem(text) for status, text in _PROBLEMS.items()},
            },
            "security": [{"token": []}],
        }
    }


def _answer(schema: str) -> Schema:
    content: Schema = {"schema": {"$ref": REF + schema}}
    if schema in EXAMPLES:
        content["example"] = EXAMPLES[schema]
    return {
        "description": "Done." if schema != "Results" else "Each transfer's own result, in order.",
        "headers": HEADERS,
        "content": {"application/json": content},
    }


def _problem(text: str) -> Schema:
    schema = {"$ref": REF + "Problem"}
    return {"description": text, "content": {"application/problem+json": {"schema": schema}}}


def _components() -> Schema:
    models: list[type[BaseModel]] = [
        OpenWalletBody,
        ReasonBody,
        TransferBody,
        TransferItem,
        BatchBody,
    ]
    _, definitions = models_json_schema(
        [(model, "validation") for model in models], ref_template=REF + "{model}"
    )
    schemas: Schema = definitions["$defs"]
    # An item that is wrong does not make the request wrong, so the schema lets it pass.
    schemas["BatchBody"]["properties"]["transfers"]["items"] = {
        "anyOf": [
            {"$ref": REF + "TransferItem"},
            {"description": "Anything else gets a 422 in its own result."},
        ]
    }
    schemas |= {
        "Problem": PROBLEM,
        "Wallet": WALLET,
        "Transfer": TRANSFER,
        "Result": RESULT,
        "Results": RESULTS,
    }
    return {"schemas": schemas, "securitySchemes": SECURITY}
