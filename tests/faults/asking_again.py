"""When all is well again, asks again for what was asked in the storm: answers are for ever."""

import json
import random
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import httpx

KEYS = 150
TRIES = 3
ENOUGH = 3
"""Each takes long; that there are any is what counts."""


def ask_again(
    url: str, tokens: Mapping[str | None, str], logs: Iterable[Path], seed: int
) -> list[str]:
    """Send requests drawn from the clients' logs once more, and add the answers to the same logs.

    Whether each answer is the first one again is for the checker to say; here it is only a
    fault when there is none. What was unknown until now is decided by it. The tokens are by
    subject, that of the campaign by none.
    """
    faults: list[str] = []
    headers = {"Content-Type": "application/json"}
    with httpx.Client(base_url=url, headers=headers, timeout=10) as client:
        for log, entry in _drawn(logs, random.Random(seed)):
            line: dict[str, Any] = {}
            for _ in range(TRIES):
                line = _ask(client, tokens, entry)
                with log.open("a") as file:
                    file.write(json.dumps(line) + "\n")
                if line["status"] is not None and line["status"] < 500:
                    break
                time.sleep(1)
            else:
                faults.append(f"{entry['key']}: no answer when all was well again: {line}")
            if len(faults) == ENOUGH:
                break
    return faults


def _drawn(logs: Iterable[Path], choose: random.Random) -> list[tuple[Path, dict[str, Any]]]:
    """Return a sample of the attempts that are on record or unknown, each equally likely."""
    drawn: list[tuple[Path, dict[str, Any]]] = []
    seen = 0
    for log in logs:
        with log.open() as lines:
            for line in lines:
                entry = json.loads(line)
                if not entry.get("key") or entry.get("other") or entry.get("drained"):
                    continue
                status, answer = entry["status"], entry["answer"]
                if status is not None and status < 500 and '"position"' not in answer:
                    continue
                seen += 1
                place = len(drawn) if len(drawn) < KEYS else choose.randrange(seen)
                if place == len(drawn):
                    drawn.append((log, entry))
                elif place < KEYS:
                    drawn[place] = (log, entry)
    return drawn


def _ask(
    client: httpx.Client, tokens: Mapping[str | None, str], entry: dict[str, Any]
) -> dict[str, Any]:
    sent = time.time()
    try:
        token = tokens[entry.get("by")]
        headers = {"Idempotency-Key": entry["key"], "Authorization": f"Bearer {token}"}
        answer = client.post(entry["path"], content=entry["body"], headers=headers)
        status, text = answer.status_code, answer.text
    except httpx.HTTPError as error:
        status, text = None, type(error).__name__
    told = {"place": "command", "status": status, "answer": text, "sent": sent, "at": time.time()}
    return {**entry, **told}
