"""The load of a campaign: a token, wallets that money goes round in, and client processes."""

import json
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import httpx

from tests.faults.client import Orders
from tests.tools.whole_system import WholeSystem

ROOT = Path(__file__).parents[2]
SUBJECT = "campaign"
TOKEN_SECONDS = 24 * 3600
WALLETS_OF_EACH = 4
LIMITS = {"EUR": "50.00", "JPY": "5000", "KWD": "5.000"}


@dataclass(frozen=True)
class Account:
    """Whose commands the campaign's are, and the wallets (id, currency) that all clients use."""

    token: str
    wallets: list[tuple[str, str]]


def open_account(system: WholeSystem, base: str, logs: Path) -> Account:
    """Make a token and open wallets; what is asked stands in a log as a client's would.

    Of each currency there is one wallet without limit, so that there is money to go round.
    """
    scope, life = "wallets payments operate", str(TOKEN_SECONDS)
    done = system.falcon("token", "--subject", SUBJECT, "--scope", scope, "--expires-in", life)
    assert done.returncode == 0, done.stderr
    token = done.stdout.strip()
    wallets = []
    with (
        httpx.Client(base_url=base, headers={"Authorization": f"Bearer {token}"}) as client,
        (logs / "client-setup.jsonl").open("a", buffering=1) as log,
    ):
        for currency, limit in LIMITS.items():
            for number in range(WALLETS_OF_EACH):
                key = f"setup-{currency}-{number}"
                body = {"name": key, "reference": key, "currency": currency}
                if number:
                    body["overdraft_limit"] = limit
                else:
                    body |= {"kind": "system", "overdraft_limit": "unlimited"}
                text, sent = json.dumps(body), time.time()
                headers = {"Idempotency-Key": key, "Content-Type": "application/json"}
                answer = client.post("/v1/wallets", content=text, headers=headers)
                line: dict[str, Any] = {
                    "path": "/v1/wallets",
                    "body": text,
                    "key": key,
                    "place": "command",
                }
                line |= {"status": answer.status_code, "answer": answer.text, "sent": sent}
                log.write(json.dumps(line | {"at": time.time()}) + "\n")
                opened = answer.raise_for_status().json()
                wallets.append((opened["wallet_id"], currency))
    return Account(token, wallets)


def start_clients(
    count: int,
    seed: int,
    seconds: float,
    pause_seconds: float,
    account: Account,
    bases: Mapping[str, str],
    logs: Path,
) -> list[subprocess.Popen[str]]:
    """Start client processes, each with a log of its own."""
    clients = []
    for number in range(count):
        log = str(logs / f"client-{number}.jsonl")
        orders = Orders(
            log, number, seed, seconds, pause_seconds, account.token, bases, account.wallets
        )
        client = subprocess.Popen(
            [sys.executable, "-m", "tests.faults.client"],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            text=True,
        )
        assert client.stdin is not None
        with client.stdin as pipe:
            json.dump(asdict(orders), pipe)
        clients.append(client)
    return clients
