"""Makes every error of the framework a problem, so that no answer is shaped by a library."""

from fastapi.exceptions import RequestValidationError
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Match
from starlette.types import Scope

from interfaces.http.auth import CHALLENGE
from interfaces.http.field_errors import pointer
from interfaces.http.problems import Problem, problem_response, response_to

_BY_STATUS = {
    400: ("bad-request", "The request cannot be understood."),
    401: ("unauthenticated", "The request bears no valid token."),
    403: ("scope-missing", "The token does not grant what this needs."),
    404: ("not-found", "There is nothing under this path."),
    405: ("method-not-allowed", "The path does not serve this method."),
    413: ("body-too-large", "The body is too large."),
    415: ("unsupported-media-type", "The body must be `application/json` in UTF-8."),
    422: ("invalid-request", "The request is not as it should be."),
    503: ("service-unavailable", "The service cannot answer at the moment."),
}


def _allowed_methods(scope: Scope, named: str) -> str:
    """Return all methods of a path; the framework names those of the first route only."""
    methods = {method.strip() for method in named.split(",") if method.strip()}
    for route in scope["app"].routes:
        if route.matches(scope)[0] is Match.PARTIAL:
            methods |= set(getattr(route, "methods", None) or ())
    return ", ".join(sorted(methods))


async def _on_http_exception(request: Request, fault: Exception) -> Response:
    assert isinstance(fault, HTTPException)
    internal = ("internal-error", "The service failed.")
    fallback = _BY_STATUS[400] if 400 <= fault.status_code < 500 else internal
    code, detail = _BY_STATUS.get(fault.status_code, fallback)
    headers = None
    if fault.status_code == 405:
        named = (fault.headers or {}).get("Allow", "")
        headers = {"Allow": _allowed_methods(request.scope, named)}
    elif fault.status_code == 401:
        headers = CHALLENGE
    return problem_response(request.scope, code, detail, headers=headers)


async def _on_problem(request: Request, fault: Exception) -> Response:
    assert isinstance(fault, Problem)
    return response_to(request.scope, fault)


async def _on_validation(request: Request, fault: Exception) -> Response:
    assert isinstance(fault, RequestValidationError)
    errors = []
    for error in fault.errors()[:20]:
        where, *rest = error["loc"]
        if error["type"] == "json_invalid":
            return problem_response(request.scope, "malformed-json", "The body is not JSON.")
        place = {"pointer": pointer(rest)} if where == "body" else {"parameter": pointer(rest)[2:]}
        errors.append({"detail": str(error["msg"]).removeprefix("Value error, "), **place})
    detail = "The request is not as it should be."
    return problem_response(request.scope, "invalid-request", detail, errors=errors)


def install_handlers(app: Starlette) -> None:
    """Let an application answer problems only; what is left over the middleware catches."""
    app.add_exception_handler(HTTPException, _on_http_exception)
    app.add_exception_handler(Problem, _on_problem)
    app.add_exception_handler(RequestValidationError, _on_validation)
