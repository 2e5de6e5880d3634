"""SIGTERM under load: what a command API accepted is answered before it ends."""

import json
import signal
import threading
import time
from typing import Any, TextIO

import httpx

from tests.faults.ground import Ground

SENDERS = 12
SECONDS = 30.0


def drain_under_load(ground: Ground) -> None:
    """Ask the second command API to end while senders of its own keep it busy.

    What they send is sent once. The checker holds against it whatever is stored and was not
    answered; here it is seen that the process ends in time and with 0.
    """
    other = ground.others["command-api"]
    stop = threading.Event()
    name = f"client-drain-{ground.choose.randrange(10**9)}"
    with other.hold(), (ground.logs / f"{name}.jsonl").open("a", buffering=1) as log:
        senders = [
            threading.Thread(target=_send, args=(ground, f"{name}-{n}", log, stop), daemon=True)
            for n in range(SENDERS)
        ]
        for sender in senders:
            sender.start()
        ground.pause(ground.choose.uniform(0.3, 1.0))
        if other.pid is None:
            ground.note("the second command API was down before it was asked to end")
        else:
            begun = time.monotonic()
            ready = other.ready()
            code = other.drain(SECONDS)
            ground.note("drained", code=code, seconds=round(time.monotonic() - begun, 1))
            # One that has only just begun to start knows no other end yet, and has taken nothing.
            starting = not ready and code == -signal.SIGTERM
            if code not in (0, -signal.SIGKILL) and not starting:
                ground.complain(f"a command API that drained ended with {code}")
        stop.set()
        for sender in senders:
            sender.join(SECONDS)


def _send(ground: Ground, prefix: str, log: TextIO, stop: threading.Event) -> None:
    base = ground.others["command-api"].url
    wallets = [wallet for wallet, currency in ground.account.wallets if currency == "EUR"]
    number = 0
    with httpx.Client(base_url=base, timeout=20) as client:
        while not stop.is_set():
            number += 1
            key = f"{prefix}-{number}"
            body = {
                "source_wallet_id": wallets[0],
                "destination_wallet_id": wallets[1 + number % (len(wallets) - 1)],
                "amount": "0.01",
                "currency": "EUR",
                "description": key,
            }
            line = _ask(client, ground.account.token, key, json.dumps(body))
            log.write(json.dumps(line) + "\n")
            if line["answer"] == "ConnectError":
                return


def _ask(client: httpx.Client, token: str, key: str, body: str) -> dict[str, Any]:
    path, sent = "/v1/transfers", time.time()
    headers = {
        "Authorization": f"Bearer {token}",
        "Idempotency-Key": key,
        "Content-Type": "application/json",
    }
    try:
        answer = client.post(path, content=body, headers=headers)
        status, text = answer.status_code, answer.text
    except httpx.HTTPError as error:
        status, text = None, type(error).__name__
    asked = {"path": path, "key": key, "body": body, "place": "second", "drained": True}
    return asked | {"status": status, "answer": text, "sent": sent, "at": time.time()}
