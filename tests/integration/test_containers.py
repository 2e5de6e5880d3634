"""The roles run from what docker-compose.yml gives them, each in an empty home of its own.

No container is started here: the processes are those of the containers, with the same commands,
the same environment and nothing else, against the real servers of the tests.
"""

import json
import re
import subprocess
import sys
import uuid
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest
import yaml
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict

from deploy.make_secrets import make_secrets
from infrastructure.databases.logins import DATABASES, LOGINS, secret_name
from tests.servers import PostgresHome, free_port
from tests.tools.tiny_clone import ROOT
from tests.tools.whole_system import WholeSystem, until

SERVICES: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]
WORKERS = ("relay", "projector", "payments", "sealer")
LASTING = ("identity-api", "command-api", "query-api", *WORKERS)
PORTS = {"command-api": 1, "query-api": 2, "identity-api": 3}
SHARED = "operations:/var/lib/falconpay/operations"


class Containers:
    """The processes of the services, without the containers around them."""

    def __init__(self, folder: Path, secrets: dict[str, str], places: dict[str, str]) -> None:
        """Take the content of `.env`, and where servers are on this machine."""
        self.port = WholeSystem(folder).port
        self.health = {name: free_port() for name in WORKERS}
        self.processes: dict[str, subprocess.Popen[bytes]] = {}
        self._folder = folder
        self._secrets = secrets
        (folder / "operations").mkdir()
        for name, service in SERVICES.items():
            if SHARED in service.get("volumes", ()):
                (folder / name).mkdir()
                (folder / name / "operations").symlink_to(folder / "operations")
        keys = f"http://127.0.0.1:{self.port + 3}/.well-known/jwks.json"
        hosts = ("HOST", "DATABASE_HOST", "COMMAND_HOST", "QUERY_HOST", "IDENTITY_HOST")
        self._places = {
            **{f"FALCONPAY_{name}": "127.0.0.1" for name in hosts},
            "FALCONPAY_PORT": str(self.port),
            "FALCONPAY_JWKS_URL": keys,
            **places,
        }

    def environ(self, service: str) -> dict[str, str]:
        """Return what the service is given, with the places of this machine put in."""
        given = {
            name: re.sub(r"\$\{(\w+)(?::-([^}]*)|:\?[^}]*)\}", self._filled, str(value))
            for name, value in SERVICES[service]["environment"].items()
        }
        places = {k: v for k, v in self._places.items() if k != "FALCONPAY_DATABASE" or k in given}
        health = {"FALCONPAY_HEALTH_PORT": str(self.health.get(service, 0))}
        home = {"FALCONPAY_HOME": str(self._folder / service), "PYTHONPATH": str(ROOT)}
        return {**given, **places, **health, **home, "PATH": ""}

    def _filled(self, variable: re.Match[str]) -> str:
        return self._secrets.get(variable[1], variable[2] or "")

    def run(self, service: str, *command: str) -> subprocess.Popen[bytes]:
        """Start the service's command, or another one in its place."""
        words = command or SERVICES[service]["command"]
        with (self._folder / f"{service}.log").open("ab") as log:
            return subprocess.Popen(
                [sys.executable, "-P", "-m", "interfaces.cli", *words],
                cwd=self._folder,
                env=self.environ(service),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE if command else log,
                stderr=log,
            )

    def log(self, service: str) -> str:
        return (self._folder / f"{service}.log").read_text()

    def start(self) -> None:
        """Migrate, start every role, and wait until all are ready."""
        assert self.run("migrate").wait(60) == 0, self.log("migrate")
        for service in LASTING:
            self.processes[service] = self.run(service)
        for service in LASTING:
            port = self.health.get(service) or self.port + PORTS[service]
            until(partial(_ready, port), 30, f"{service}: {self.log(service)}")

    def token(self, scope: str) -> str:
        """Return a token, signed where the keys are."""
        assert SERVICES["token"]["volumes"] == SERVICES["identity-api"]["volumes"]
        signer = self.run("identity-api", "token", "--subject", "alice", "--scope", scope)
        out, _ = signer.communicate(timeout=30)
        assert signer.returncode == 0, self.log("identity-api")
        return out.decode().strip()

    def stop(self) -> dict[str, int]:
        """End every role by SIGTERM and return their exit codes."""
        for process in self.processes.values():
            process.terminate()
        return {name: process.wait(30) for name, process in self.processes.items()}


def _ready(port: int) -> bool:
    try:
        return httpx.get(f"http://127.0.0.1:{port}/readyz", timeout=5).status_code == 200
    except httpx.HTTPError:
        return False


@pytest.fixture
def containers(
    postgres: PostgresHome, kafka_bootstrap: str, tmp_path: Path
) -> Iterator[Containers]:
    """Give the services, stopped, and drop their databases afterwards."""
    make_secrets(tmp_path / ".env")
    secrets = dict(line.split("=", 1) for line in (tmp_path / ".env").read_text().splitlines())
    # Logins belong to the whole server, which other tests use with the passwords it has already.
    for name in map(secret_name, LOGINS):
        secrets[f"FALCONPAY_SECRET_{name.upper()}"] = postgres.secrets.get_or_create(name)
    unique = uuid.uuid4().hex[:10]
    places = {
        "FALCONPAY_DATABASE": postgres.admin,
        "FALCONPAY_DATABASE_PORT": str(conninfo_to_dict(postgres.admin)["port"]),
        "FALCONPAY_DATABASE_PREFIX": f"c{unique}_",
        "FALCONPAY_KAFKA_BOOTSTRAP": kafka_bootstrap,
        "FALCONPAY_LEDGER": f"c{unique}",
    }
    started = Containers(tmp_path, secrets, places)
    yield started
    started.stop()
    with psycopg.connect(postgres.admin, autocommit=True) as connection:
        for database in DATABASES:
            place = sql.Identifier(f"c{unique}_{database}")
            connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(place))


def test_a_wallet_is_opened_and_seen_through_all_roles(containers: Containers) -> None:
    """Command, relay, Kafka, projector and query API work together and believe each other.

    A record whose MAC was not believed would be read from the store, and only be told in the log.
    """
    containers.start()
    headers = {"Authorization": f"Bearer {containers.token('wallets')}"}
    opened = httpx.post(
        f"http://127.0.0.1:{containers.port + 1}/v1/wallets",
        json={"name": "Mine", "currency": "EUR"},
        headers={**headers, "Idempotency-Key": "first"},
    )
    assert opened.status_code == 201, opened.text
    seen = httpx.get(
        f"http://127.0.0.1:{containers.port + 2}/v1/wallets/{opened.json()['wallet_id']}",
        params={"min_position": opened.json()["position"]},
        headers=headers,
        timeout=10,
    )
    assert (seen.status_code, seen.json().get("available")) == (200, "0.00"), seen.text
    assert containers.stop() == dict.fromkeys(LASTING, 0)
    lines = [json.loads(line) for each in LASTING for line in containers.log(each).splitlines()]
    assert "record-refused" not in [line["event"] for line in lines]
    assert [line for line in lines if line["level"] == "error"] == []
    assert lines


def test_a_token_signed_in_a_container_is_on_record(containers: Containers) -> None:
    """The note of it is kept where the container that carries it into the ledger finds it."""
    containers.start()
    headers = {"Authorization": f"Bearer {containers.token('audit')}"}
    url = f"http://127.0.0.1:{containers.port + 2}/v1/audit/events"

    def recorded() -> bool:
        events = httpx.get(url, headers=headers, timeout=10).json()["items"]
        return any(event["type"] == "operation.token_signed.v1" for event in events)

    until(recorded, 20, "the token is on record")
