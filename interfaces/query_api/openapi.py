"""The OpenAPI 3.1 document of the queries, made from the same table as their routes."""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from interfaces.query_api import examples
from interfaces.query_api.answers import PaymentWithLegs
from interfaces.query_api.endpoint import Query
from interfaces.query_api.parameters import POSITION_SCHEMA, Parameters
from interfaces.query_api.stream import PATH as STREAM
from interfaces.query_api.stream_frames import BalanceChange
from interfaces.query_api.stream_openapi import stream_operation

REF = "#/components/schemas/"
Schema = dict[str, Any]

_PROBLEMS = {
    "400": "The request breaks a rule of HTTP, or bears two Authorization headers.",
    "401": "There is no valid token.",
    "403": "The token lacks a scope.",
    "404": "The object does not exist, or is not the caller's.",
    "409": "What is asked for is not sealed yet; `Retry-After` says when the next seal comes.",
    "422": "A query parameter is unknown, given twice or wrong, or the cursor is not for this.",
    "429": "The caller has as many streams open as one may have.",
    "500": "The service failed; it is safe to ask again.",
    "503": "The read model has not come as far as was asked for in 2 seconds, or the service"
    " cannot answer now; `Retry-After` says when to ask again.",
}

_OF_STREAMS = ("400", "401", "403", "422", "429", "500", "503")

_POSITION_HEADER = {
    "Ledger-Position": {
        "description": "The position of the ledger that the answer reflects.",
        "schema": POSITION_SCHEMA,
    }
}
_RETRY_HEADER = {
    "Retry-After": {"description": "Seconds.", "schema": {"type": "integer", "minimum": 0}}
}

_OBJECTS = {
    "wal": ("wallet_id", examples.WALLET_ID),
    "pay": ("payment_id", examples.PAYMENT_ID),
    "prq": ("request_id", examples.REQUEST_ID),
    "sch": ("schedule_id", examples.SCHEDULE_ID),
}

_TAG_HEADER = {
    "ETag": {
        "description": "By which the answer is asked for again with `If-None-Match`; it stays the"
        " same until the ledger goes on.",
        "schema": {"type": "string"},
    }
}
_TAG_PARAMETER: Schema = {
    "name": "If-None-Match",
    "in": "header",
    "required": False,
    "schema": {"type": "string"},
    "description": "The `ETag` of an answer that the caller has: 304 where it is still the same.",
}

_UNCHANGED: Schema = {
    "description": "The answer that the caller has is still the same.",
    "headers": {**_POSITION_HEADER, **_TAG_HEADER},
}

_FILE = {"type": "string", "format": "binary"}

_PROBLEM: Schema = {
    "type": "object",
    "description": "A problem after RFC 9457.",
    "required": ["type", "title", "status", "detail", "code"],
    "properties": {
        "type": {"type": "string", "format": "uri"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "instance": {"type": "string"},
        "code": {"type": "string"},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["detail", "parameter"],
                "properties": {"detail": {"type": "string"}, "parameter": {"type": "string"}},
            },
        },
    },
}


def document_queries(app: FastAPI, queries: Sequence[Query[Any]]) -> None:
    """Let the application serve the whole document at `/openapi.json`."""

    def openapi() -> Schema:
        if app.openapi_schema is None:
            document = get_openapi(
                title=app.title,
                version=app.version,
                description=app.description,
                openapi_version="3.1.0",
                routes=app.routes,
            )
            document["paths"] = {query.path: {"get": _operation(query)} for query in queries}
            refusals = {status: _problem(status) for status in _OF_STREAMS}
            document["paths"][STREAM] = {"get": stream_operation(_POSITION_HEADER, refusals)}
            document["components"] = _components(queries)
            app.openapi_schema = document
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign]  # FastAPI's documented way


def _operation(query: Query[Any]) -> Schema:
    statuses = set(_PROBLEMS) - {"409", "429"} | set(query.problems)
    if query.object_prefix is None:
        statuses.discard("404")
    if not query.scopes:
        statuses.discard("403")
    needs = f"Needs one of the scopes {', '.join(query.scopes)}." if query.scopes else ""
    return {
        "summary": query.summary,
        "description": needs or "Any token will do.",
        "operationId": query.answers.__name__,
        "parameters": [
            *_object(query),
            *_parameters(query.parameters),
            *([_TAG_PARAMETER] if query.tagged else ()),
        ],
        "responses": {
            "200": {
                "description": (query.answers.__doc__ or "").strip(),
                "headers": {**_POSITION_HEADER, **(_TAG_HEADER if query.tagged else {})},
                "content": {
                    "application/json": {
                        "schema": {"$ref": REF + query.answers.__name__},
                        "example": examples.ANSWERS[query.answers.__name__],
                    },
                    **{media_type: {"schema": _FILE} for media_type in query.media_types},
                },
            },
            **({"304": _UNCHANGED} if query.tagged else {}),
            **{status: _problem(status) for status in sorted(statuses)},
        },
        "security": [{"token": []}],
    }


def _object(query: Query[Any]) -> Sequence[Schema]:
    if query.object_prefix is None:
        return ()
    name, example = _OBJECTS[query.object_prefix]
    schema = {"type": "string"}
    return ({"name": name, "in": "path", "required": True, "schema": schema, "example": example},)


def _parameters(model: type[Parameters]) -> Sequence[Schema]:
    shape = model.model_json_schema(by_alias=True)
    required = shape.get("required", ())
    return [
        {**_parameter(name, schema), "required": name in required}
        for name, schema in shape["properties"].items()
    ]


def _parameter(name: str, schema: Mapping[str, Any]) -> Schema:
    kept = {key: value for key, value in schema.items() if key not in {"title", "description"}}
    # A parameter is absent or has a value; null is no value of a query.
    choices = [choice for choice in kept.pop("anyOf", ()) if choice != {"type": "null"}]
    if len(choices) == 1:
        kept |= choices[0]
    elif choices:
        kept["anyOf"] = choices
    if kept.get("default") in {None, "0001-01-01", "9999-12-31"}:
        kept.pop("default", None)
    found = {"name": name, "in": "query", "schema": kept}
    return {**found, "description": schema["description"]}


def _problem(status: str) -> Schema:
    headers = {}
    if status in {"409", "429", "503"}:
        headers = _RETRY_HEADER
    elif status == "404":
        headers = _POSITION_HEADER
    return {
        "description": _PROBLEMS[status],
        "headers": headers,
        "content": {"application/problem+json": {"schema": {"$ref": REF + "Problem"}}},
    }


def _components(queries: Sequence[Query[Any]]) -> Schema:
    _, schemas = msgspec.json.schema_components(
        [*(query.answers for query in queries), BalanceChange, PaymentWithLegs],
        ref_template=REF + "{name}",
    )
    token = {"type": "http", "scheme": "bearer", "bearerFormat": "at+jwt"}
    return {
        "schemas": {**schemas, "Problem": _PROBLEM},
        "securitySchemes": {"token": token},
    }
