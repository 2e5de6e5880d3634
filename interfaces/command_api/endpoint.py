"""A route's handler as an ASGI application, without a request object between."""

from collections.abc import Awaitable, Callable

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from interfaces.http.problems import Problem, response_to

Handler = Callable[[Scope, Receive], Awaitable[Response]]


class Endpoint:
    """Serves one handler, which may raise a `Problem`."""

    def __init__(self, handler: Handler) -> None:
        """Take the handler."""
        self._handler = handler

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        try:
            response = await self._handler(scope, receive)
        except Problem as problem:
            response = response_to(scope, problem)
        await response(scope, receive, send)
