"""Decides whether an access token is believed, after RFC 9068 and RFC 8725."""

import re
import time
from collections.abc import Callable, Container
from typing import Any, NoReturn

import jwt

from infrastructure.settings import Settings
from infrastructure.tokens.caller import Caller
from infrastructure.tokens.key_sources import KeySource, key_source
from infrastructure.tokens.signing import AUDIENCE, TOKEN_TYPE

MAX_TOKEN_BYTES = 8192
MAX_CACHED_TOKENS = 10_000
MAX_CACHED_SECONDS = 60.0
MAX_CLAIM_LENGTH = 255
CLOCK_SKEW_SECONDS = 5
_COMPACT = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+")
# Whatever else a header can say (crit, jku, jwk, x5u, x5c) would let a token choose its own key.
ALLOWED_HEADERS = {"alg", "typ", "kid"}
REQUIRED_CLAIMS = ["iss", "aud", "exp", "iat", "sub", "jti", "client_id", "scope"]


class TokenRefused(Exception):
    """The token is not believed; the message says why, for logs, and holds no part of it."""


def _refuse(reason: str) -> NoReturn:
    raise TokenRefused(reason)


class TokenVerifier:
    """Verifies tokens of one issuer for some ledgers, and remembers a bounded number of them."""

    def __init__(
        self,
        keys: KeySource,
        *,
        issuer: str,
        ledgers: Container[str],
        clock: Callable[[], float] = time.time,
        cached_tokens: int = MAX_CACHED_TOKENS,
    ) -> None:
        """Take the source of public keys and whom this service believes for which ledgers.

        `ledgers` may grow; what was believed once is not asked again.
        """
        self.keys = keys
        self._issuer = issuer
        self._ledgers = ledgers
        self._clock = clock
        self._cached_tokens = cached_tokens
        self._cache: dict[str, tuple[Caller, float]] = {}

    def verify(self, token: str) -> Caller:
        """Return whom the token stands for.

        Raises `TokenRefused`; `KeysOutdated` or `KeysUnavailable` as `KeySource.find` does.
        """
        now = self._clock()
        caller, deadline = self._cache.get(token, (None, 0.0))
        if caller is not None and now < deadline:
            return caller
        caller, exp = self._judge(token, now)
        self._remember(token, caller, min(exp, now + MAX_CACHED_SECONDS))
        return caller

    def remembered_ledger(self, token: str) -> str:
        """Return the ledger of a token that is remembered, or nothing; no proof of anything."""
        caller, _ = self._cache.get(token, (None, 0.0))
        return "" if caller is None else caller.ledger

    def _remember(self, token: str, caller: Caller, deadline: float) -> None:
        self._cache.pop(token, None)
        while len(self._cache) >= self._cached_tokens:
            self._cache.pop(next(iter(self._cache)))
        self._cache[token] = (caller, deadline)

    def _judge(self, token: str, now: float) -> tuple[Caller, int]:
        if len(token) > MAX_TOKEN_BYTES:
            _refuse("longer than 8 KiB")
        # Decoders of base64 pass over what is no base64, so one token could be spelt in many ways.
        if _COMPACT.fullmatch(token) is None:
            _refuse("not a token")
        claims = self._decode(token, self._kid(token))
        exp, iat = _integer(claims, "exp"), _integer(claims, "iat")
        if exp <= now:
            _refuse("expired")
        if iat > now + CLOCK_SKEW_SECONDS:
            _refuse("issued in the future")
        if "nbf" in claims and _integer(claims, "nbf") > now + CLOCK_SKEW_SECONDS:
            _refuse("not valid yet")
        ledger = claims.get("ledger", "main")
        if not isinstance(ledger, str) or ledger not in self._ledgers:
            _refuse("for another ledger")
        _text(claims, "jti")
        scope = claims["scope"]
        if not isinstance(scope, str):
            _refuse("scope is not a string")
        sub, client_id = _text(claims, "sub"), _text(claims, "client_id")
        return Caller(self._issuer, sub, client_id, frozenset(scope.split()), ledger), exp

    def _kid(self, token: str) -> str:
        try:
            header = jwt.get_unverified_header(token)
        except (jwt.PyJWTError, ValueError, RecursionError):
            _refuse("not a token")
        if not header.keys() <= ALLOWED_HEADERS:
            _refuse("a header that is not allowed")
        if header.get("typ") != TOKEN_TYPE:
            _refuse("another type")
        kid = header.get("kid")
        if not isinstance(kid, str):
            _refuse("no key named")
        return kid

    def _decode(self, token: str, kid: str) -> dict[str, Any]:
        key = self.keys.find(kid)
        if key is None:
            _refuse("an unknown key")
        try:
            # Times are judged by the caller of this function, strictly as integers.
            return jwt.decode(
                token,
                key,
                algorithms=["EdDSA"],
                issuer=self._issuer,
                audience=AUDIENCE,
                options={
                    "require": REQUIRED_CLAIMS,
                    "strict_aud": True,
                    "verify_exp": False,
                    "verify_iat": False,
                    "verify_nbf": False,
                },
            )
        except (jwt.PyJWTError, ValueError, RecursionError) as refusal:
            raise TokenRefused(type(refusal).__name__) from None


def token_verifier(settings: Settings, ledgers: Container[str]) -> TokenVerifier:
    """Return the verifier of a service: for its issuer, its ledgers and its source of keys."""
    return TokenVerifier(key_source(settings), issuer=settings.issuer, ledgers=ledgers)


def _integer(claims: dict[str, Any], name: str) -> int:
    value = claims[name]
    if type(value) is not int or not 0 <= value < 2**53:
        _refuse(f"{name} is not a time")
    return value


def _text(claims: dict[str, Any], name: str) -> str:
    value = claims[name]
    # What is not printable (controls, lone surrogates) could not be stored or logged safely.
    if not isinstance(value, str) or not 0 < len(value) <= MAX_CLAIM_LENGTH:
        _refuse(f"{name} is not a short text")
    if not value.isprintable():
        _refuse(f"{name} is not printable")
    return value
