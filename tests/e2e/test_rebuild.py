"""Read models are rebuilt in the system that `./falcon up` starts, and nobody notices."""

import json
import threading
from typing import Any

import httpx

from tests.tools.whole_system import WholeSystem, until

MODELS = ("balances", "members", "entries", "payments")


def test_queries_are_answered_while_read_models_are_rebuilt(running: WholeSystem) -> None:
    """Payments go on; every query is answered, and no position and no balance goes back."""
    token = running.token("read wallets payments operate", "rebuilder")
    client = httpx.Client(
        base_url=f"http://127.0.0.1:{running.port}",
        headers={"Authorization": f"Bearer {token}"},
        timeout=30,
    )

    def post(path: str, key: str, body: dict[str, Any]) -> dict[str, Any]:
        answer = client.post(path, json=body, headers={"Idempotency-Key": f"rebuild-{key}"})
        assert answer.status_code == 201, answer.text
        found: dict[str, Any] = answer.json()
        return found

    wallet = {"name": "Kept", "currency": "EUR"}
    payer = post("/v1/wallets", "payer", {**wallet, "overdraft_limit": "1000.00"})["wallet_id"]
    payee = post("/v1/wallets", "payee", wallet)["wallet_id"]
    order = {"source_wallet_id": payer, "destination_wallet_id": payee, "currency": "EUR"}
    seen: list[tuple[int, float]] = []
    faults: list[str] = []
    stop = threading.Event()

    def pay_and_ask() -> None:
        number = 0
        while not stop.wait(0.05):
            number += 1
            post("/v1/transfers", f"pay{number}", {**order, "amount": "0.01"})
            answer = client.get(f"/v1/wallets/{payee}/balance")
            if answer.status_code != 200:
                faults.append(answer.text)
                continue
            seen.append((answer.json()["position"], float(answer.json()["posted"])))

    thread = threading.Thread(target=pay_and_ask, daemon=True)
    thread.start()
    try:
        for name in MODELS:
            done = running.falcon("replay", "rebuild", name, "--json")
            assert done.returncode == 0, done.stderr
            told = json.loads(done.stdout)
            assert (told["switched"], told["differences"]) == (True, 0)
    finally:
        stop.set()
        thread.join(30)
    assert faults == []
    assert len(seen) > len(MODELS)
    assert seen == sorted(seen)
    until(lambda: all_follow(running), 30, "every read model follows")
    assert running.falcon("replay", "verify", "--json").returncode == 0


def all_follow(running: WholeSystem) -> bool:
    states = {projection["state"] for projection in running.status()["projections"]}
    return states == {"following"}
