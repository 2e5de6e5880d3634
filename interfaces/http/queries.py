"""Reads query parameters strictly: each one known, given once, and clean."""

from typing import TypeVar
from urllib.parse import parse_qsl

from pydantic import BaseModel, ConfigDict, ValidationError
from starlette.types import Scope

from interfaces.http.field_errors import pointer, query_errors
from interfaces.http.problems import Problem
from interfaces.http.text import FORBIDDEN_CHARACTER

Query = TypeVar("Query", bound="QueryParameters")


class QueryParameters(BaseModel):
    """The parameters of a route; their values come as text and are converted."""

    model_config = ConfigDict(extra="forbid", frozen=True)


def read_query(model: type[Query], scope: Scope) -> Query:
    """Return the query as its model; raises `Problem` 422 `invalid-request` naming each fault."""
    try:
        return model.model_validate_strings(_pairs(scope["query_string"]))
    except ValidationError as fault:
        raise _invalid(query_errors(fault)) from None


def _pairs(query: bytes) -> dict[str, str]:
    if not query:
        return {}
    try:
        pairs = parse_qsl(query.decode("ascii"), keep_blank_values=True, errors="strict")
    except ValueError:
        # Also what is not UTF-8 behind its percent signs.
        raise Problem("invalid-request", "The query cannot be read.", errors=[]) from None
    found: dict[str, str] = {}
    for name, value in pairs:
        shown = pointer([name])[2:]
        if name in found:
            raise _invalid([{"detail": "is given twice", "parameter": shown}])
        if FORBIDDEN_CHARACTER.search(value):
            raise _invalid([{"detail": "contains control characters", "parameter": shown}])
        found[name] = value
    return found


def _invalid(errors: list[dict[str, str]]) -> Problem:
    return Problem("invalid-request", "The query is not as it should be.", errors=errors)
