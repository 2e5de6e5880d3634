"""Takes hot routes past the framework's layers, which cost more than the routes themselves."""

from collections.abc import Mapping

from fastapi import FastAPI
from starlette.types import ASGIApp, Receive, Scope, Send

from interfaces.http.metrics import HttpMetrics
from interfaces.http.middleware import Edge


class _Shortcut:
    def __init__(self, around: ASGIApp, edge: ASGIApp, hot: Mapping[str, ASGIApp]) -> None:
        self._around = around
        self._edge = edge
        self._hot = hot

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["method"] == "POST":
            endpoint = self._hot.get(scope["path"])
            if endpoint is not None:
                scope["endpoint"] = endpoint
                await self._edge(scope, receive, send)
                return
        await self._around(scope, receive, send)


async def _endpoint(scope: Scope, receive: Receive, send: Send) -> None:
    await scope["endpoint"](scope, receive, send)


def take_shortcuts(app: FastAPI, metrics: HttpMetrics, hot: Mapping[str, ASGIApp]) -> None:
    """Serve POST on these exact paths by their endpoints, within the same outermost layer.

    The endpoints are those of routes that the application has as well, and answer their own
    problems. Call it once, when middleware and exception handlers are complete.
    """
    edge = Edge(_endpoint, metrics)
    app.middleware_stack = _Shortcut(app.build_middleware_stack(), edge, hot)
