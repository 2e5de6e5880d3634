"""Finds the one bearer token of a request and the caller that it stands for."""

import asyncio

from starlette.types import Scope

from infrastructure.tokens.caller import Caller
from infrastructure.tokens.key_sources import KeysOutdated, KeysUnavailable
from infrastructure.tokens.verify import TokenRefused, TokenVerifier
from interfaces.http.problems import Problem

CHALLENGE = {"WWW-Authenticate": "Bearer"}
INVALID = "The token is not valid here, or no longer."


def bearer_token(scope: Scope) -> str:
    """Return the token of the only `Authorization: Bearer` header (RFC 6750 section 2.1).

    Raises `Problem` 401 where there is none, 400 where there are two. A token in the query or in
    a cookie is not looked at.
    """
    found: bytes | None = None
    for name, value in scope["headers"]:
        if name == b"authorization":
            if found is not None:
                raise Problem("bad-request", "Send one Authorization header only.")
            found = value
    if found is None:
        raise Problem("unauthenticated", "The request bears no token.", headers=CHALLENGE)
    # Scheme names know no case (RFC 9110 section 11.1); the token has no space in it.
    if found[:7].lower() != b"bearer " or len(found) == 7 or b" " in found[7:]:
        raise Problem(
            "unauthenticated", "Send the token as `Authorization: Bearer TOKEN`.", headers=CHALLENGE
        )
    try:
        return found[7:].decode("ascii")
    except UnicodeDecodeError:
        raise Problem("unauthenticated", INVALID, headers=CHALLENGE) from None


def require_scope(caller: Caller, *scopes: str) -> None:
    """Raise `Problem` 403 unless the caller's token grants at least one of the scopes."""
    if not any(map(caller.has, scopes)):
        wanted = " or ".join(scopes)
        raise Problem("scope-missing", f"The token must grant the scope {wanted}.")


class Authenticator:
    """Turns requests into callers for one service; call it from one event loop only."""

    def __init__(self, verifier: TokenVerifier) -> None:
        """Take the verifier of this service."""
        self._verifier = verifier
        self._refresh: asyncio.Task[None] | None = None

    async def caller(self, scope: Scope) -> Caller:
        """Return the caller of a request; a token known already costs no switch of tasks.

        Raises `Problem`: 401 without a valid token, 400 with two, 503 where no key is known.
        """
        token = bearer_token(scope)
        try:
            return self._verifier.verify(token)
        except KeysOutdated:
            await self._refreshed()
        except (TokenRefused, KeysUnavailable) as refusal:
            raise _problem(refusal) from None
        try:
            return self._verifier.verify(token)
        except (TokenRefused, KeysUnavailable, KeysOutdated) as refusal:
            raise _problem(refusal) from None

    def known_ledger(self, scope: Scope) -> str:
        """Return the ledger of a token that was believed lately, else nothing; it judges none."""
        try:
            return self._verifier.remembered_ledger(bearer_token(scope))
        except Problem:
            return ""

    async def ready(self) -> str | None:
        """Say what is missing before tokens can be judged, or None (a readiness check)."""
        if not self._verifier.keys.known():
            await self._refreshed()
        return None if self._verifier.keys.known() else "no signing keys are known"

    async def _refreshed(self) -> None:
        # All requests that wait for new keys wait for the same reading of them.
        if self._refresh is None or self._refresh.done():
            self._refresh = asyncio.create_task(asyncio.to_thread(self._verifier.keys.refresh))
        await asyncio.shield(self._refresh)


def _problem(refusal: Exception) -> Problem:
    if isinstance(refusal, TokenRefused):
        return Problem("unauthenticated", INVALID, headers=CHALLENGE)
    detail = "Tokens cannot be judged at the moment: the signing keys cannot be read."
    return Problem("service-unavailable", detail, headers={"Retry-After": "2"})
