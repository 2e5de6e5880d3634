"""Calls the command API as the members of the demonstration, with tokens of this home."""

import time
from typing import Any

import httpx

from infrastructure.settings import Settings
from infrastructure.tokens.signing import sign
from infrastructure.tokens.signing_keys import SigningKeys

TOKEN_SECONDS = 600
RENEW_SECONDS = 300
TIMEOUT_SECONDS = 5.0


class Client:
    """One HTTP client that bears another token for each subject."""

    def __init__(self, settings: Settings) -> None:
        """Take where the command API is; nothing is sent yet."""
        address = f"http://{settings.command_host}:{settings.command_port}"
        self._http = httpx.Client(base_url=address, timeout=TIMEOUT_SECONDS)
        self._keys = SigningKeys(settings.home)
        self._settings = settings
        self._tokens: dict[tuple[str, str], tuple[str, float]] = {}

    def post(self, subject: str, scope: str, path: str, key: str, body: dict[str, Any]) -> Any:
        """Return the parsed answer, also of a refusal; raises `httpx.HTTPError` for 5xx."""
        answer = self._http.post(
            path,
            json=body,
            headers={
                "Authorization": f"Bearer {self._token(subject, scope)}",
                "Idempotency-Key": key,
            },
        )
        if answer.status_code >= 500:
            answer.raise_for_status()
        return answer.json()

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def _token(self, subject: str, scope: str) -> str:
        token, renew_at = self._tokens.get((subject, scope), ("", 0.0))
        if time.monotonic() >= renew_at:
            token = sign(
                self._keys,
                subject=subject,
                scope=scope,
                issuer=self._settings.issuer,
                expires_in=TOKEN_SECONDS,
                client_id="demo",
                ledger=self._settings.ledger,
            )
            self._tokens[subject, scope] = token, time.monotonic() + RENEW_SECONDS
        return token
