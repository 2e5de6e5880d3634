"""Starts load generators as processes of their own, and opens what they send to."""

import json
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import httpx

from bench.place import ROOT, Place

TOKENS = 8
Seen = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Order:
    """One load: how many connections for how long, and at which rate if it is an open one."""

    url: str
    wallets: Sequence[str]
    connections: int
    seconds: float
    size: int = 1
    query: bool = False
    hot: str | None = None
    rate: float | None = None
    wait: bool = True
    refusals: bool = False


@dataclass(slots=True)
class Running:
    """A load under way."""

    process: "subprocess.Popen[str]"

    def seen(self) -> Seen:
        """Wait for the end; raises `CalledProcessError` where an answer was not as expected."""
        out, _ = self.process.communicate()
        if self.process.returncode:
            raise subprocess.CalledProcessError(self.process.returncode, self.process.args)
        found: Seen = json.loads(out)
        return found


@dataclass(slots=True)
class Generator:
    """Sends loads to one ledger of a place, with tokens of its own."""

    place: Place
    ledger: str = "main"
    _tokens: list[str] = field(default_factory=list)

    def start(self, order: Order) -> Running:
        """Begin a load."""
        if not self._tokens:
            scope = "wallets payments operate read"
            self._tokens = [self.place.token("bench", scope, self.ledger) for _ in range(TOKENS)]
        words = [sys.executable, "-m", "bench.http_load"]
        process = subprocess.Popen(
            words,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=ROOT,
            env=self.place.environ,
        )
        assert process.stdin is not None
        fields = {name: getattr(order, name) for name in Order.__slots__}
        json.dump({**fields, "wallets": list(order.wallets), "tokens": self._tokens}, process.stdin)
        process.stdin.close()
        process.stdin = None
        return Running(process)

    def run(self, order: Order) -> Seen:
        """Send a load to its end and return what it saw."""
        return self.start(order).seen()


def open_wallets(place: Place, count: int = 500, ledger: str = "main") -> list[str]:
    """Open wallets through the command API and return their ids."""
    url, token = place.urls["command"], place.token("bench", "wallets operate", ledger)
    wallets = []
    with httpx.Client(base_url=url, headers={"Authorization": f"Bearer {token}"}) as client:
        for number in range(count):
            answer = client.post(
                "/v1/wallets",
                json={"name": f"w{number}", "currency": "EUR", "overdraft_limit": "unlimited"},
                headers={"Idempotency-Key": f"open-{number}"},
            )
            wallets.append(answer.raise_for_status().json()["wallet_id"])
    return wallets
