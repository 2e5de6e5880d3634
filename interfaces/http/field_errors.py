"""Says which fields of a request are wrong, in JSON pointers and words of this interface."""

from collections.abc import Sequence

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from interfaces.http.problems import field_error

MAX_ERRORS = 20
MAX_POINTER_LENGTH = 200
_NOWHERE = object()
_WORDS = {"missing": "is required", "extra_forbidden": "is not a known field"}


def pointer(path: Sequence[str | int]) -> str:
    """Return a JSON pointer (RFC 6901) as a fragment, as in RFC 9457 section 3: `#/legs/0`.

    It ends early rather than repeat a key of any length, and shows no lone surrogate.
    """
    text = "#"
    for part in path:
        step = str(part).replace("~", "~0").replace("/", "~1")
        step = "/" + step.encode("utf-8", "replace").decode()
        if len(text) + len(step) > MAX_POINTER_LENGTH:
            break
        text += step
    return text


def _step(value: object, part: str | int) -> object:
    if isinstance(value, dict):
        return value.get(part, _NOWHERE)
    if isinstance(value, list) and isinstance(part, int) and part < len(value):
        return value[part]
    return _NOWHERE


def _place(error: ErrorDetails, value: object) -> list[str | int]:
    """Follow a location into the value, past the steps that name only parts of the model."""
    path: list[str | int] = []
    for part in error["loc"]:
        found = _step(value, part)
        missing = error["type"] == "missing" and part == error["loc"][-1]
        if found is not _NOWHERE or missing:
            path.append(part)
            value = found
    return path


def _words(error: ErrorDetails) -> str:
    known = _WORDS.get(error["type"])
    if known is not None:
        return known
    # Pydantic puts this before the sentence of a validator of ours.
    return error["msg"].removeprefix("Value error, ")


def _errors(fault: ValidationError) -> list[ErrorDetails]:
    return fault.errors(include_url=False, include_context=False, include_input=False)[:MAX_ERRORS]


def body_errors(fault: ValidationError, value: object) -> list[dict[str, str]]:
    """Return what is wrong in a body, at most `MAX_ERRORS` faults."""
    return [field_error(pointer(_place(error, value)), _words(error)) for error in _errors(fault)]


def query_errors(fault: ValidationError) -> list[dict[str, str]]:
    """Return what is wrong in query parameters, which have no pointer but a name."""
    return [
        {
            "detail": _words(error).replace("known field", "known parameter"),
            "parameter": pointer(error["loc"][:1])[2:],
        }
        for error in _errors(fault)
    ]
