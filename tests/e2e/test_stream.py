"""Changes come live through the gateway of the system that `./falcon up` starts."""

from typing import Any

import httpx

from tests.streams import Reading
from tests.tools.whole_system import WholeSystem

RUNS = 20


def test_changes_come_through_the_gateway(running: WholeSystem) -> None:
    """For longer than any other answer may take, each in its order."""
    token = running.token("read wallets payments operate", "streamer")
    mine = running.token("read", "streamer")
    client = httpx.Client(
        base_url=f"http://127.0.0.1:{running.port}",
        headers={"Authorization": f"Bearer {token}"},
        timeout=30,
    )

    def post(path: str, key: str, body: dict[str, Any]) -> dict[str, Any]:
        answer = client.post(path, json=body, headers={"Idempotency-Key": f"stream-{key}"})
        assert answer.status_code == 201, answer.text
        found: dict[str, Any] = answer.json()
        return found

    wallet = {"name": "Live", "currency": "EUR"}
    payer = post("/v1/wallets", "payer", {**wallet, "overdraft_limit": "100.00"})["wallet_id"]
    payee = post("/v1/wallets", "payee", wallet)["wallet_id"]
    order = {"source_wallet_id": payer, "destination_wallet_id": payee, "currency": "EUR"}
    headers = {"Authorization": f"Bearer {mine}"}
    with client.stream("GET", "/v1/stream", headers=headers) as response:
        assert response.status_code == 200
        stream = Reading(response)
        # Beats come every 15 seconds, and so long no other answer may take.
        stream.beat()
        stream.beat()
        for number in range(RUNS):
            paid = post("/v1/transfers", f"pay{number}", {**order, "amount": "1.00"})
            told = stream.take(3)
            assert [event.name for event in told] == ["payment", "balance", "balance"]
            assert told[0].document["payment_id"] == paid["payment_id"]
            assert told[2].position == paid["position"]
