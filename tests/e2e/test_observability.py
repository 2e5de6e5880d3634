"""Health, figures, traces and logs of every role, as whoever operates it meets them."""

import json
from typing import Any

import httpx
import pytest
from confluent_kafka import Consumer, TopicPartition

from tests.tools.whole_system import WholeSystem, until

TRACE = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
SECRET_NAME = "Ada Lovelace of Ockham"


@pytest.fixture(scope="module")
def traced(running: WholeSystem) -> dict[str, Any]:
    """Return a wallet opened within a trace, and one whose trace header is not valid."""
    headers = {"Authorization": f"Bearer {running.token('wallets payments')}"}
    opened = {}
    with httpx.Client(base_url=f"http://127.0.0.1:{running.port}", headers=headers) as client:
        for key, trace in (("traced", TRACE), ("untraced", "00-xyz-01")):
            answer = client.post(
                "/v1/wallets",
                json={"name": SECRET_NAME, "currency": "EUR"},
                headers={"Idempotency-Key": f"observed-{key}", "traceparent": trace},
            )
            opened[key] = answer.raise_for_status().json()
    return opened


def test_every_role_is_healthy_and_counts(running: WholeSystem) -> None:
    """Each role answers `/healthz`, `/readyz` and `/metrics` on its own port."""
    roles = running.status()["roles"]
    assert {role["name"] for role in roles} >= {
        "command-api",
        "query-api",
        "relay",
        "projector",
        "payments",
    }
    for role in roles:
        base = f"http://127.0.0.1:{role['port']}"
        assert httpx.get(f"{base}/healthz").status_code == 200
        assert httpx.get(f"{base}/readyz").status_code == 200
        assert "falconpay_" in httpx.get(f"{base}/metrics").text, role


def test_lag_is_a_figure(running: WholeSystem) -> None:
    """The projector tells how far each read model is behind."""
    port = next(r["port"] for r in running.status()["roles"] if r["name"] == "projector")
    page = httpx.get(f"http://127.0.0.1:{port}/metrics").text
    for name in ("balances", "entries", "payments", "daily_totals", "trial_balance"):
        assert any(
            line.startswith("falconpay_projection") and "lag" in line and name in line
            for line in page.splitlines()
        ), name


def test_a_trace_goes_with_the_event(running: WholeSystem, traced: dict[str, Any]) -> None:
    """A valid trace is in the event's metadata and in Kafka's header, an invalid one nowhere."""
    token = running.token("audit")
    events = {}
    for key, wallet in traced.items():
        answer = httpx.get(
            f"http://127.0.0.1:{running.port}/v1/audit/events",
            params={"wallet_id": wallet["wallet_id"]},
            headers={"Authorization": f"Bearer {token}"},
        )
        events[key] = answer.raise_for_status().json()["items"][0]
    assert events["traced"]["metadata"]["traceparent"] == TRACE
    assert "traceparent" not in events["untraced"]["metadata"]
    position = traced["traced"]["position"]
    assert (
        headers_at(running.status()["kafka_bootstrap"], position)["traceparent"] == TRACE.encode()
    )


def headers_at(bootstrap: str, position: int) -> dict[Any, Any]:
    """Return the headers of the record of a position."""
    consumer = Consumer({"bootstrap.servers": bootstrap, "group.id": "observer"})
    consumer.assign([TopicPartition("falconpay.main.events", 0, 0)])
    try:
        for _ in range(1000):
            message = consumer.poll(1)
            if message is None or message.error():
                continue
            headers = dict(message.headers() or [])
            if headers["position"] == str(position).encode():
                return headers
    finally:
        consumer.close()
    raise AssertionError(f"no record of position {position}")


def test_logs_tell_requests_and_no_secrets(running: WholeSystem, traced: dict[str, Any]) -> None:
    """Lines are JSON with request and trace ids; tokens, passwords and names are in none."""
    trace_id = TRACE[3:35]

    def lines() -> list[dict[str, Any]]:
        files = (running.home / "logs").glob("*.jsonl")
        return [json.loads(line) for file in files for line in file.read_text().splitlines()]

    until(lambda: any(line.get("trace_id") == trace_id for line in lines()), 10, "the trace")
    assert any(line.get("request_id") for line in lines())
    assert traced
    secrets = [p.read_text().strip() for p in (running.home / "secrets").iterdir() if p.is_file()]
    for file in (running.home / "logs").iterdir():
        text = file.read_text(errors="replace") if file.is_file() else ""
        assert SECRET_NAME not in text, file.name
        assert "Bearer ey" not in text, file.name
        for secret in secrets:
            assert secret not in text, file.name
