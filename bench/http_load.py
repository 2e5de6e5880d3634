"""The load generator as a process: an order on standard input, what it saw on standard output."""

import asyncio
import json
import random
import sys
import time
from collections.abc import Iterator
from typing import Any

import uvloop

from bench.load import drive, post, until


def transfer(order: dict[str, Any]) -> dict[str, str]:
    """Return a transfer of a cent between two wallets."""
    source, destination = random.sample(order["wallets"], 2)
    return {
        "source_wallet_id": source,
        "destination_wallet_id": destination,
        "amount": "0.01",
        "currency": "EUR",
    }


def requests(order: dict[str, Any], run: int, connection: int) -> Iterator[bytes]:
    """Yield one connection's requests until the time is over, each with a key of its own."""
    token = order["tokens"][connection % len(order["tokens"])]
    size = order["size"]

    def make(number: int) -> bytes:
        key = f"{run}-{connection}-{number}"
        if size == 1:
            body = json.dumps(transfer(order)).encode()
            return post("/v1/transfers", token, key, body)
        items = [{**transfer(order), "idempotency_key": f"{key}-{i}"} for i in range(size)]
        body = json.dumps({"mode": "independent", "transfers": items}).encode()
        return post("/v1/transfers/batch", token, key, body)

    return until(time.perf_counter() + order["seconds"], make)


def main() -> None:
    """Send the load; every answer must say that it was done."""
    order = json.load(sys.stdin)
    run = time.time_ns()
    uvloop.install()
    load = asyncio.run(drive(order["url"], lambda n: requests(order, run, n), order["connections"]))
    done = 201 if order["size"] == 1 else 200
    assert set(load.statuses) == {done}, load.statuses
    json.dump(
        {
            "per_second": load.per_second * order["size"],
            "p50": load.percentile(0.50),
            "p99": load.percentile(0.99),
        },
        sys.stdout,
    )


if __name__ == "__main__":
    main()
