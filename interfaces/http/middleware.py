"""The outermost layer of every API: what holds for each answer, in one pass of pure ASGI."""

import re
import time
from random import Random

import structlog
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from infrastructure.telemetry import access_logger, valid_traceparent
from interfaces.http.metrics import HttpMetrics
from interfaces.http.problems import send_internal_error

_REQUEST_ID = re.compile(rb"[A-Za-z0-9._-]{1,64}")
# Names of requests, no secrets: asking the kernel for each one costs more than its routing.
_NAMES = Random()  # noqa: S311 - no secret
# Machines ask these every second.
_QUIET_ROUTES = {"/healthz", "/readyz", "/metrics", "/.well-known/jwks.json"}


def note(scope: Scope, **fields: object) -> None:
    """Add fields, such as a payment id, to the access log of a request."""
    scope["state"]["noted"].update(fields)


class Edge:
    """Request id, trace context, security headers, access log, metrics, and the last-resort 500.

    Routes find `request_id` and `traceparent` (a valid one or None) in `scope["state"]`.
    """

    def __init__(self, app: ASGIApp, metrics: HttpMetrics) -> None:
        """Wrap an application."""
        self._app = app
        self._metrics = metrics
        self._access = access_logger()
        self._log = structlog.get_logger("http")
        self._templates: dict[object, str] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started_at = time.perf_counter()
        request_id = identify(scope)
        status = 0

        async def send_complete(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = completed(message.get("headers", []), request_id)
            await send(message)

        try:
            await self._app(scope, receive, send_complete)
        except Exception:
            self._log.exception("request failed", route=self._template(scope))
            if status:
                raise
            await send_internal_error(scope, receive, send_complete)
        finally:
            self._record(scope, status, time.perf_counter() - started_at)

    def _record(self, scope: Scope, status: int, seconds: float) -> None:
        method, route = scope["method"], self._template(scope)
        self._metrics.observe(method, route, status, seconds)
        write = self._access.debug if route in _QUIET_ROUTES else self._access.info
        state = scope["state"]
        write(
            "request",
            method=method,
            route=route,
            status=status,
            milliseconds=round(seconds * 1000, 2),
            request_id=state["request_id"],
            **state["noted"],
        )

    def _template(self, scope: Scope) -> str:
        """Return the path template that served a request, never the path itself."""
        endpoint = scope.get("endpoint")
        if endpoint is None:
            return "unmatched"
        if endpoint not in self._templates:
            for route in scope["app"].routes:
                if getattr(route, "endpoint", None) is endpoint:
                    self._templates[endpoint] = route.path
                    break
            else:
                return getattr(scope.get("route"), "path", "unmatched")
        return self._templates[endpoint]


def identify(scope: Scope) -> str:
    """Note who the request says it is: its own id, or a new one, and its trace."""
    request_id = None
    traces = []
    for name, value in scope["headers"]:
        if name == b"x-request-id" and _REQUEST_ID.fullmatch(value):
            request_id = value.decode()
        elif name == b"traceparent":
            traces.append(value.decode("latin-1"))
    request_id = request_id or f"{_NAMES.getrandbits(64):016x}"
    # Two headers make the trace context invalid (W3C Trace Context section 3.2).
    traceparent = valid_traceparent(traces[0]) if len(traces) == 1 else None
    state = scope.setdefault("state", {})
    state["request_id"] = request_id
    state["traceparent"] = traceparent
    state["noted"] = {} if traceparent is None else {"trace_id": traceparent[3:35]}
    # For what else is logged while the request is served.
    structlog.contextvars.bind_contextvars(request_id=request_id, **state["noted"])
    return request_id


def completed(headers: list[tuple[bytes, bytes]], request_id: str) -> list[tuple[bytes, bytes]]:
    """Return an answer's headers with those that every answer bears."""
    complete = [
        *headers,
        (b"x-content-type-options", b"nosniff"),
        (b"x-request-id", request_id.encode()),
    ]
    if not any(name == b"cache-control" for name, _ in headers):
        complete.append((b"cache-control", b"no-store"))
    return complete
