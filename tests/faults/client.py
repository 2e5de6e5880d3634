"""A client process: sends transfers, retries what got no answer, and logs all of it to disk.

Arguments: log file, base URL, token, seed, seconds, then the wallets.
"""

import json
import random
import sys
import time
from pathlib import Path
from typing import Any, TextIO

import httpx


def main(log: Path, base: str, token: str, seed: int, seconds: float, wallets: list[str]) -> None:
    """Send until the time is over; each attempt is in the log before the next is sent."""
    choose = random.Random(seed)
    end = time.monotonic() + seconds
    number = 0
    keys: list[tuple[str, str]] = []
    with log.open("a", buffering=1) as file, httpx.Client(base_url=base, timeout=8) as client:
        while time.monotonic() < end:
            if keys and choose.random() < 0.05:
                key, body = choose.choice(keys)
            else:
                key, body = _new(choose, f"{seed}-{number}", wallets)
                keys.append((key, body))
                number += 1
            for attempt in range(choose.randint(1, 6)):
                status = _attempt(client, token, key, body, file)
                if status is not None and status < 500:
                    break
                time.sleep(0.05 * 2**attempt * choose.random())


def _new(choose: random.Random, key: str, wallets: list[str]) -> tuple[str, str]:
    source, destination = choose.sample(wallets, 2)
    body = {
        "source_wallet_id": source,
        "destination_wallet_id": destination,
        "amount": f"{choose.randint(1, 4000) / 100:.2f}",
        "currency": "EUR",
        "description": key,
    }
    return key, json.dumps(body)


def _attempt(client: httpx.Client, token: str, key: str, body: str, file: TextIO) -> int | None:
    entry: dict[str, Any] = {"key": key, "path": "/v1/transfers", "body": body}
    headers = {
        "Authorization": f"Bearer {token}",
        "Idempotency-Key": key,
        "Content-Type": "application/json",
    }
    try:
        answer = client.post("/v1/transfers", content=body, headers=headers)
        status, text = answer.status_code, answer.text
    except httpx.HTTPError as error:
        status, text = None, type(error).__name__
    file.write(json.dumps({**entry, "status": status, "answer": text, "at": time.time()}) + "\n")
    return status


if __name__ == "__main__":
    where, url, bearer, number, duration, *ids = sys.argv[1:]
    main(Path(where), url, bearer, int(number), float(duration), ids)
