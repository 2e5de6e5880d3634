"""The command API as real processes on one port, and callers who talk HTTP to it."""

import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import psutil

from domain.identifiers import decode
from infrastructure.tokens.signing import sign
from infrastructure.tokens.signing_keys import SigningKeys
from tests.servers import FreshDatabases, free_port

ROOT = Path(__file__).parent.parent
START_SECONDS = 60.0
PEOPLE = "wallets payments"
NOWHERE = "wal_0123456789ABCDEFGHJKMNPQRS"
NO_PAYMENT = "pay_0123456789ABCDEFGHJKMNPQRS"
ON_HOLDS = {"capture", "release", "increase"}


@dataclass
class CommandApi:
    """Processes of the role `command-api` that share one port, and who may call them."""

    databases: FreshDatabases
    workers: int = 2
    port: int = field(default_factory=free_port)
    processes: list[subprocess.Popen[bytes]] = field(default_factory=list)
    tokens: dict[tuple[str, str], str] = field(default_factory=dict)

    @property
    def url(self) -> str:
        """Return where the processes listen."""
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Start the processes and wait until each has answered that it is ready."""
        self.keys.ensure()
        environ = {**self.databases.environ, "FALCONPAY_PORT": str(self.port - 1)}
        command = [sys.executable, "-m", "interfaces.cli", "run", "command-api"]
        log = (self.databases.settings.home / "command-api.log").open("ab")
        for _ in range(self.workers):
            self.processes.append(
                subprocess.Popen(command, cwd=ROOT, env=environ, stdout=log, stderr=log)
            )
            self._wait_until_listening()
        log.close()

    def _wait_until_listening(self) -> None:
        deadline = time.monotonic() + START_SECONDS
        while not self._all_listen():
            assert all(each.poll() is None for each in self.processes), self.log()
            assert time.monotonic() < deadline, self.log()
            time.sleep(0.05)

    def _all_listen(self) -> bool:
        if not all(self._listens(process.pid) for process in self.processes):
            return False
        return httpx.get(f"{self.url}/readyz").status_code == 200

    def _listens(self, pid: int) -> bool:
        try:
            connections = psutil.Process(pid).net_connections("tcp")
        except psutil.Error:
            # It has just ended; why is told from its log.
            return False
        return any(
            each.status == psutil.CONN_LISTEN and each.laddr.port == self.port
            for each in connections
        )

    def log(self) -> str:
        """Return what the processes wrote."""
        return (self.databases.settings.home / "command-api.log").read_text()

    def stop(self) -> list[int]:
        """Let the processes drain; return their exit codes."""
        for process in self.processes:
            process.terminate()
        codes = [process.wait(30) for process in self.processes]
        self.processes.clear()
        return codes

    @property
    def keys(self) -> SigningKeys:
        """The keys by which the processes judge tokens."""
        return SigningKeys(self.databases.settings.home, {})

    def token(self, subject: str, scope: str, **claims: Any) -> str:
        """Return a token, the same one for the same caller."""
        issuer = self.databases.settings.issuer
        if claims:
            fields = {"issuer": issuer, **claims}
            return sign(self.keys, subject=subject, scope=scope, **fields)
        known = self.tokens.get((subject, scope))
        if known is None:
            known = sign(self.keys, subject=subject, scope=scope, issuer=issuer)
            self.tokens[subject, scope] = known
        return known

    def caller(self, subject: str | None = None, scope: str = PEOPLE) -> "Caller":
        """Return a caller with a connection of their own; a new person unless one is named."""
        subject = subject or f"usr_{uuid4().hex}"
        headers = {"Authorization": f"Bearer {self.token(subject, scope)}"}
        return Caller(subject, httpx.Client(base_url=self.url, headers=headers, timeout=20))

    def operator(self) -> "Caller":
        """Return a caller who may act on any wallet and nothing else."""
        return self.caller(scope="operate")

    def head(self) -> int:
        """Return the last position that is stored."""
        with self.databases.connect("audit") as connection:
            row = connection.execute("SELECT coalesce(max(notification_id), 0) FROM events")
            return int(row.fetchone()[0])  # type: ignore[index]  # an aggregate has its row

    def posted(self, wallet: str) -> int:
        """Return a wallet's balance in minor units as an outsider sums it from the events."""
        signs = {"credited": 1, "debited": -1, "hold_captured": -1}
        return self._summed(wallet, signs)

    def held(self, wallet: str) -> int:
        """Return what a wallet holds in minor units as an outsider sums it from the events."""
        signs = {"funds_held": 1, "hold_captured": -1, "hold_released": -1}
        return self._summed(wallet, signs)

    def _summed(self, wallet: str, signs: Mapping[str, int]) -> int:
        with self.databases.connect("audit") as connection:
            rows = connection.execute(
                "SELECT split_part(topic, '.', 2),"
                " (convert_from(state, 'UTF8')::json ->> 'amount')::bigint"
                " FROM events WHERE originator_id = %s AND topic LIKE 'wallet.%%'",
                [decode("wal", wallet)],
            ).fetchall()
        return sum(signs.get(kind, 0) * (amount or 0) for kind, amount in rows)


def new_key() -> str:
    """Return a key that nobody has used."""
    return f"key-{uuid4()}"


@dataclass
class Caller:
    """Somebody with a token."""

    subject: str
    client: httpx.Client

    def post(
        self,
        path: str,
        json: Any = None,
        key: str | None = "",
        headers: Mapping[str, str] | None = None,
        content: bytes | None = None,
    ) -> httpx.Response:
        """Send a command with a new key, the key given, or none at all."""
        sent = {"Content-Type": "application/json", **(headers or {})}
        if key is not None:
            sent["Idempotency-Key"] = key or new_key()
        if content is not None:
            return self.client.post(path, content=content, headers=sent)
        return self.client.post(path, json=json, headers=sent)

    def open(self, **fields: Any) -> str:
        """Open a wallet in EUR, but for the fields given; return its id."""
        response = self.post("/v1/wallets", {"name": "Everyday", "currency": "EUR", **fields})
        assert response.status_code == 201, response.text
        return str(response.json()["wallet_id"])

    def bank(self, currency: str = "EUR") -> str:
        """Open a system wallet without a limit, for operators."""
        return self.open(kind="system", currency=currency, overdraft_limit="unlimited")

    def pay(
        self, source: str, payee: str, amount: str, key: str | None = "", **fields: Any
    ) -> httpx.Response:
        """Send a transfer in EUR, but for the fields given."""
        return self.post("/v1/transfers", transfer(source, payee, amount, **fields), key)

    def paid(self, source: str, payee: str, amount: str, key: str = "", **fields: Any) -> Any:
        """Send a transfer that must be done; return its body."""
        response = self.pay(source, payee, amount, key, **fields)
        assert response.status_code == 201, response.text
        return response.json()

    def act(self, wallet: str, action: str, key: str | None = "") -> httpx.Response:
        """Freeze, unfreeze or close a wallet."""
        return self.post(f"/v1/wallets/{wallet}/{action}", {"reason": "asked for"}, key)

    def hold(
        self, source: str, payee: str, amount: str, key: str | None = "", **fields: Any
    ) -> httpx.Response:
        """Ask for a hold in EUR, but for the fields given."""
        return self.post("/v1/holds", transfer(source, payee, amount, **fields), key)

    def held(self, source: str, payee: str, amount: str, **fields: Any) -> str:
        """Place a hold that must be placed; return its id."""
        response = self.hold(source, payee, amount, **fields)
        assert response.status_code == 201, response.text
        return str(response.json()["payment_id"])

    def on(
        self, payment: str, action: str, body: Any = None, key: str | None = ""
    ) -> httpx.Response:
        """Send a command on a hold or on another payment, without a body where there is none."""
        path = f"/v1/{'holds' if action in ON_HOLDS else 'payments'}/{payment}/{action}"
        if body is None:
            return self.post(path, content=b"", key=key)
        return self.post(path, body, key)

    def put(self, wallet: str, what: str, **fields: Any) -> httpx.Response:
        """Set limits, overdraft or approvals of a wallet, which takes no key."""
        return self.client.put(f"/v1/wallets/{wallet}/{what}", json=fields)

    def add(self, wallet: str, user: "Caller", role: str) -> None:
        """Give somebody a role in a wallet, which must be done."""
        body = {"user_id": user.subject, "role": role}
        response = self.post(f"/v1/wallets/{wallet}/members", body)
        assert response.status_code == 201, response.text

    def remove(self, wallet: str, user: str) -> httpx.Response:
        """Take somebody's role in a wallet away."""
        return self.client.delete(f"/v1/wallets/{wallet}/members/{user}")


@dataclass
class Sides:
    """A payer with 100.00 in a wallet, a payee with an empty one, an operator with a bank."""

    api: CommandApi
    anna: Caller
    ben: Caller
    operator: Caller
    full: str
    shop: str
    bank: str

    @classmethod
    def of(cls, api: CommandApi, **fields: Any) -> "Sides":
        """Make people and wallets of their own; the fields are those of both people's wallets."""
        anna, ben, operator = api.caller(), api.caller(), api.operator()
        bank = operator.bank(fields.get("currency", "EUR"))
        made = cls(api, anna, ben, operator, anna.open(**fields), ben.open(**fields), bank)
        amount, currency = ("100", fields.get("currency", "EUR"))
        operator.paid(bank, made.full, amount, currency=currency)
        return made

    def balances(self) -> tuple[int, int, int]:
        """Return what is posted and held of the payer's wallet, and posted of the payee's."""
        api = self.api
        return api.posted(self.full), api.held(self.full), api.posted(self.shop)


def transfer(source: str, payee: str, amount: str, **fields: Any) -> dict[str, Any]:
    """Return the body of a transfer in EUR, but for the fields given."""
    return {
        "source_wallet_id": source,
        "destination_wallet_id": payee,
        "amount": amount,
        "currency": "EUR",
        **fields,
    }


def refused(response: httpx.Response, status: int, code: str) -> Any:
    """Expect a problem after RFC 9457 with this status and code; return it."""
    assert response.headers["content-type"] == "application/problem+json", response.text
    problem = response.json()
    assert (response.status_code, problem["code"]) == (status, code), response.text
    assert problem["status"] == status
    assert problem["type"].endswith(f"/{code}")
    assert problem["title"]
    assert problem["detail"]
    return problem
