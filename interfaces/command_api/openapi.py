"""The OpenAPI 3.1 document of the commands, made from the tables that their routes come from."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from interfaces.command_api.batches import BATCH
from interfaces.command_api.bodies import TransferItem
from interfaces.command_api.follow_ups import FOLLOW_UPS, REQUEST, SCHEDULE, WALLET, FollowUp
from interfaces.command_api.openapi_examples import ANSWERS, BODIES, PATH_PARAMETERS
from interfaces.command_api.openapi_schemas import HEADERS, PROBLEM, SCHEMAS, SECURITY
from interfaces.command_api.parsing import CLOSED_PERIODS
from interfaces.command_api.routes import BEGINNINGS, Beginning
from interfaces.command_api.wallet_bodies import MemberBody

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


@dataclass(frozen=True, slots=True)
class _Operation:
    """What the document says of one route; `key` is whether it requires one, none takes none."""

    method: str
    path: str
    summary: str
    scopes: tuple[str, ...]
    body: type[BaseModel]
    body_required: bool
    answer: str
    statuses: tuple[int, ...]
    key: bool | None


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
            document["paths"] = {**_paths(_operations()), **document.get("paths", {})}
            document["components"] = _components()
            app.openapi_schema = document
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign]  # FastAPI's documented way


def _operations() -> list[_Operation]:
    begun = [_beginning(each) for each in (*BEGINNINGS.values(), BATCH)]
    return [*begun, *(_follow_up(each) for each in FOLLOW_UPS)]


def _beginning(route: Beginning) -> _Operation:
    batch, dry_run = route is BATCH, "dry_run" in route.body.model_fields
    statuses = (200,) if batch else (200, 201) if dry_run else (route.status,)
    return _Operation(
        method="post",
        path=route.path,
        summary=route.summary,
        scopes=route.scopes,
        body=route.body,
        body_required=True,
        answer="Results" if batch else _answer_of(route.path),
        statuses=statuses,
        key=None if batch else not dry_run,
    )


def _follow_up(route: FollowUp) -> _Operation:
    return _Operation(
        method=route.method.lower(),
        path=route.path,
        summary=route.summary,
        scopes=route.scopes,
        body=route.body,
        body_required=any(field.is_required() for field in route.body.model_fields.values()),
        answer="Member" if route.body is MemberBody else _answer_of(route.path),
        statuses=(route.status,),
        key=True if route.method == "POST" else None,
    )


def _answer_of(path: str) -> str:
    if path.startswith(REQUEST.partition("/{")[0]) and not path.endswith("/accept"):
        return "PaymentRequest"
    if path.startswith(SCHEDULE.partition("/{")[0]):
        return "Schedule"
    if path == CLOSED_PERIODS:
        return "ClosedPeriod"
    return "Wallet" if path.startswith(WALLET.partition("/{")[0]) else "Payment"


def _paths(operations: Iterable[_Operation]) -> Schema:
    paths: Schema = {}
    for each in operations:
        paths.setdefault(each.path, {})[each.method] = _described(each)
    return paths


def _described(operation: _Operation) -> Schema:
    names = re.findall(r"{(\w+)}", operation.path)
    parameters: list[Schema] = [
        {"name": name, "in": "path", "required": True, **PATH_PARAMETERS[name]} for name in names
    ]
    if operation.key is not None:
        parameters.append({**_KEY, "required": operation.key})
    described: Schema = {
        "summary": operation.summary,
        "description": f"Needs the scope {' or '.join(f'`{each}`' for each in operation.scopes)}.",
        "operationId": operation.summary.lower().replace(" ", "_"),
        "parameters": parameters,
        "responses": {
            **{str(status): _answer(operation, status) for status in operation.statuses},
            **{status: _problem(text) for status, text in _PROBLEMS.items()},
        },
        "security": [{"token": []}],
    }
    # What a body means to DELETE is not defined by HTTP, so none is spoken of.
    if operation.method != "delete":
        described["requestBody"] = _body(operation)
    return described


def _body(operation: _Operation) -> Schema:
    name = operation.body.__name__
    content: Schema = {"schema": {"$ref": REF + name}, "example": BODIES[name]}
    return {"required": operation.body_required, "content": {"application/json": content}}


def _answer(operation: _Operation, status: int) -> Schema:
    content: Schema = {"schema": {"$ref": REF + operation.answer}}
    dry_run = status == 200 and 201 in operation.statuses
    if not dry_run:
        content["example"] = ANSWERS[operation.path]
    return {
        "description": "What a dry run comes to; nothing is stored." if dry_run else "Done.",
        "headers": {} if dry_run else HEADERS,
        "content": {"application/json": content},
    }


def _problem(text: str) -> Schema:
    schema = {"$ref": REF + "Problem"}
    return {"description": text, "content": {"application/problem+json": {"schema": schema}}}


def _components() -> Schema:
    models = {each.body for each in _operations()} | {TransferItem}
    _, definitions = models_json_schema(
        [(model, "validation") for model in sorted(models, key=lambda model: model.__name__)],
        ref_template=REF + "{model}",
    )
    schemas: Schema = definitions["$defs"]
    # An item that is wrong does not make the request wrong, so the schema lets it pass.
    schemas["BatchBody"]["properties"]["transfers"]["items"] = {
        "anyOf": [
            {"$ref": REF + "TransferItem"},
            {"description": "Anything else gets a 422 in its own result."},
        ]
    }
    return {"schemas": {**schemas, **SCHEMAS, "Problem": PROBLEM}, "securitySchemes": SECURITY}
