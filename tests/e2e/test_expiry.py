"""Holds end by themselves in the system that `./falcon up` starts."""

from datetime import datetime, timedelta
from typing import Any

import httpx

from tests.tools.whole_system import WholeSystem, until

PROMISED = timedelta(seconds=10)


def test_a_hold_that_nobody_captures_runs_out(running: WholeSystem) -> None:
    """It is `expired` within ten seconds of its end, and its money is available again."""
    token = running.token("read wallets payments operate", "guest")
    client = httpx.Client(
        base_url=f"http://127.0.0.1:{running.port}",
        headers={"Authorization": f"Bearer {token}"},
        timeout=20,
    )

    def post(path: str, key: str, body: dict[str, Any]) -> dict[str, Any]:
        answer = client.post(path, json=body, headers={"Idempotency-Key": f"expiry-{key}"})
        assert answer.status_code == 201, answer.text
        found: dict[str, Any] = answer.json()
        return found

    def get(path: str, position: int) -> dict[str, Any]:
        found: dict[str, Any] = client.get(path, params={"min_position": position}).json()
        return found

    wallet = {"name": "Trip", "currency": "EUR"}
    payer = post("/v1/wallets", "payer", {**wallet, "overdraft_limit": "100.00"})["wallet_id"]
    payee = post("/v1/wallets", "payee", wallet)["wallet_id"]
    order = {"source_wallet_id": payer, "destination_wallet_id": payee, "currency": "EUR"}
    hold = post("/v1/holds", "hold", {**order, "amount": "60.00", "expires_in": 1})
    assert hold["status"] == "authorized"
    balance = f"/v1/wallets/{payer}/balance"
    assert get(balance, hold["position"])["held"] == "60.00"

    def payment() -> dict[str, Any]:
        return get(f"/v1/payments/{hold['payment_id']}", hold["position"])

    until(lambda: payment()["status"] == "expired", 30, "the hold has expired")
    ended = payment()["timeline"][-1]
    assert ended["status"] == "expired"
    late = datetime.fromisoformat(ended["recorded_at"]) - datetime.fromisoformat(hold["expires_at"])
    assert timedelta(0) <= late < PROMISED
    now = client.get(balance).json()
    assert (now["held"], now["available"]) == ("0.00", "0.00")
    # The whole of the limit can be spent again.
    post("/v1/transfers", "after", {**order, "amount": "100.00"})
