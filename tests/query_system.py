"""The query API as a process of its own over real databases that a test fills as it likes."""

import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import httpx

from infrastructure.databases.assets import register_assets
from infrastructure.tokens.signing import sign
from infrastructure.tokens.signing_keys import SigningKeys
from tests import servers
from tests.documented import Documented
from tests.events_writer import EventsWriter
from tests.fan_out import FanOut, drain
from tests.servers import FreshDatabases, PostgresHome, free_port


@dataclass
class QuerySystem:
    """One running query API, the ledger's writer behind it, and who asks."""

    databases: FreshDatabases
    client: httpx.Client
    writer: EventsWriter
    keys: SigningKeys
    documented: Documented
    process: subprocess.Popen[bytes]
    tokens: dict[tuple[str, str], str] = field(default_factory=dict)

    def token(self, subject: str, scope: str) -> str:
        """Return a token, the same one for the same caller."""
        if (subject, scope) not in self.tokens:
            self.tokens[subject, scope] = sign(
                self.keys, subject=subject, scope=scope, issuer=self.databases.settings.issuer
            )
        return self.tokens[subject, scope]

    def ask(
        self, path: str, subject: str = "usr_auditor", scope: str = "audit", **query: Any
    ) -> httpx.Response:
        """Ask; `from_` stands for the parameter `from`. The answer must be a documented one."""
        parameters = {name.rstrip("_"): str(value) for name, value in query.items()}
        headers = {"Authorization": f"Bearer {self.token(subject, scope)}"}
        return self.get(path, params=parameters or None, headers=headers)

    def get(self, path: str, **how: Any) -> httpx.Response:
        """Send a request, with a token or without; the answer must be a documented one."""
        response = self.client.get(path, **how)
        self.documented.check(response)
        return response

    def found(self, path: str, *caller: str, **query: Any) -> Any:
        """Ask and return the body of an answer that must be a 200."""
        response = self.ask(path, *caller, **query)
        assert response.status_code == 200, response.text
        return response.json()

    def pages(self, path: str, *caller: str, **query: Any) -> list[Any]:
        """Return the items of all pages."""
        items: list[Any] = []
        cursor: dict[str, str] = {}
        while True:
            page = self.found(path, *caller, **query, **cursor)
            items += page["items"]
            if page["next_cursor"] is None:
                return items
            cursor = {"cursor": page["next_cursor"]}

    def follow(self) -> None:
        """Append what the writer holds, and let the read models follow to the end."""
        if self.writer.waiting:
            self.writer.flush()
        with FanOut(self.databases).worker() as worker:
            worker.begin()
            drain(worker)

    def head(self) -> int:
        """Return the ledger's last position."""
        return FanOut(self.databases).head()


@contextmanager
def query_system(
    postgres: PostgresHome,
    home: Path,
    more: Mapping[str, str] | None = None,
    assets: Mapping[str, int] | None = None,
) -> Iterator[QuerySystem]:
    """Make databases and serve queries of them until the end; `more` are further settings.

    `assets` are registered in the ledger, each with its number of minor digits.
    """
    databases = servers.fresh_databases(postgres, home)
    register_assets(databases.admin, replace(databases.settings, assets=assets or {}))
    keys = SigningKeys(home, {})
    keys.ensure()
    # The query API has the third of consecutive ports; the others stay unused here.
    port = free_port()
    environ = {**databases.environ, "FALCONPAY_PORT": str(port - 2), **(more or {})}
    told = home / "query-api.log"
    with told.open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "interfaces.cli", "run", "query-api"],
            cwd=Path(__file__).parents[1],
            env=environ,
            stderr=log,
        )
    # Its client closes surplus connections while threads still read from them, so none is surplus.
    limits = httpx.Limits(max_connections=200, max_keepalive_connections=200, keepalive_expiry=60)
    client = httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=20, limits=limits)
    try:
        _wait_until_ready(client, process)
        writer = EventsWriter(databases.connect("command"))
        documented = Documented(client.get("/openapi.json").json())
        yield QuerySystem(databases, client, writer, keys, documented, process)
        writer.connection.close()
    finally:
        client.close()
        process.send_signal(signal.SIGTERM)
        process.wait(timeout=20)
        databases.drop()
    assert process.returncode == 0, told.read_text()
    assert "Traceback" not in told.read_text(), "a stack trace is in the log"


def _wait_until_ready(client: httpx.Client, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 20
    while True:
        assert process.poll() is None, "the query API has ended"
        assert time.monotonic() < deadline, "the query API is not ready in time"
        try:
            if client.get("/readyz").status_code == 200:
                return
        except httpx.TransportError:
            pass
        time.sleep(0.05)
