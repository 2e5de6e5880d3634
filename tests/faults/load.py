"""The load of a campaign: a token, wallets that money goes round in, and client processes."""

import json
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, TextIO

import httpx

from tests.faults.client import Orders
from tests.tools.whole_system import WholeSystem

ROOT = Path(__file__).parents[2]
SUBJECT, AUDITOR = "campaign", "campaign-auditor"
TOKEN_SECONDS = 24 * 3600
WALLETS_OF_EACH = 4
OWNERS = ("campaign-2", "campaign-3")
SHARED = {"EUR": (1, "10.00"), "JPY": (2, "1000")}
"""How many other owners must approve what is above which amount."""

DAILY = {"EUR": "400.00", "JPY": "40000", "KWD": "40.000"}
LIMITS = {"EUR": "50.00", "JPY": "5000", "KWD": "5.000"}


@dataclass(frozen=True)
class Account:
    """Whose commands the campaign's are, and the wallets (id, currency) that all clients use.

    `shared` are those of several owners, whose tokens are in `owners` by their subjects. `auditor`
    is the token of who reads everything and changes nothing.
    """

    token: str
    wallets: list[tuple[str, str]]
    shared: list[tuple[str, str]] = field(default_factory=list)
    owners: dict[str, str] = field(default_factory=dict)
    auditor: str = ""


def open_account(system: WholeSystem, base: str, logs: Path) -> Account:
    """Make a token and open wallets; what is asked stands in a log as a client's would.

    Of each currency there is one wallet without limit, so that there is money to go round, and one
    that may give so much on a day.
    """
    scope = "wallets payments operate"
    auditor = _token(system, AUDITOR, "audit")
    account = Account(_token(system, SUBJECT, scope), [], auditor=auditor)
    account.owners.update({owner: _token(system, owner, "payments") for owner in OWNERS})
    headers = {"Authorization": f"Bearer {account.token}"}
    with (
        httpx.Client(base_url=base, headers=headers) as client,
        (logs / "client-setup.jsonl").open("a", buffering=1) as log,
    ):
        ask = _Asker(client, log)
        for currency, limit in LIMITS.items():
            for number in range(WALLETS_OF_EACH):
                key = f"setup-{currency}-{number}"
                body = {"name": key, "reference": key, "currency": currency}
                if number:
                    body["overdraft_limit"] = limit
                else:
                    body |= {"kind": "system", "overdraft_limit": "unlimited"}
                opened = ask("POST", "/v1/wallets", body, key)
                account.wallets.append((opened["wallet_id"], currency))
            path = f"/v1/wallets/{account.wallets[-1][0]}/limits"
            ask("PUT", path, {"per_payment": None, "per_day": DAILY[currency]}, None)
        for currency, (required, above) in SHARED.items():
            key = f"setup-{currency}-shared"
            body = {"name": key, "reference": key, "currency": currency, "kind": "shared"}
            body["overdraft_limit"] = LIMITS[currency]
            wallet = ask("POST", "/v1/wallets", body, key)["wallet_id"]
            account.shared.append((wallet, currency))
            path = f"/v1/wallets/{wallet}"
            for owner in OWNERS:
                member = {"user_id": owner, "role": "owner"}
                ask("POST", f"{path}/members", member, f"{key}-{owner}")
            ask("PUT", f"{path}/approvals", {"required": required, "above": above}, None)
    return account


def _token(system: WholeSystem, subject: str, scope: str) -> str:
    life = str(TOKEN_SECONDS)
    done = system.falcon("token", "--subject", subject, "--scope", scope, "--expires-in", life)
    assert done.returncode == 0, done.stderr
    return str(done.stdout).strip()


@dataclass(frozen=True)
class _Asker:
    """Sends one command after another, each with a line of the log."""

    client: httpx.Client
    log: TextIO

    def __call__(
        self, method: str, path: str, body: dict[str, Any], key: str | None
    ) -> dict[str, Any]:
        text, sent = json.dumps(body), time.time()
        headers = {"Content-Type": "application/json"}
        headers |= {} if key is None else {"Idempotency-Key": key}
        answer = self.client.request(method, path, content=text, headers=headers)
        line: dict[str, Any] = {"path": path, "body": text, "key": key, "place": "command"}
        line |= {"method": method, "status": answer.status_code, "answer": answer.text}
        self.log.write(json.dumps(line | {"sent": sent, "at": time.time()}) + "\n")
        told: dict[str, Any] = answer.raise_for_status().json()
        return told


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
        money = (account.wallets, account.shared, account.owners)
        orders = Orders(log, number, seed, seconds, pause_seconds, account.token, bases, *money)
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
