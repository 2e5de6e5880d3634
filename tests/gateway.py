"""The real gateway with the real identity API and small services behind it, for tests."""

import http.client
import os
import re
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import httpx
import psutil

from infrastructure.embedded.envoy import Envoy
from infrastructure.embedded.server import free_port, port_is_free, wait_until_ready
from infrastructure.settings import Settings, read_settings
from infrastructure.tokens.signing import sign
from infrastructure.tokens.signing_keys import SigningKeys
from interfaces.gateway.render import Timeouts, configuration

ROOT = Path(__file__).parents[1]
ECHO = [sys.executable, "-m", "tests.tools.echo_service"]
IDENTITY = [sys.executable, "-m", "interfaces.cli", "run", "identity-api"]


def four_free_ports() -> int:
    """Return a port that is free together with the three above it."""
    while True:
        port = free_port()
        if 1024 <= port <= 65000 and all(port_is_free(port + more) for more in range(4)):
            return port


class GatewayHome:
    """One home with a gateway; `stop` ends everything that was started in it."""

    def __init__(self, home: Path) -> None:
        """Choose ports; nothing runs yet."""
        self.environ = {
            **{name: text for name, text in os.environ.items() if "FALCONPAY_" not in name},
            "FALCONPAY_HOME": str(home),
            "FALCONPAY_PORT": str(four_free_ports()),
        }
        self.settings: Settings = read_settings(self.environ)
        self.keys = SigningKeys(home, {})
        self.url = self.settings.public_url
        self._processes: list[subprocess.Popen[bytes]] = []
        self._envoy: Envoy | None = None
        # One client for all tests: making one reads the certificates of this machine.
        self._client = httpx.Client(base_url=self.url, timeout=30)

    def start(self, timeouts: Timeouts | None = None) -> None:
        """Start the identity API, one service for commands, one for queries, and the gateway."""
        self.keys.ensure()
        self.start_service(IDENTITY, self.settings.identity_port)
        self.start_service([*ECHO, "command"], self.settings.command_port)
        self.start_service([*ECHO, "query"], self.settings.query_port)
        self.start_gateway(timeouts)

    def start_gateway(self, timeouts: Timeouts | None = None) -> None:
        """Start the gateway alone and wait until it answers."""
        path = self.settings.home / "envoy.yaml"
        path.write_text(configuration(self.settings, timeouts or Timeouts()))
        self._envoy = Envoy(self.settings.home, path, self.settings.port)
        self._envoy.prepare()
        self._envoy.start()
        wait_until_ready(self._envoy, 20)

    def start_service(self, command: list[str], port: int) -> subprocess.Popen[bytes]:
        """Start a process and wait until one more of its kind answers on the port."""
        process = subprocess.Popen(command, env=self.environ, cwd=ROOT)
        self._processes.append(process)
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            assert process.poll() is None, f"{command} ended while starting"
            if _listens(process.pid, port):
                return process
            time.sleep(0.05)
        raise AssertionError(f"{command} does not listen on {port}")

    def services(self, last_word: str) -> list[subprocess.Popen[bytes]]:
        """Return the processes that live and whose command line ends with a word."""
        living = [process for process in self._processes if process.poll() is None]
        return [p for p in living if isinstance(p.args, list) and p.args[-1] == last_word]

    def end(self, last_word: str, number: signal.Signals = signal.SIGKILL) -> None:
        """End all services whose command line ends with a word."""
        for process in self.services(last_word):
            process.send_signal(number)
            process.wait(20)

    def stop(self) -> None:
        """End the gateway and all services."""
        self._client.close()
        if self._envoy is not None:
            self._envoy.stop(5)
        for process in self._processes:
            process.kill()
            process.wait(20)

    def bearer(self, scope: str = "wallets payments") -> dict[str, str]:
        """Return the header with a good token."""
        token = sign(self.keys, subject="alice", scope=scope, issuer=self.settings.issuer)
        return {"Authorization": f"Bearer {token}"}

    def ask(self, method: str, path: str, **options: object) -> httpx.Response:
        """Send one request through the gateway, with a good token unless headers are given."""
        options.setdefault("headers", self.bearer())
        return self._client.request(method, path, **options)  # type: ignore[arg-type]  # As httpx has it.


def _listens(pid: int, port: int) -> bool:
    """Tell whether this very process listens, since others may share its port."""
    try:
        connections = psutil.Process(pid).net_connections("tcp")
    except psutil.Error:
        return False
    return any(c.status == "LISTEN" and c.laddr.port == port for c in connections)


def exchange(port: int, sent: bytes) -> httpx.Response:
    """Send bytes, read one whole answer, and take it apart."""
    with socket.create_connection(("127.0.0.1", port), timeout=20) as connection:
        connection.sendall(sent)
        answer = http.client.HTTPResponse(connection)
        answer.begin()
        return httpx.Response(answer.status, headers=answer.getheaders(), content=answer.read())


def assert_problem(response: httpx.Response, status: int, code: str) -> dict[str, Any]:
    """Check everything that holds for each problem, and return its members."""
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    assert response.headers["cache-control"] == "no-store"
    assert response.headers["x-content-type-options"] == "nosniff"
    assert_nothing_told(response)
    document: dict[str, Any] = response.json()
    assert document["type"] == f"https://falconpay.dev/problems/{code}"
    assert (document["status"], document["code"]) == (status, code)
    assert document["title"]
    assert document["detail"]
    return document


def assert_nothing_told(response: httpx.Response) -> None:
    """No answer names the software or shows the gateway's own headers."""
    assert "server" not in response.headers
    assert not [name for name in response.headers if name.startswith("x-envoy")]
    assert not re.search("envoy|uvicorn|upstream|jwt", response.text, re.IGNORECASE)
