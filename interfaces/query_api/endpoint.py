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
from infrastructure.report_store.access_log import Access, AccessLog
from infrastructure.report_store.reports import ReadModelBehind
from infrastructure.report_store.snapshots import StoreUnavailable
from infrastructure.tokens.caller import Caller
from interfaces.http.auth import Authenticator, require_scope
from interfaces.http.conditions import known_tags
from interfaces.http.problems import Problem, response_to
from interfaces.http.queries import read_query
from interfaces.query_api.answers import Shape
from interfaces.query_api.parameters import Parameters

Given = TypeVar("Given", bound=Parameters)

SEES_ALL = ("operate", "audit")
LOGGED = "audit"
"""Who reads by this scope is written down, since it shows everything to whoever has it."""

PAGE_PARAMETERS = {"min_position", "limit", "cursor"}
"""What says nothing of what was asked for."""
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
    known: frozenset[str] = frozenset()
    """Tags of answers that the caller has already."""

    @property
    def user(self) -> str:
        """Who asks, as members of wallets are named."""
        return self.caller.sub

    @property
    def sees_all(self) -> bool:
        """Whether the caller may see everybody's wallets and payments."""
        return any(map(self.caller.has, SEES_ALL))


@dataclass(frozen=True, slots=True)
class WrittenAnswer:
    """An answer in another form than JSON, to be kept as a file of this name."""

    content: bytes
    media_type: str
    file_name: str

    def response(self, headers: Mapping[str, str]) -> Response:
        """Return it as a response."""
        kept = {"Content-Disposition": f'attachment; filename="{self.file_name}"'}
        return Response(self.content, 200, {**headers, **kept}, self.media_type)


@dataclass(frozen=True, slots=True)
class Answer:
    """What a query found, and the position of the ledger that it reflects."""

    position: int
    document: Shape | WrittenAnswer
    tag: str | None = None
    """By which the caller may ask whether it is still the same."""

    @property
    def headers(self) -> dict[str, str]:
        """What is said beside the answer."""
        return {**at(self.position), **({} if self.tag is None else kept_as(self.tag))}


class Unchanged(Exception):
    """The caller has the answer already: as of this position it is the same."""

    def __init__(self, tag: str, position: int) -> None:
        """Take the tag that the caller has sent and the position of the ledger."""
        super().__init__(tag)
        self.tag = tag
        self.position = position


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

    media_types: Sequence[str] = ()
    """The forms beside JSON that it can be asked for."""

    problems: Sequence[str] = ()
    """The statuses of refusals that only this route has."""

    tagged: bool = False
    """Whether its answers bear a tag, by which they are asked for again."""


class Answerers(Protocol):
    """What answers the queries of one ledger."""

    @property
    def handlers(self) -> Mapping[str, Callable[[Asked[Any]], Awaitable[Answer]]]:
        """Return them by the paths of their routes."""

    @property
    def accesses(self) -> AccessLog:
        """Return where it is written down who has read by the scope `audit`."""


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
        response = await self._caught(scope, self._respond)
        await response(scope, receive, send)

    async def _caught(
        self, scope: Scope, respond: Callable[[Scope], Awaitable[Response]]
    ) -> Response:
        """Return a response, or the problem that it has come to."""
        try:
            return await respond(scope)
        except Problem as problem:
            return response_to(scope, problem)
        except Unchanged as same:
            return Response(None, 304, {**at(same.position), **kept_as(same.tag)})
        except ReadModelBehind as behind:
            return response_to(scope, _behind(behind))
        except StoreUnavailable as fault:
            self._log.warning("a query was not answered", cause=type(fault.__cause__).__name__)
            return response_to(scope, _unavailable())

    async def _respond(self, scope: Scope) -> Response:
        query = self._query
        caller = await self._authenticator.caller(scope)
        if query.scopes:
            require_scope(caller, *query.scopes)
        if not (caller.has(LOGGED) and LOGGED in query.scopes):
            return await self._answer(scope, caller, None)
        told: dict[str, Any] = {}

        async def answer(scope: Scope) -> Response:
            return await self._answer(scope, caller, told)

        # Nothing is shown before it is written down who has seen it.
        response = await self._caught(scope, answer)
        access = Access(caller.sub, caller.client_id, query.path, told, response.status_code)
        await self._ledgers[caller.ledger].accesses.add(access)
        return response

    async def _answer(self, scope: Scope, caller: Caller, told: dict[str, Any] | None) -> Response:
        """Return the answer; where it matters, `told` is given what was asked for."""
        query = self._query
        object_id = _object_id(scope, query.object_prefix)
        if told is not None:
            told |= dict.fromkeys(scope["path_params"], object_id)
        parameters = read_query(query.parameters, scope)
        if told is not None:
            told |= _asked_for(parameters)
        handle = self._ledgers[caller.ledger].handlers[query.path]
        known = known_tags(scope) if query.tagged else frozenset()
        answer = await handle(Asked(caller, object_id, parameters, known))
        if isinstance(answer.document, WrittenAnswer):
            return answer.document.response(answer.headers)
        return Response(_encode(answer.document), 200, answer.headers, _JSON)


def _asked_for(parameters: Parameters) -> dict[str, Any]:
    """Return the parameters that were given and say what was asked for."""
    return parameters.model_dump(
        mode="json", exclude=PAGE_PARAMETERS, exclude_unset=True, by_alias=True
    )


def at(position: int) -> dict[str, str]:
    """Return the header that says which position an answer reflects."""
    return {"Ledger-Position": str(position)}


def kept_as(tag: str) -> dict[str, str]:
    """Return the headers of what its reader may keep, and must ask for again before each use."""
    return {"ETag": tag, "Cache-Control": "private, no-cache", "Vary": "Authorization"}


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
