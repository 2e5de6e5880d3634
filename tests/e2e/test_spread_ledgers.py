"""A ledger on a PostgreSQL server of its own, by the commands of the how-to, to the letter."""

import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx
import pytest

from infrastructure.tokens.signing import sign
from infrastructure.tokens.signing_keys import SigningKeys
from tests import servers
from tests.servers import FreshDatabases, PostgresHome
from tests.tools.whole_system import ROOT, four_free_ports, until

PAGE = ROOT / "docs" / "how-to" / "spread-ledgers-over-servers.md"
READY_SECONDS = 60.0


@pytest.fixture
def second(tmp_path: Path, postgres: PostgresHome) -> Iterator[PostgresHome]:
    """Give another server with the same passwords, as it has the same home."""
    home = tmp_path / "second"
    shutil.copytree(postgres.home / "secrets", home / "secrets")
    started = servers.start_postgres(home)
    yield started
    started.server.stop(20)


class Api:
    """Processes of one set of settings, and callers of its command and query API."""

    def __init__(self, environ: dict[str, str], home: Path, running: ExitStack) -> None:
        self.port = int(environ["FALCONPAY_PORT"])
        self._environ = environ
        self._home = home
        self._running = running

    def run(self, words: str) -> None:
        """Start a process that stays."""
        log = self._running.enter_context((self._home / f"{words}-{self.port}.log").open("wb"))
        process = subprocess.Popen(
            [sys.executable, "-m", "interfaces.cli", "run", words],
            cwd=ROOT,
            env=self._environ,
            stdout=log,
            stderr=log,
        )
        self._running.callback(lambda: process.wait(30))
        self._running.callback(process.terminate)

    def falcon(self, *words: str, **settings: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "interfaces.cli", *words],
            cwd=ROOT,
            env={**self._environ, **settings},
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )

    def ready(self) -> bool:
        urls = [f"http://127.0.0.1:{self.port + offset}/readyz" for offset in (1, 2)]
        try:
            return all(httpx.get(url, timeout=5).status_code == 200 for url in urls)
        except httpx.HTTPError:
            return False

    def client(self, ledger: str, offset: int) -> httpx.Client:
        scope = "read wallets payments operate audit"
        keys = SigningKeys(self._home, {})
        token = sign(keys, subject="a", scope=scope, issuer="falconpay", ledger=ledger)
        return httpx.Client(
            base_url=f"http://127.0.0.1:{self.port + offset}",
            headers={"Authorization": f"Bearer {token}", "Idempotency-Key": "the-same"},
            timeout=20,
        )

    def open(self, ledger: str) -> httpx.Response:
        with self.client(ledger, 1) as client:
            return client.post("/v1/wallets", json={"name": "Purse", "currency": "EUR"})

    def wallets(self, ledger: str, position: int = 0) -> httpx.Response:
        with self.client(ledger, 2) as client:
            return client.get("/v1/wallets", params={"min_position": position})


def commands_of_the_page() -> tuple[dict[str, str], list[tuple[dict[str, str], list[str]]]]:
    """Return the settings and the commands, each with settings of its own, of the first block."""
    block = re.search(r"```sh\n(.*?)```", PAGE.read_text(), re.DOTALL)
    assert block is not None
    settings: dict[str, str] = {}
    commands = []
    for line in block[1].strip().splitlines():
        if line.startswith("export "):
            name, _, value = line.removeprefix("export ").partition("=")
            settings[name] = value
        else:
            before, _, words = line.partition("./falcon ")
            commands.append((dict(pair.split("=", 1) for pair in before.split()), words.split()))
    return settings, commands


@pytest.mark.timeout(180)
def test_a_ledger_on_a_server_of_its_own(databases: FreshDatabases, second: PostgresHome) -> None:
    home = databases.settings.home
    SigningKeys(home).ensure()
    first_environ = {**databases.environ, "FALCONPAY_PORT": str(four_free_ports())}
    del first_environ["FALCONPAY_LEDGER"]
    settings, commands = commands_of_the_page()
    port = second.server.port()
    here = {
        "FALCONPAY_DATABASE_HOST": "127.0.0.1",
        "FALCONPAY_DATABASE_PORT": str(port),
        "FALCONPAY_PORT": str(four_free_ports()),
    }
    assert here.keys() <= settings.keys()
    password = second.secrets.get("db_admin")
    url = f"postgresql://falconpay_admin:{password}@127.0.0.1:{port}/postgres"
    with ExitStack() as running:
        first = Api(first_environ, home, running)
        north = Api({**first_environ, **settings, **here}, home, running)
        for own, words in commands:
            assert words[0] == "run"
            if words[1] == "migrate":
                done = north.falcon(*words, **dict.fromkeys(own, url))
                assert done.returncode == 0, done.stderr
            else:
                north.run(words[1])
        for role in ("command-api", "query-api"):
            first.run(role)
        for api in (first, north):
            until(api.ready, READY_SECONDS, "its command and query API are ready")
        tell_apart(first, north)
        done = north.falcon("replay", "verify")
        assert done.returncode == 0, done.stdout + done.stderr
        second.server.stop(20)
        until(lambda: north.open("north").status_code == 503, 30, "its own server is away")
        assert first.open("main").status_code == 201
        assert first.wallets("main").status_code == 200


def tell_apart(first: Api, north: Api) -> None:
    opened: dict[str, Any] = {}
    for name, api, other in (("main", first, north), ("north", north, first)):
        answer = api.open(name)
        assert answer.status_code == 201, answer.text
        opened[name] = answer.json()["wallet_id"]
        assert other.open(name).status_code == 401
        assert other.wallets(name).status_code == 401
    assert opened["main"] != opened["north"]
    seen = north.wallets("north", position=1)
    assert [wallet["wallet_id"] for wallet in seen.json()["items"]] == [opened["north"]]
