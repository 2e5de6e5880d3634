"""The keys that sign seals and reports of replays, in one secret of the home; nothing else."""

import base64
import fcntl
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from infrastructure.secrets import SecretMissing, Secrets

SECRET_NAME = "seal_keys"


class SealKeys:
    """The keys of one home, the newest last; safe to use from several processes."""

    def __init__(self, home: Path, environ: Mapping[str, str] = os.environ) -> None:
        """Point at a home; nothing is read or made yet."""
        self._home = home
        self._secrets = Secrets(home, environ)

    def read(self) -> list[Ed25519PrivateKey]:
        """Return every key; raises `SecretMissing` where none was made."""
        return _parse(self._secrets.get(SECRET_NAME))

    def read_or_create(self) -> list[Ed25519PrivateKey]:
        """Return every key, the first one made now where there is none."""
        try:
            return self.read()
        except SecretMissing:
            first = _serialise([Ed25519PrivateKey.generate()])
            return _parse(self._secrets.put(SECRET_NAME, first))

    def rotate(self) -> bytes:
        """Make a new key and return its 32 public bytes.

        The old ones stay, since the next seal bears a signature of the last one, too. Raises
        `SecretFixed` where the keys come from the environment.
        """
        fresh = Ed25519PrivateKey.generate()
        with self._lock():
            self._secrets.require_changeable(SECRET_NAME)
            keys = [*self.read_or_create(), fresh]
            self._secrets.replace(SECRET_NAME, _serialise(keys))
        return fresh.public_key().public_bytes_raw()

    @contextmanager
    def _lock(self) -> Iterator[None]:
        path = self._home / "run" / "seal_keys.lock"
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("w") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield


def _parse(text: str) -> list[Ed25519PrivateKey]:
    return [
        Ed25519PrivateKey.from_private_bytes(base64.urlsafe_b64decode(seed))
        for seed in json.loads(text)["seeds"]
    ]


def _serialise(keys: list[Ed25519PrivateKey]) -> str:
    seeds = [base64.urlsafe_b64encode(key.private_bytes_raw()).decode() for key in keys]
    return json.dumps({"seeds": seeds})
