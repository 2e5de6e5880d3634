"""The load generator as a process: an order on standard input, what it saw on standard output."""

import asyncio
import json
import random
import sys
import time
from typing import Any

import uvloop

from bench.load import Load, Make, closed, paced


def transfer(order: dict[str, Any]) -> dict[str, str]:
    """Return a transfer of a cent between two wallets."""
    source, destination = random.sample(order["wallets"], 2)
    return {
        "source_wallet_id": source,
        "destination_wallet_id": order["hot"] if _pays_hot(order, source) else destination,
        "amount": "0.01",
        "currency": "EUR",
    }


def _pays_hot(order: dict[str, Any], source: str) -> bool:
    return order["hot"] is not None and source != order["hot"]


def maker(order: dict[str, Any]) -> Make:
    """Return what makes requests, each with a key that no other has."""
    run = time.time_ns()
    tokens, size = order["tokens"], order["size"]

    def make(connection: int, number: int) -> bytes:
        token = tokens[connection % len(tokens)]
        if order["query"]:
            path = f"/v1/wallets/{random.choice(order['wallets'])}/balance"
            return f"GET {path} HTTP/1.1\r\n{_head(token)}\r\n".encode()
        key = f"{run}-{number}"
        if size == 1:
            return _post("/v1/transfers", token, key, transfer(order))
        items = [{**transfer(order), "idempotency_key": f"{key}-{i}"} for i in range(size)]
        body = {"mode": "independent", "transfers": items}
        return _post("/v1/transfers/batch", token, key, body)

    return make


def _head(token: str) -> str:
    return f"Host: ledger\r\nAuthorization: Bearer {token}\r\n"


def _post(path: str, token: str, key: str, document: object) -> bytes:
    body = json.dumps(document).encode()
    return (
        f"POST {path} HTTP/1.1\r\n{_head(token)}Idempotency-Key: {key}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    ).encode() + body


async def run(order: dict[str, Any]) -> Load:
    """Send the load that was ordered; without a rate it is a closed one."""
    make = maker(order)
    url, connections, seconds = order["url"], order["connections"], order["seconds"]
    if order["rate"] is None:
        return await closed(url, make, connections, seconds)
    return await paced(url, make, connections, seconds, order["rate"], wait=order["wait"])


def main() -> None:
    """Send the load; unless refusals are expected, every answer must say that it was done."""
    order = json.load(sys.stdin)
    uvloop.install()
    summary = asyncio.run(run(order)).summary()
    done = "200" if order["query"] or order["size"] > 1 else "201"
    expected = {done, "503"} if order["refusals"] else {done}
    assert set(summary["statuses"]) <= expected, summary["statuses"]
    summary["per_second"] *= order["size"]
    json.dump(summary, sys.stdout)


if __name__ == "__main__":
    main()
