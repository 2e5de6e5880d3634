"""`GET /v1/stream`: what happens to the caller's wallets and payments, as server-sent events.

After the HTML standard, section 9.2: `id` is the position of the ledger, from which a client that
was cut off goes on by `Last-Event-ID`.
"""

import asyncio
from collections.abc import Callable, Mapping
from typing import Any, Protocol

import structlog
from pydantic import Field
from starlette.types import Receive, Scope, Send

from infrastructure.report_store.access_log import Access, AccessLog
from infrastructure.report_store.ledger_log import LedgerLog
from infrastructure.report_store.reports import ReadModelBehind
from infrastructure.report_store.snapshots import StoreUnavailable
from infrastructure.tokens.caller import Caller
from interfaces.http.auth import Authenticator, require_scope
from interfaces.http.problems import Problem, response_to
from interfaces.http.protocol import ABORT
from interfaces.http.queries import QueryParameters, read_query
from interfaces.query_api.endpoint import LOGGED, at
from interfaces.query_api.parameters import MAX_POSITION, Position, whole_number
from interfaces.query_api.stream_frames import SCOPES, Viewer, beat
from interfaces.query_api.stream_tail import WINDOW, Listener, Tail

PATH = "/v1/stream"
RETRY = b"retry: 1000\n\n"
"""Milliseconds after which a client that was cut off comes again."""

LOOK_SECONDS = 0.5
"""How often a stream looks whether its token has ended or the service stops; a thousand that do so
twice a second take some hundredths of a processor."""

BEHIND_SECONDS = 0.1
"""How often it looks whether the read models have come to where its client is already."""

LAST_SECONDS = 1.0
"""How long a client may take to read the end of its stream."""

AWAY = "The database does not answer in time; try again."
OF_ONE = 20
"""How many streams one caller may have open."""

HEADERS = [
    (b"content-type", b"text/event-stream"),
    (b"cache-control", b"no-store"),
    (b"connection", b"close"),
    # Proxies that would gather answers pass these on at once.
    (b"x-accel-buffering", b"no"),
]


class StreamParameters(QueryParameters):
    """From where a stream goes on."""

    after: Position | None = Field(
        default=None,
        description="Only changes beyond this position; the header `Last-Event-ID` comes first."
        " By default those that come from now on.",
    )


class Followed(Protocol):
    """What a stream asks of one ledger."""

    @property
    def tail(self) -> Tail:
        """Return the one who follows the read models."""

    @property
    def log(self) -> LedgerLog:
        """Return the ledger's log."""

    @property
    def accesses(self) -> AccessLog:
        """Return where it is written down who has read by the scope `audit`."""


class Stream:
    """The route as an ASGI application."""

    def __init__(
        self,
        authenticator: Authenticator,
        ledgers: Mapping[str, Followed],
        stopping: Callable[[], bool],
        most: int,
    ) -> None:
        """Take what judges tokens, who follows each ledger, and how many streams may be open."""
        self._authenticator = authenticator
        self._ledgers = ledgers
        self._stopping = stopping
        self._most = most
        self._open: dict[tuple[str, str], int] = {}
        self._log = structlog.get_logger("stream")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one stream, or say why not."""
        try:
            caller = await self._authenticator.caller(scope)
            require_scope(caller, *SCOPES)
            after = _after(scope)
            ledger = self._ledgers[caller.ledger]
            if after is not None and after > await ledger.log.head():
                raise _invalid("is past the ledger's last position")
            reached = await ledger.tail.reached()
            self._admit(caller)
        except Problem as problem:
            await response_to(scope, problem)(scope, receive, send)
            return
        except (StoreUnavailable, ReadModelBehind):
            await response_to(scope, _later(AWAY))(scope, receive, send)
            return
        try:
            if caller.has(LOGGED):
                access = Access(caller.sub, caller.client_id, PATH, {"after": after}, 200)
                await ledger.accesses.add(access)
            await send({"type": "http.response.start", "status": 200, "headers": _headers(reached)})
            if scope["method"] == "GET":
                begun = reached if after is None else after
                await self._serve(scope, receive, send, ledger.tail, Viewer.of(caller), begun)
            await _end(scope, send)
        except StoreUnavailable:
            await response_to(scope, _later(AWAY))(scope, receive, send)
        finally:
            self._leave(caller)

    async def _serve(
        self,
        scope: Scope,
        receive: Receive,
        send: Send,
        tail: Tail,
        viewer: Viewer,
        position: int,
    ) -> None:
        """Send until the client has gone, its token has ended, it is too slow or all stops."""
        listener = Listener(viewer)
        sending = asyncio.create_task(self._send_all(scope, send, tail, listener, position))
        watched = [
            sending,
            asyncio.create_task(_gone(receive)),
            asyncio.create_task(listener.over()),
        ]
        try:
            done: set[asyncio.Task[None]] = set()
            # Here as well, since to a client that does not read nothing more is sent.
            while not done and not self._stopping() and await self._valid(scope):
                done, _ = await asyncio.wait(
                    watched, timeout=LOOK_SECONDS, return_when=asyncio.FIRST_COMPLETED
                )
            if listener.slow:
                self._log.info("stream-dropped", why="its client does not read")
                scope["extensions"][ABORT]["abort"]()
        finally:
            for task in watched:
                task.cancel()
            ended = await asyncio.gather(*watched, return_exceptions=True)
        fault = ended[0]
        if isinstance(fault, Exception) and not isinstance(fault, _ENDS):
            raise fault

    async def _send_all(
        self, scope: Scope, send: Send, tail: Tail, listener: Listener, position: int
    ) -> None:
        async def give(frames: bytes) -> None:
            await send({"type": "http.response.body", "body": frames, "more_body": True})

        await give(RETRY + beat(position))
        # What is long past is told before the tail's events begin to wait for this listener, and
        # what the client has seen already is waited for.
        while not 0 <= (ahead := await tail.reached() - position) <= WINDOW:
            if ahead < 0:
                await asyncio.sleep(BEHIND_SECONDS)
                continue
            position, frames = await tail.past(listener.viewer, position, MAX_POSITION)
            await give(frames)
        async with tail.listened(listener) as begun:
            while position < begun:
                position, frames = await tail.past(listener.viewer, position, begun)
                await give(frames)
            while frames := await listener.next():
                if not await self._valid(scope):
                    return
                await give(frames)

    async def _valid(self, scope: Scope) -> bool:
        """Say whether the token has not ended and its key is still known."""
        try:
            await self._authenticator.caller(scope)
        except Problem:
            return False
        return True

    def _admit(self, caller: Caller) -> None:
        who = (caller.ledger, caller.sub)
        if self._open.get(who, 0) >= OF_ONE:
            detail = f"A caller has {OF_ONE} streams at most: close one of them."
            raise Problem("rate-limited", detail, headers={"Retry-After": "5"})
        if sum(self._open.values()) >= self._most:
            raise _later("As many streams are open as may be; try again.")
        self._open[who] = self._open.get(who, 0) + 1

    def _leave(self, caller: Caller) -> None:
        who = (caller.ledger, caller.sub)
        self._open[who] -= 1
        if not self._open[who]:
            del self._open[who]


_ENDS = (StoreUnavailable, ReadModelBehind)
"""Why a stream may end: a client that comes again goes on from where it was cut off."""


async def _end(scope: Scope, send: Send) -> None:
    """End the answer; a client that does not even read that is cut off."""
    try:
        await asyncio.wait_for(send({"type": "http.response.body", "body": b""}), LAST_SECONDS)
    except TimeoutError:
        scope["extensions"][ABORT]["abort"]()


async def _gone(receive: Receive) -> None:
    """Return when the client has gone."""
    while (await receive())["type"] != "http.disconnect":
        pass


def _after(scope: Scope) -> int | None:
    parameters = read_query(StreamParameters, scope)
    given = [value for name, value in scope["headers"] if name == b"last-event-id"]
    if not given or given == [b""]:
        return parameters.after
    if len(given) > 1:
        raise _invalid("is given twice")
    try:
        return whole_number(given[0].decode("latin-1"), 0, MAX_POSITION)
    except ValueError as fault:
        raise _invalid(str(fault)) from None


def _headers(position: int) -> list[tuple[bytes, bytes]]:
    placed = [(name.lower().encode(), value.encode()) for name, value in at(position).items()]
    return [*HEADERS, *placed]


def _invalid(fault: str) -> Problem:
    errors: list[dict[str, Any]] = [{"detail": fault, "parameter": "Last-Event-ID"}]
    return Problem("invalid-request", "The stream cannot go on from there.", errors=errors)


def _later(detail: str) -> Problem:
    return Problem("service-unavailable", detail, headers={"Retry-After": "5"})
