"""The signing keys of a home, in one secret file, so that every local signer shares a rotation."""

import base64
import fcntl
import hashlib
import json
import os
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from infrastructure.secrets import SecretMissing, Secrets

SECRET_NAME = "signing_keys"
SETTLE_SECONDS = 2.0


def jwks_path(home: Path) -> Path:
    """Return the file with the public keys of a home, which services on this machine read."""
    return home / "run" / "jwks.json"


@dataclass(frozen=True, slots=True)
class SigningKey:
    """One Ed25519 key; `last_exp` is the end, in Unix seconds, of the last token it signed."""

    kid: str
    private: Ed25519PrivateKey
    last_exp: int

    def public_jwk(self) -> dict[str, str | int]:
        """Return the public key as a JWK (RFC 8037)."""
        return {**_thumbprint_members(self.private), "kid": self.kid, "use": "sig", "alg": "EdDSA"}


def _base64url(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def _thumbprint_members(private: Ed25519PrivateKey) -> dict[str, str]:
    return {
        "crv": "Ed25519",
        "kty": "OKP",
        "x": _base64url(private.public_key().public_bytes_raw()),
    }


def _key(private: Ed25519PrivateKey, last_exp: int = 0) -> SigningKey:
    """Name a key by its thumbprint (RFC 7638), so that equal keys bear equal names."""
    members = json.dumps(_thumbprint_members(private), separators=(",", ":")).encode()
    return SigningKey(_base64url(hashlib.sha256(members).digest()), private, last_exp)


def _parse(text: str) -> list[SigningKey]:
    return [
        _key(
            Ed25519PrivateKey.from_private_bytes(base64.urlsafe_b64decode(entry["seed"])),
            entry["last_exp"],
        )
        for entry in json.loads(text)["keys"]
    ]


def _serialise(keys: list[SigningKey]) -> str:
    seeds = [base64.urlsafe_b64encode(key.private.private_bytes_raw()).decode() for key in keys]
    entries = [
        {"seed": seed, "last_exp": key.last_exp} for seed, key in zip(seeds, keys, strict=True)
    ]
    return json.dumps({"keys": entries})


class SigningKeys:
    """The keys of one home, the newest being current; safe to use from several processes."""

    def __init__(
        self,
        home: Path,
        environ: Mapping[str, str] = os.environ,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """Point at a home; nothing is read or made yet."""
        self._home = home
        self._secrets = Secrets(home, environ)
        self._clock = clock

    def ensure(self) -> None:
        """Make the first key where there is none, and write the file of public keys."""
        with self._lock():
            self._publish(self._read_or_create())

    def rotate(self, settle_seconds: float = SETTLE_SECONDS) -> str:
        """Make a new current key and return its kid; the old ones still verify their tokens.

        It waits between publishing the key and signing with it, so that whoever reads the public
        keys once a second never meets a token of a key unknown to them. Raises `SecretFixed`
        where the keys come from the environment.
        """
        fresh = _key(Ed25519PrivateKey.generate())
        with self._lock():
            self._secrets.require_changeable(SECRET_NAME)
            self._publish(self._read_or_create(), fresh)
        time.sleep(settle_seconds)
        with self._lock():
            keys = [*self._alive(self._read_or_create()), fresh]
            self._publish(keys)
            self._secrets.replace(SECRET_NAME, _serialise(keys))
        return fresh.kid

    def current_for(self, exp: int) -> SigningKey:
        """Return the key for a token that ends at `exp`, having recorded that end.

        The record keeps a retired key published until the last token it signed has ended.
        """
        with self._lock():
            keys = self._read_or_create()
            if exp > keys[-1].last_exp and not self._secrets.fixed(SECRET_NAME):
                keys[-1] = replace(keys[-1], last_exp=exp)
                self._secrets.replace(SECRET_NAME, _serialise(keys))
        return keys[-1]

    def jwks(self) -> dict[str, list[dict[str, str | int]]]:
        """Return the published JWK Set (RFC 7517): keys with tokens that may still be valid.

        A retired key bears `exp`, the moment from which it must be forgotten. Raises `OSError`
        before the first `ensure`.
        """
        found = json.loads(jwks_path(self._home).read_bytes())["keys"]
        now = self._clock()
        return {"keys": [jwk for jwk in found if jwk.get("exp", now + 1) > now]}

    def _alive(self, keys: list[SigningKey]) -> list[SigningKey]:
        now = self._clock()
        return [key for key in keys[:-1] if key.last_exp > now] + keys[-1:]

    def _read_or_create(self) -> list[SigningKey]:
        try:
            return _parse(self._secrets.get(SECRET_NAME))
        except SecretMissing:
            keys = [_key(Ed25519PrivateKey.generate())]
            self._publish(keys)
            self._secrets.put(SECRET_NAME, _serialise(keys))
            return keys

    def _publish(self, keys: list[SigningKey], coming: SigningKey | None = None) -> None:
        retired = [{**key.public_jwk(), "exp": key.last_exp} for key in keys[:-1]]
        live = [key.public_jwk() for key in (keys[-1], coming) if key is not None]
        path = jwks_path(self._home)
        path.parent.mkdir(parents=True, exist_ok=True)
        draft = path.with_name(f".{path.name}.{os.getpid()}")
        draft.write_text(json.dumps({"keys": [*retired, *live]}))
        draft.replace(path)

    @contextmanager
    def _lock(self) -> Iterator[None]:
        path = self._home / "run" / "signing_keys.lock"
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("w") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield
