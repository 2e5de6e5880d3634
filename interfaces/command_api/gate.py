"""What every command passes in the contract's order: token, body, key, scope, shape."""

from dataclasses import dataclass
from typing import TypeVar
from uuid import UUID

from starlette.responses import Response
from starlette.types import Receive, Scope

from domain.identifiers import key_stream
from domain.wallets import Caller as LedgerCaller
from infrastructure.tokens.caller import Caller
from interfaces.command_api.parsing import require_field_scopes
from interfaces.http.auth import Authenticator, require_scope
from interfaces.http.bodies import RequestBody, parse_object, read_body, validated
from interfaces.http.problems import Problem

Body = TypeVar("Body", bound=RequestBody)
JSON = "application/json"


@dataclass(frozen=True, slots=True)
class Asked:
    """A request past token and body: who asks, with which key, and the body's bytes."""

    caller: Caller
    key: str | None
    body: bytes
    traceparent: str | None

    @property
    def by(self) -> LedgerCaller:
        """The caller as the ledger sees them."""
        caller = self.caller
        return LedgerCaller(caller.sub, caller.client_id, caller.has("operate"))

    @property
    def stream(self) -> UUID:
        """The stream that the key begins."""
        assert self.key is not None
        return self.stream_of(self.key)

    def stream_of(self, key: str) -> UUID:
        """Return the stream that a key of this caller begins."""
        return key_stream(self.caller.ledger, self.caller.iss, self.caller.sub, key)


class Gate:
    """Lets requests in, or raises the first problem that they have."""

    def __init__(self, authenticator: Authenticator) -> None:
        """Take what judges tokens."""
        self._authenticator = authenticator

    async def ask(self, scope: Scope, receive: Receive) -> Asked:
        """Judge the token, then read the body; the key is looked for, but may be missing."""
        caller = await self._authenticator.caller(scope)
        body = await read_body(scope, receive)
        return Asked(caller, _key(scope), body, scope["state"]["traceparent"])


def parsed(model: type[Body], asked: Asked, *scopes: str) -> Body:
    """Return the body as its model, for a caller with one of the scopes, whatever the key."""
    require_scope(asked.caller, *scopes)
    found = parse_object(asked.body) if asked.body else {}
    require_field_scopes(asked.caller, found, model)
    return validated(model, found)


def body_of(model: type[Body], asked: Asked, *scopes: str) -> Body:
    """Return the body as its model, after key and scope have been judged."""
    require_key(asked)
    return parsed(model, asked, *scopes)


def require_key(asked: Asked) -> None:
    """Raise `Problem` 400 when there is no usable idempotency key."""
    if asked.key is None:
        raise Problem(
            "idempotency-key-required",
            "Send one Idempotency-Key header of 1 to 255 visible ASCII characters.",
        )


def _key(scope: Scope) -> str | None:
    found = [value for name, value in scope["headers"] if name == b"idempotency-key"]
    if len(found) != 1 or not 1 <= len(found[0]) <= 255:
        return None
    key = found[0]
    return key.decode() if all(33 <= byte <= 126 for byte in key) else None


def respond(
    status: int, content: bytes, *, position: int | None = None, replayed: bool = False
) -> Response:
    """Return an answer with the ledger position that it stands for."""
    media_type = JSON if status < 400 else "application/problem+json"
    headers = {} if position is None else {"Ledger-Position": str(position)}
    if replayed:
        headers["Idempotent-Replayed"] = "true"
    return Response(content, status, headers, media_type)
