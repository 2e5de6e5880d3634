"""Callers of one ledger of several in a running system, and how a ledger gets into trouble."""

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any
from uuid import uuid4

import httpx
import psycopg
from psycopg.conninfo import make_conninfo

from infrastructure.kafka.clients import new_consumer
from infrastructure.kafka.topic import offsets, read
from tests.tools.whole_system import WholeSystem, until

ALL = "read wallets payments operate audit"
NOTICED_SECONDS = 2 * 3.0
"""Three times what is promised for a new ledger to be served."""

LOCKED = {
    "ledger": ("events", "wallet_head", "store"),
    "reports": ("checkpoint", "balances", "entries"),
}


class Book:
    """One caller's view of one ledger through the gateway."""

    def __init__(self, system: WholeSystem, ledger: str, subject: str = "auditor") -> None:
        words = ("token", "--ledger", ledger, "--subject", subject, "--scope", ALL)
        done = system.falcon(*words, "--expires-in", "3600")
        assert done.returncode == 0, done.stderr
        self.ledger = ledger
        self.token = done.stdout.strip()
        headers = {"Authorization": f"Bearer {self.token}"}
        self.http = httpx.Client(
            base_url=f"http://127.0.0.1:{system.port}", headers=headers, timeout=20
        )

    def post(self, path: str, body: Any, key: str | None = None) -> httpx.Response:
        return self.http.post(path, json=body, headers={"Idempotency-Key": key or uuid4().hex})

    def send(self, method: str, path: str, body: Any) -> httpx.Response:
        headers = {"Idempotency-Key": uuid4().hex}
        return self.http.request(method, path, json=body, headers=headers)

    def open(self, key: str | None = None, **fields: Any) -> str:
        body = {"name": "Purse", "currency": "EUR", "overdraft_limit": "unlimited", **fields}
        answer = self.post("/v1/wallets", body, key)
        assert answer.status_code == 201, answer.text
        return str(answer.json()["wallet_id"])

    def pay(self, source: str, payee: str, key: str | None = None) -> httpx.Response:
        body = {"source_wallet_id": source, "destination_wallet_id": payee}
        return self.post("/v1/transfers", {**body, "amount": "1.00", "currency": "EUR"}, key)

    def served(self) -> bool:
        """Say whether both APIs know the ledger of the token."""
        answers = [self.http.get("/v1/projections"), self.post("/v1/transfers", {})]
        return [answer.status_code for answer in answers] == [200, 422]

    def head(self) -> int:
        """Return the last position of the ledger."""
        return int(self.http.get("/v1/audit/events").headers["Ledger-Position"])

    def follows(self) -> bool:
        """Say whether every read model is where the ledger is."""
        head = self.head()
        models = self.http.get("/v1/projections").json()["items"]
        return head > 0 and all(model["position"] == head for model in models)

    def signed(self) -> bool:
        """Say whether it is on record that a token was signed, as the one of this caller was."""
        return "operation.token_signed.v1" in self.http.get("/v1/audit/events").text

    def proven(self, payment: str) -> bool:
        """Say whether a seal covers a payment."""
        return self.http.get(f"/v1/audit/payments/{payment}/proof").status_code == 200


def create(system: WholeSystem, name: str) -> Book:
    done = system.falcon("ledger", "create", name, "--json")
    assert done.returncode == 0, done.stderr
    book = Book(system, name)
    until(book.served, NOTICED_SECONDS, f"{name} is served")
    return book


def records(bootstrap: str, topic: str) -> list[Any]:
    consumer = new_consumer(bootstrap)
    try:
        found = offsets(consumer, topic)
        return list(read(consumer, topic, found.low, found.high))
    finally:
        consumer.close()


@contextmanager
def locked(admin: str, ledger: str) -> Iterator[None]:
    """Hold every table of a ledger against everybody."""
    with ExitStack() as held:
        for database, tables in LOCKED.items():
            where = make_conninfo(admin, dbname=database)
            connection = held.enter_context(psycopg.connect(where))
            for table in tables:
                connection.execute(f'LOCK TABLE "{database}_{ledger}"."{table}"'.encode())
        yield


def restart_workers(system: WholeSystem) -> None:
    """End the process of relay and projector, and wait until another one is there."""
    before = {r["name"]: r["pid"] for r in system.status()["roles"]}
    os.kill(before["relay"], 15)
    until(
        lambda: (
            {r["name"]: r["pid"] for r in system.status()["roles"]}["relay"]
            not in (None, before["relay"])
        ),
        30,
        "the workers are back",
    )
