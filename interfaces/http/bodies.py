"""Reads JSON bodies strictly, so that two readers of one body can never understand two things."""

import json
import re
from math import isinf
from typing import Any, ClassVar, NoReturn, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError, model_validator
from starlette.types import Receive, Scope

from interfaces.http.field_errors import body_errors, pointer
from interfaces.http.problems import Problem, field_error

Body = TypeVar("Body", bound="RequestBody")

MAX_BODY_BYTES = 1024 * 1024
_JSON_TYPE = re.compile(
    rb'\s*application/json\s*(;\s*charset\s*=\s*("utf-8"|utf-8)\s*)?', re.IGNORECASE
)


class RequestBody(BaseModel):
    """A body's shape: strict types, no unknown field, `null` for an optional field as if absent."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)

    _optional: ClassVar[frozenset[str]] = frozenset()

    @classmethod
    def __pydantic_init_subclass__(cls, **kwargs: object) -> None:
        """Note which fields may be absent, once a class instead of once a request."""
        cls._optional = frozenset(
            name for name, field in cls.model_fields.items() if not field.is_required()
        )

    @model_validator(mode="before")
    @classmethod
    def _null_is_absent(cls, value: object) -> object:
        if isinstance(value, dict) and None in value.values():
            return {k: v for k, v in value.items() if v is not None or k not in cls._optional}
        return value


async def read_body(scope: Scope, receive: Receive) -> bytes:
    """Return the whole body of a JSON request; empty where there is none.

    Raises `Problem`: 415 for another content type or a coding, 413 above 1 MiB (also when the
    body comes in chunks without its length), 400 when the client goes away.
    """
    typed = _check_headers(scope)
    body = b""
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise Problem("bad-request", "The body ended too early.")
        part: bytes = message.get("body", b"")
        body = body + part if body else part
        if len(body) > MAX_BODY_BYTES:
            raise _too_large()
        if not message.get("more_body", False):
            break
    if body and not typed:
        raise _unsupported("Say `Content-Type: application/json`.")
    return body


def _check_headers(scope: Scope) -> bool:
    """Refuse what the headers alone condemn; tell whether the content type is given."""
    typed = False
    for name, value in scope["headers"]:
        if name == b"content-type":
            if typed or _JSON_TYPE.fullmatch(value) is None:
                raise _unsupported("The body must be `application/json` in UTF-8.")
            typed = True
        elif name == b"content-length":
            # The digits are counted first, since a long row of them is slow to convert.
            if len(value) > 12 or (value.isdigit() and int(value) > MAX_BODY_BYTES):
                raise _too_large()
        elif name == b"content-encoding" and value.strip().lower() != b"identity":
            raise _unsupported("The body must not be compressed.")
    return typed


def _unsupported(detail: str) -> Problem:
    headers = {"Accept": "application/json", "Accept-Encoding": "identity"}
    return Problem("unsupported-media-type", detail, headers=headers)


def _too_large() -> Problem:
    return Problem("body-too-large", f"A body has {MAX_BODY_BYTES} bytes at most.")


class _Malformed(ValueError):
    pass


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise _Malformed("An object has the same key twice.")
    return found


def _constant(_text: str) -> NoReturn:
    raise _Malformed("NaN and Infinity are not JSON.")


def _float(text: str) -> float:
    value = float(text)
    if isinf(value):
        raise _Malformed("A number is too large.")
    return value


_DECODER = json.JSONDecoder(object_pairs_hook=_object, parse_constant=_constant, parse_float=_float)


def parse_object(body: bytes) -> dict[str, Any]:
    """Return the JSON object (RFC 8259) that a body holds.

    Raises `Problem` 422: `malformed-json` for what does not parse, has a key twice (RFC 7493),
    a byte order mark, bytes that are not UTF-8, numbers or nesting beyond all measure;
    `invalid-request` for what parses but is no object or holds a lone surrogate.
    """
    try:
        text = body.decode("utf-8")
        value = _DECODER.decode(text)
    except UnicodeDecodeError:
        raise Problem("malformed-json", "The body is not UTF-8.") from None
    except RecursionError:
        raise Problem("malformed-json", "The body is nested too deeply.") from None
    except _Malformed as fault:
        raise Problem("malformed-json", str(fault)) from None
    except json.JSONDecodeError as fault:
        detail = f"The body is not JSON: line {fault.lineno}, column {fault.colno}."
        raise Problem("malformed-json", detail) from None
    except ValueError:
        raise Problem("malformed-json", "A number is too long.") from None
    if not isinstance(value, dict):
        raise _invalid([field_error("#", "must be an object")])
    # Only an escape can bring a lone surrogate into text that was UTF-8.
    if "\\u" in text:
        _refuse_surrogates(value)
    return value


def _refuse_surrogates(body: dict[str, Any]) -> None:
    waiting: list[tuple[tuple[str | int, ...], object]] = [((), body)]
    while waiting:
        path, value = waiting.pop()
        if isinstance(value, dict):
            for key, item in value.items():
                waiting += [(path, key), ((*path, key), item)]
        elif isinstance(value, list):
            waiting += [((*path, index), item) for index, item in enumerate(value)]
        elif isinstance(value, str):
            try:
                value.encode()
            except UnicodeEncodeError:
                error = field_error(pointer(path), "must not contain lone surrogates")
                raise _invalid([error]) from None


def validated(model: type[Body], value: object) -> Body:
    """Return the body as its model; raises `Problem` 422 `invalid-request` naming each fault."""
    try:
        return model.model_validate(value)
    except ValidationError as fault:
        raise _invalid(body_errors(fault, value)) from None


def _invalid(errors: list[dict[str, str]]) -> Problem:
    return Problem("invalid-request", "The body is not as it should be.", errors=errors)
