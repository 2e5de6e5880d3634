"""Transfers a second over HTTP, with the fan-out paused and with everything running."""

import json
import subprocess
import sys
from collections.abc import Sequence

import httpx

from bench.figure import Figure
from bench.place import ROOT, Place

WALLETS = 500
TRANSFERS = "/v1/transfers"
BATCH = "/v1/transfers/batch"


def figures(place: Place, seconds: float, runs: int) -> list[Figure]:
    """Measure the command API alone, everything together, the gateway, batches, one caller."""
    status = place.status()
    command, gateway = status["urls"]["command"], status["urls"]["gateway"]
    token = place.token("bench", "wallets payments operate")
    wallets = _open(command, token)

    def load(url: str, connections: int, size: int = 1) -> list[dict[str, float]]:
        return [_load(place, url, connections, seconds, wallets, size) for _ in range(runs)]

    with place.fan_out_paused():
        alone = load(command, 64)
        many = load(command, 256)
        batches = load(command, 8, size=100)
        single = load(command, 1)
    together, through = load(command, 64), load(gateway, 64)
    return [
        _rate("POST /v1/transfers, 64 connections, relay and projections paused", alone, 3500),
        _rate("the same, 256 connections", many, 3500),
        _rate("the same, 64 connections, everything running", together, 2000),
        _rate("the same, through the gateway", through, 1500),
        _rate("POST /v1/transfers/batch of 100, 8 connections", batches, 8000),
        Figure(
            "one caller, one at a time: p50",
            "ms",
            tuple(run["p50"] for run in single),
            4,
            at_most=True,
        ),
    ]


def _rate(name: str, runs: Sequence[dict[str, float]], goal: float) -> Figure:
    middle = sorted(runs, key=lambda run: run["per_second"])[len(runs) // 2]
    remarks: dict[str, float | str] = {
        "p50 ms": round(middle["p50"], 1),
        "p99 ms": round(middle["p99"], 1),
    }
    rates = tuple(run["per_second"] for run in runs)
    return Figure(name, "transfers/s", rates, goal, remarks=remarks)


def _open(url: str, token: str) -> list[str]:
    wallets = []
    with httpx.Client(base_url=url, headers={"Authorization": f"Bearer {token}"}) as client:
        for number in range(WALLETS):
            answer = client.post(
                "/v1/wallets",
                json={"name": f"w{number}", "currency": "EUR", "overdraft_limit": "unlimited"},
                headers={"Idempotency-Key": f"open-{number}"},
            )
            wallets.append(answer.raise_for_status().json()["wallet_id"])
    return wallets


def _load(
    place: Place, url: str, connections: int, seconds: float, wallets: list[str], size: int
) -> dict[str, float]:
    """Run the load generator as a process of its own and return what it saw."""
    tokens = [place.token("bench", "payments operate") for _ in range(min(connections, 8))]
    order = {
        "url": url,
        "connections": connections,
        "seconds": seconds,
        "wallets": wallets,
        "tokens": tokens,
        "size": size,
    }
    done = subprocess.run(
        [sys.executable, "-m", "bench.http_load"],
        input=json.dumps(order),
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        env=place.environ,
        check=True,
    )
    found: dict[str, float] = json.loads(done.stdout)
    return found
