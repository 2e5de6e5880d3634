"""Secrets come from the environment or from files of the home that only its owner can read."""

import os
import secrets as randomness
from collections.abc import Mapping
from pathlib import Path


class SecretMissing(LookupError):
    """A secret is neither in the environment nor in the home."""


class SecretFixed(LookupError):
    """A secret is given by the environment, so nothing here can change it."""


class Secrets:
    """The secrets of one home; `FALCONPAY_SECRET_<NAME>` in the environment comes first."""

    def __init__(self, home: Path, environ: Mapping[str, str] = os.environ) -> None:
        """Point at a home; nothing is read or made yet."""
        self._folder = home / "secrets"
        self._environ = environ

    def get(self, name: str) -> str:
        """Return the secret, or raise `SecretMissing` with the remedy."""
        value = self._environ.get(f"FALCONPAY_SECRET_{name.upper()}")
        if value:
            return value
        try:
            return (self._folder / name).read_text().strip()
        except FileNotFoundError:
            raise SecretMissing(
                f"The secret {name} is not there: set FALCONPAY_SECRET_{name.upper()}"
                f" or begin with ./falcon up, which writes {self._folder / name}."
            ) from None

    def get_or_create(self, name: str) -> str:
        """Return the secret; where there is none, make one of 192 random bits and keep it."""
        try:
            return self.get(name)
        except SecretMissing:
            return self.put(name, randomness.token_urlsafe(24))

    def put(self, name: str, value: str) -> str:
        """Keep a secret in a file of mode 0600, unless another process was first; return it."""
        path = self._folder / name
        draft = self._draft(name, value)
        try:
            os.link(draft, path)
        except FileExistsError:
            return path.read_text().strip()
        finally:
            draft.unlink()
        return value

    def fixed(self, name: str) -> bool:
        """Tell whether the environment gives the secret, whatever the home holds."""
        return bool(self._environ.get(f"FALCONPAY_SECRET_{name.upper()}"))

    def require_changeable(self, name: str) -> None:
        """Raise `SecretFixed` where the environment gives the secret."""
        if self.fixed(name):
            raise SecretFixed(
                f"The secret {name} comes from FALCONPAY_SECRET_{name.upper()}: change it there."
            )

    def replace(self, name: str, value: str) -> None:
        """Put a new value in the place of the old one, at once and of mode 0600.

        Raises `SecretFixed` where the environment gives the secret.
        """
        self.require_changeable(name)
        self._draft(name, value).replace(self._folder / name)

    def _draft(self, name: str, value: str) -> Path:
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        draft = self._folder / f".{name}.{os.getpid()}.{randomness.token_hex(4)}"
        with os.fdopen(os.open(draft, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "w") as file:
            file.write(value)
        return draft
