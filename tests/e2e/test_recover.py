"""From a backup under load to a recovered epoch, by the command line and HTTP alone."""

import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.tools.whole_system import WholeSystem, until

pytestmark = pytest.mark.timeout(300)


class Client:
    """Opens wallets at the gateway, one after the other, and keeps what was acknowledged."""

    def __init__(self, system: WholeSystem) -> None:
        self.url = f"http://127.0.0.1:{system.port}/v1/wallets"
        self.token = system.token("wallets read operate audit")
        self.acknowledged: dict[str, int] = {}
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._load)

    def get(self, path: str, **parameters: int) -> httpx.Response:
        headers = {"Authorization": f"Bearer {self.token}"}
        return httpx.get(f"{self.url}{path}", params=parameters, headers=headers, timeout=10)

    def open(self, key: str) -> int:
        """Return the position of a new wallet."""
        headers = {"Authorization": f"Bearer {self.token}", "Idempotency-Key": key}
        body = {"name": key, "currency": "EUR"}
        answer = httpx.post(self.url, json=body, headers=headers, timeout=10).raise_for_status()
        position = int(answer.headers["Ledger-Position"])
        self.acknowledged[answer.json()["wallet_id"]] = position
        return position

    def _load(self) -> None:
        number = 0
        while not self._stop.is_set():
            number += 1
            self.open(f"load-{number}")

    def __enter__(self) -> "Client":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()


@pytest.fixture
def system(tmp_path: Path) -> Iterator[WholeSystem]:
    found = WholeSystem(FALCONPAY_WAL_ARCHIVE=str(tmp_path / "wal"))
    yield found
    found.close()


@pytest.fixture
def empty() -> Iterator[WholeSystem]:
    found = WholeSystem()
    yield found
    found.close()


def done(system: WholeSystem, *words: str) -> Any:
    ended = system.falcon(*words, "--json")
    assert ended.returncode == 0, ended.stderr
    return json.loads(ended.stdout)


def healthy(system: WholeSystem) -> bool:
    status = system.status()
    return (
        all(role["ready"] for role in status["roles"])
        and not status["diverged"]
        and all(model["position"] == status["position"] for model in status["projections"])
    )


def test_backup_restore_recover(system: WholeSystem, empty: WholeSystem, tmp_path: Path) -> None:
    """What was acknowledged before is there; what came after is void; all goes on from there."""
    file = tmp_path / "home.backup"
    system.up()
    with Client(system) as client:
        until(lambda: len(client.acknowledged) > 20, 60, "load")
        before = dict(client.acknowledged)
        (ledger,) = done(system, "backup", str(file))["ledgers"]
        kept = ledger["position"]
        until(lambda: len(client.acknowledged) > kept + 20, 60, "load after the backup")
    assert kept >= max(before.values())
    until(lambda: healthy(system), 60, "read models at the head")
    assert system.falcon("restore", str(file)).returncode == 3
    system.falcon("down")
    assert (tmp_path / "wal" / "000000010000000000000001").exists()
    assert system.falcon("restore", str(file)).returncode == 2
    done(system, "restore", str(file), "--replace")
    done(empty, "restore", str(file))
    assert not empty.processes(), "its server was started for the restore alone"
    assert empty.falcon("restore", str(file)).returncode == 2, "what was restored has stayed"
    keys = [each.home / "secrets" / "signing_keys" for each in (system, empty)]
    assert keys[0].read_text() == keys[1].read_text()

    system.up()
    status = system.status()
    # Tokens that are signed come on record meanwhile, one event each.
    assert kept <= status["position"] < kept + 5
    assert {model["state"] for model in status["projections"]} == {"diverged"}
    assert "run ./falcon recover" in status["diverged"][0]
    assert "run ./falcon recover" in " ".join(system.falcon("status").stdout.split())
    port = next(role["port"] for role in status["roles"] if role["name"] == "relay")
    assert httpx.get(f"http://127.0.0.1:{port}/readyz").status_code == 503
    again = Client(system)
    restored = again.open("after-the-restore")
    assert kept < restored < kept + 10, "commands go on"

    begun = done(system, "recover")
    assert (begun["epoch"], begun["topic"]) == (2, "falconpay.main.events.2")
    until(lambda: healthy(system), 60, "recovered")
    assert system.falcon("recover").returncode == 1
    position = again.open("in-the-new-epoch")
    assert position > restored
    for wallet, at in [*before.items(), *again.acknowledged.items()]:
        answer = again.get(f"/{wallet}/balance", min_position=at)
        assert answer.status_code == 200, answer.text
        assert int(answer.headers["Ledger-Position"]) >= at
    void = next(wallet for wallet, at in client.acknowledged.items() if at > kept)
    assert again.get(f"/{void}/balance", min_position=position).status_code == 404
    assert system.falcon("replay", "verify").returncode == 0
