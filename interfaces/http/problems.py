"""Turns every refusal, of ours or of the framework, into a problem document (RFC 9457)."""

import json
from collections.abc import Mapping, Sequence

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from interfaces.http.problem_kinds import KINDS

MEDIA_TYPE = "application/problem+json"
TYPE_PREFIX = "https://falconpay.dev/problems/"
MAX_INSTANCE_LENGTH = 512

FieldError = Mapping[str, str]


def field_error(pointer: str, detail: str) -> dict[str, str]:
    """Return one item of `errors`, pointing as RFC 9457 section 3 does: `#/legs/0/amount`."""
    return {"detail": detail, "pointer": pointer}


def problem_document(
    code: str,
    detail: str,
    *,
    instance: str | None = None,
    errors: Sequence[FieldError] | None = None,
    **extra: object,
) -> dict[str, object]:
    """Return the members of a problem; `code` is one of `KINDS`, `extra` goes in as it is."""
    kind = KINDS[code]
    document: dict[str, object] = {
        "type": TYPE_PREFIX + code,
        "title": kind.title,
        "status": kind.status,
        "detail": detail,
    }
    if instance is not None:
        document["instance"] = instance
    document["code"] = code
    if errors is not None:
        document["errors"] = list(errors)
    document.update(extra)
    return document


def problem_bytes(document: Mapping[str, object]) -> bytes:
    """Return a problem as JSON; pure ASCII, so that nothing in it can fail to encode."""
    return json.dumps(document, separators=(",", ":")).encode("ascii")


class Problem(Exception):
    """An answer that ends the request; raise it anywhere below the exception handlers."""

    def __init__(
        self,
        code: str,
        detail: str,
        *,
        errors: Sequence[FieldError] | None = None,
        headers: Mapping[str, str] | None = None,
        **extra: object,
    ) -> None:
        """Take a code of `KINDS` and a sentence for the person who reads it."""
        super().__init__(detail)
        self.code = code
        self.detail = detail
        self.errors = errors
        self.headers = headers
        self.extra = extra


def instance_of(scope: Scope) -> str | None:
    """Return the path of a request as it was sent, without its query; None when it is huge."""
    raw: bytes = scope.get("raw_path") or scope["path"].encode("ascii", "replace")
    if len(raw) > MAX_INSTANCE_LENGTH:
        return None
    return raw.split(b"?")[0].decode("ascii", "replace")


def problem_response(
    scope: Scope,
    code: str,
    detail: str,
    *,
    errors: Sequence[FieldError] | None = None,
    headers: Mapping[str, str] | None = None,
    **extra: object,
) -> Response:
    """Return the answer to a request that is refused."""
    document = problem_document(code, detail, instance=instance_of(scope), errors=errors, **extra)
    return Response(problem_bytes(document), KINDS[code].status, headers, MEDIA_TYPE)


def response_to(scope: Scope, problem: Problem) -> Response:
    """Return the answer to a request that ended in a `Problem`."""
    return problem_response(
        scope,
        problem.code,
        problem.detail,
        errors=problem.errors,
        headers=problem.headers,
        **problem.extra,
    )


async def send_internal_error(scope: Scope, receive: Receive, send: Send) -> None:
    """Answer a fault of ours without a word on its cause."""
    detail = "The service failed; it is safe to send the same request again."
    await problem_response(scope, "internal-error", detail)(scope, receive, send)
