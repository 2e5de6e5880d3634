"""Where a service gets the public keys from: the file of its home, or the identity API."""

import base64
import json
import threading
import time
from collections.abc import Callable
from pathlib import Path

import httpx
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from infrastructure.settings import Settings
from infrastructure.tokens.signing_keys import jwks_path

FILE_PAUSE_SECONDS = 0.25
URL_PAUSE_SECONDS = 2.0
REFRESH_SECONDS = 60.0
FETCH_TIMEOUT_SECONDS = 2.0
MAX_JWKS_BYTES = 65536
MAX_KEYS = 100


class KeysOutdated(Exception):
    """The keys should be read again before a token is judged; reading may block."""


class KeysUnavailable(Exception):
    """No key is known at all, so no token can be judged."""


def read_file(path: Path) -> Callable[[], bytes]:
    """Return a reader of a JWK Set in a file."""
    return path.read_bytes


def fetch_url(url: str) -> Callable[[], bytes]:
    """Return a reader of a JWK Set behind a URL, bounded in time and size."""

    def fetch() -> bytes:
        with httpx.stream("GET", url, timeout=FETCH_TIMEOUT_SECONDS) as response:
            response.raise_for_status()
            body = b""
            for chunk in response.iter_bytes():
                body += chunk
                if len(body) > MAX_JWKS_BYTES:
                    raise ValueError("The JWK Set is too large.")
        return body

    return fetch


def _parse(document: bytes) -> dict[str, tuple[Ed25519PublicKey, float]]:
    keys = {}
    for jwk in json.loads(document)["keys"][:MAX_KEYS]:
        if not isinstance(jwk, dict):
            continue
        if (jwk.get("kty"), jwk.get("crv"), jwk.get("alg")) != ("OKP", "Ed25519", "EdDSA"):
            continue
        raw = base64.urlsafe_b64decode(jwk["x"] + "==")
        keys[jwk["kid"]] = (
            Ed25519PublicKey.from_public_bytes(raw),
            float(jwk.get("exp", "inf")),
        )
    return keys


class KeySource:
    """Public keys by kid, kept until they are read again; a failed reading keeps the old ones."""

    def __init__(
        self,
        read: Callable[[], bytes],
        pause_seconds: float,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """Take a reader of a JWK Set, which unknown kids may call once in a pause at most."""
        self._read = read
        self._pause_seconds = pause_seconds
        self._clock = clock
        self._keys: dict[str, tuple[Ed25519PublicKey, float]] = {}
        self._read_at = float("-inf")
        self._lock = threading.Lock()

    def find(self, kid: str) -> Ed25519PublicKey | None:
        """Return the key, or None when it is not one of ours.

        Raises `KeysOutdated` when the keys are due to be read again (then call `refresh`, off the
        event loop), `KeysUnavailable` when reading has never succeeded.
        """
        key, end = self._keys.get(kid, (None, 0.0))
        age = self._clock() - self._read_at
        if not 0 <= age < (REFRESH_SECONDS if key else self._pause_seconds):
            raise KeysOutdated
        if not self._keys:
            raise KeysUnavailable("No signing keys are known yet.")
        return key if end > self._clock() else None

    def known(self) -> bool:
        """Tell whether any key is known."""
        return bool(self._keys)

    def refresh(self) -> None:
        """Read the keys again unless another thread has just done so; this blocks."""
        asked_at = self._clock()
        with self._lock:
            if self._read_at > asked_at:
                return
            try:
                self._keys = _parse(self._read())
            except (OSError, ValueError, KeyError, TypeError, httpx.HTTPError):
                # The keys known so far stay good while their source is away.
                pass
            finally:
                self._read_at = self._clock()


def key_source(settings: Settings) -> KeySource:
    """Return the keys behind `FALCONPAY_JWKS_URL`, or where it is unset those of the home."""
    if settings.jwks_url:
        return KeySource(fetch_url(settings.jwks_url), URL_PAUSE_SECONDS)
    return KeySource(read_file(jwks_path(settings.home)), FILE_PAUSE_SECONDS)
