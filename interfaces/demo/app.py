"""The role `demo`: opens wallets once, then pays a few times a second until it has had enough."""

import random
import signal
import threading
import uuid

import httpx
import structlog

from infrastructure.secrets import Secrets
from infrastructure.settings import Settings
from infrastructure.telemetry import new_registry
from interfaces.demo.client import Client
from interfaces.demo.people import (
    CURRENCY,
    OPENING_CREDIT,
    PEOPLE,
    PURPOSES,
    SHOPS,
    Member,
    subject,
)
from interfaces.workers.health import HealthServer

PAUSE_SECONDS = 0.4
RETRY_SECONDS = 0.5
MOST_TRANSFERS = 20_000
"""Where the traffic of one start ends, so that a forgotten demonstration fills no disk."""


class Demo:
    """The demonstration; opening is repeated with the same keys, so it happens once for ever."""

    def __init__(self, client: Client, stop: threading.Event) -> None:
        """Take the client and what ends the traffic."""
        self._client = client
        self._stop = stop
        self._log = structlog.get_logger("demo")
        # What is paid to whom is decoration and protects nothing.
        self._chance = random.Random()  # noqa: S311
        self.opened = False

    def run(self) -> None:
        """Open what is missing, then pay; whatever is away is waited for."""
        members: list[Member] = []
        paid = 0
        while not self._stop.is_set() and paid < MOST_TRANSFERS:
            pause = PAUSE_SECONDS
            try:
                if members:
                    self._pay(members)
                    paid += 1
                else:
                    members = self._open()
                    self.opened = True
            except (httpx.HTTPError, KeyError) as problem:
                self._log.warning("the command API is not there", cause=repr(problem))
                pause = RETRY_SECONDS
            self._stop.wait(pause)
        self._log.info("the demonstration has ended", transfers=paid)
        self._stop.wait()

    def _open(self) -> list[Member]:
        cash = self._wallet(
            subject("bank"),
            "wallets operate",
            "cash",
            {"name": "Cash", "kind": "system", "overdraft_limit": "unlimited"},
        )
        members = [
            Member(subject(name), self._wallet(subject(name), "wallets", name, {"name": name}))
            for name in (*PEOPLE, *SHOPS)
        ]
        for member in members:
            self._transfer(
                Member(subject("bank"), cash),
                member,
                f"demo-opening-{member.subject}",
                OPENING_CREDIT,
                "opening credit",
                "payments operate",
            )
        return members

    def _wallet(self, owner: str, scope: str, key: str, body: dict[str, str]) -> str:
        wanted = {"currency": CURRENCY, **body}
        answer = self._client.post(owner, scope, "/v1/wallets", f"demo-wallet-{key}", wanted)
        return str(answer["wallet_id"])

    def _pay(self, members: list[Member]) -> None:
        source, destination = self._chance.sample(members, 2)
        amount = f"{self._chance.randint(1, 40)}.{self._chance.randint(0, 99):02}"
        purpose = self._chance.choice(PURPOSES)
        self._transfer(source, destination, uuid.uuid4().hex, amount, purpose, "payments")

    def _transfer(
        self, source: Member, destination: Member, key: str, amount: str, purpose: str, scope: str
    ) -> None:
        """Pay; a refusal for want of money is part of the picture."""
        body = {
            "source_wallet_id": source.wallet_id,
            "destination_wallet_id": destination.wallet_id,
            "amount": amount,
            "currency": CURRENCY,
            "description": purpose,
        }
        self._client.post(source.subject, scope, "/v1/transfers", key, body)


def run(settings: Settings, secrets: Secrets) -> None:  # noqa: ARG001 (every role takes both)
    """Run the demonstration until SIGTERM."""
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda _number, _frame: stop.set())
    demo = Demo(Client(settings), stop)
    checks = {"wallets": lambda: None if demo.opened else "not opened yet"}
    health = HealthServer("127.0.0.1", settings.health_port, checks, new_registry())
    health.start()
    demo.run()
    health.stop()
