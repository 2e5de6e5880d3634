"""What every query passes in the contract's order: token, scope, parameters, then the read models.

A route is one `Query`: the application serves it and the OpenAPI document is made from it.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

import msgspec
import structlog
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from domain.identifiers import IdentifierInvalid, decode
from infrastructure.report_store.reports import ReadModelBehind
from infrastructure.report_store.snapshots import StoreUnavailable
from infrastructure.tokens.caller import Caller
from interfaces.http.auth import Authenticator, require_scope
from interfaces.http.problems import Problem, response_to
from interfaces.http.queries import read_query
from interfaces.query_api.answers import Shape
from interfaces.query_api.parameters import Parameters

Given = TypeVar("Given", bound=Parameters)

SEES_ALL = ("operate", "audit")
_JSON = "application/json"
_NO_ID = ""
_encode = msgspec.json.Encoder().encode


@dataclass(frozen=True, slots=True)
class Asked(Generic[Given]):
    """A query that may be answered: who asks, for which object, with which parameters."""

    caller: Caller
    object_id: str
    """The id in the path; empty where it is malformed, and then it finds nothing."""

    parameters: Given

    @property
    def user(self) -> str:
        """Who asks, as members of wallets are named."""
        return self.caller.sub

    @property
    def sees_all(self) -> bool:
        """Whether the caller may see everybody's wallets and payments."""
        return any(map(self.caller.has, SEES_ALL))


@dataclass(frozen=True, slots=True)
class Answer:
    """What a query found, and the position of the ledger that it reflects."""

    position: int
    document: Shape


@dataclass(frozen=True, slots=True)
class Query(Generic[Given]):
    """One route: what it takes, who may ask, and what answers it."""

    path: str
    summary: str
    scopes: Sequence[str]
    """One of these is needed; none stands for any token."""

    parameters: type[Given]
    answers: type[Shape]
    handle: Callable[[Asked[Given]], Awaitable[Answer]]
    object_prefix: str | None = None
    """The prefix of the id in the path, where there is one; without the object it is a 404."""


class Answerers(Protocol):
    """What answers the queries of one ledger."""

    @property
    def handlers(self) -> Mapping[str, Callable[[Asked[Any]], Awaitable[Answer]]]:
        """Return them by the paths of their routes."""


class Endpoint:
    """A query as an ASGI application, without a request object between."""

    def __init__(
        self,
        query: Query[Any],
        authenticator: Authenticator,
        ledgers: Mapping[str, "Answerers"],
    ) -> None:
        """Take what is served, what judges tokens, and what answers in each ledger they know.

        A query itself may be that of any ledger: only its `handle` is a ledger's own.
        """
        self._query = query
        self._ledgers = ledgers
        self._authenticator = authenticator
        self._log = structlog.get_logger("query")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        try:
            response = await self._respond(scope)
        except Problem as problem:
            response = response_to(scope, problem)
        except ReadModelBehind as behind:
            response = response_to(scope, _behind(behind))
        except StoreUnavailable as fault:
            self._log.warning("a query was not answered", cause=type(fault.__cause__).__name__)
            response = response_to(scope, _unavailable())
        await response(scope, receive, send)

    async def _respond(self, scope: Scope) -> Response:
        query = self._query
        caller = await self._authenticator.caller(scope)
        if query.scopes:
            require_scope(caller, *query.scopes)
        parameters = read_query(query.parameters, scope)
        object_id = _object_id(scope, query.object_prefix)
        handle = self._ledgers[caller.ledger].handlers[query.path]
        answer = await handle(Asked(caller, object_id, parameters))
        return Response(_encode(answer.document), 200, at(answer.position), _JSON)


def at(position: int) -> dict[str, str]:
    """Return the header that says which position an answer reflects."""
    return {"Ledger-Position": str(position)}


def not_found(code: str, position: int) -> Problem:
    """Return the one 404 of an object that is not there or not the caller's to see."""
    what = code.removesuffix("-not-found")
    detail = f"There is no such {what}, or it is somebody else's."
    return Problem(code, detail, headers=at(position))


def _object_id(scope: Scope, prefix: str | None) -> str:
    if prefix is None:
        return _NO_ID
    (text,) = scope["path_params"].values()
    try:
        decode(prefix, text)
    except IdentifierInvalid:
        return _NO_ID
    return str(text)


def _behind(behind: ReadModelBehind) -> Problem:
    return Problem(
        "read-model-behind",
        f"The read model has come to position {behind.position} only.",
        headers={"Retry-After": "1", **at(behind.position)},
    )


def _unavailable() -> Problem:
    return Problem(
        "service-unavailable",
        "The database does not answer in time; try again.",
        headers={"Retry-After": "1"},
    )
