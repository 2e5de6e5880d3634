"""Closes a period while payments are dated in it: the log's order decides which of them stay."""

import json
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any, TextIO

import httpx

from tests.faults.ground import Ground, NotStruck
from tests.faults.sessions import administration

CLOSE = "/v1/operations/periods/close"
LAST = "SELECT max(through) FROM ledger_main.closed_period"
FIRST_DAY = date(2000, 1, 1)
SENDERS = 6
BEGIN_SECONDS, PAID_BEFORE = 8.0, 2
RACE_SECONDS = (0.1, 0.8)
"""How long all senders are at it before the period is closed, and behind it again."""

EXPIRES_SECONDS = 5
TRIES = 8
PLACES = ("command", "second", "gateway")


def close_under_load(ground: Ground) -> None:
    """Close the next days while senders of its own date their payments there, at every place.

    What was acknowledged and what is stored is for the checker to compare; it knows from the log
    which came first. When the closing has been answered, one more is sent, which must be refused.
    """
    through = _next_day(ground)
    name = f"client-period-{through.isoformat()}-{ground.choose.randrange(10**6)}"
    stop = threading.Event()
    with (ground.logs / f"{name}.jsonl").open("a", buffering=1) as log:
        bases = _bases(ground)
        senders = [
            _Sender(ground, f"{name}-{number}", through, bases, log, stop)
            for number in range(SENDERS)
        ]
        threads = [threading.Thread(target=sender.run, daemon=True) for sender in senders]
        for thread in threads:
            thread.start()
        _await_some(ground, senders)
        ground.pause(ground.choose.uniform(*RACE_SECONDS))
        last = _Sender(ground, f"{name}-end", through, bases, log, stop)
        closed = last.close(name)
        ground.pause(ground.choose.uniform(*RACE_SECONDS))
        stop.set()
        for thread in threads:
            thread.join(30)
        if not closed:
            raise NotStruck("nobody answered that the period is closed")
        last.pay(expect=("period-closed",))
        ground.note("a period was closed under load", through=through.isoformat())


def _await_some(ground: Ground, senders: Sequence["_Sender"]) -> None:
    """Wait until payments come in at every sender, so that the closing has something to race."""
    end = time.monotonic() + BEGIN_SECONDS
    while time.monotonic() < end and ground.remaining():
        if all(sender.done >= PAID_BEFORE for sender in senders):
            return
        ground.pause(0.05)


def _next_day(ground: Ground) -> date:
    with administration(ground, "ledger") as connection:
        ((last,),) = connection.execute(LAST).fetchall()
    days = timedelta(days=ground.choose.randint(1, 3))
    return (last if isinstance(last, date) else FIRST_DAY) + days


def _bases(ground: Ground) -> Mapping[str, str]:
    ports = [ground.port(name) for name in ("command-api", "gateway")]
    urls = [f"http://127.0.0.1:{port}" for port in ports]
    return dict(zip(PLACES, (urls[0], ground.others["command-api"].url, urls[1]), strict=True))


@dataclass
class _Sender:
    """Pays, and holds and captures, under value dates of the period's last day."""

    ground: Ground
    prefix: str
    through: date
    bases: Mapping[str, str]
    log: TextIO
    stop: threading.Event
    number: int = 0
    done: int = 0
    http: httpx.Client = field(default_factory=lambda: httpx.Client(timeout=10))

    def run(self) -> None:
        """Send until it is told to stop, every fourth time a hold that is captured."""
        while not self.stop.is_set():
            if self.number % 4:
                self.pay()
            else:
                self._hold_and_capture()

    def close(self, key: str) -> bool:
        """Close the period; ask again, at another place, until it is answered."""
        body = {"through": self.through.isoformat(), "reason": key}
        for _ in range(TRIES):
            self.number += 1
            if self._ask(CLOSE, body, key)["status"] == 200:
                return True
            self.ground.pause(0.5)
        return False

    def pay(self, expect: tuple[str, ...] = ()) -> None:
        """Pay a little under a value date in the period."""
        key = self._key()
        # The gateway might refuse by its own limits what must be refused by the ledger.
        place = "second" if expect else None
        self._ask("/v1/transfers", self._body(key), key, expect, place)

    def _hold_and_capture(self) -> None:
        key = self._key()
        body = self._body(key) | {"amount": "0.03", "expires_in": EXPIRES_SECONDS}
        line = self._ask("/v1/holds", body, key)
        if line["status"] == 201:
            payment, part = json.loads(line["answer"])["payment_id"], dict[str, Any]()
            if self.number % 2:
                # What is left of it runs out when the period has long been closed.
                part = {"amount": "0.01", "final": False}
            self._ask(f"/v1/holds/{payment}/capture", part, self._key())

    def _key(self) -> str:
        self.number += 1
        return f"{self.prefix}-{self.number}"

    def _body(self, key: str) -> dict[str, Any]:
        wallets = [wallet for wallet, currency in self.ground.account.wallets if currency == "EUR"]
        return {
            "source_wallet_id": wallets[0],
            "destination_wallet_id": wallets[1 + self.number % (len(wallets) - 1)],
            "amount": "0.01",
            "currency": "EUR",
            "description": key,
            "effective_at": f"{self.through.isoformat()}T{self.number % 24:02}:00:00.000000Z",
        }

    def _ask(
        self,
        path: str,
        body: dict[str, Any],
        key: str,
        expect: tuple[str, ...] = (),
        place: str | None = None,
    ) -> dict[str, Any]:
        """Send a command to a place, or the next in turn, and write it down as a client does."""
        place = place or PLACES[self.number % len(PLACES)]
        text, sent = json.dumps(body), time.time()
        headers = {
            "Authorization": f"Bearer {self.ground.account.token}",
            "Content-Type": "application/json",
            "Idempotency-Key": key,
        }
        try:
            answer = self.http.post(self.bases[place] + path, content=text, headers=headers)
            status, told = answer.status_code, answer.text
        except httpx.HTTPError as error:
            status, told = None, type(error).__name__
        line: dict[str, Any] = {"path": path, "body": text, "key": key, "place": place}
        line |= {"status": status, "answer": told, "sent": sent, "at": time.time()}
        self.done += status == 201
        self.log.write(json.dumps(line | ({"expect": expect} if expect else {})) + "\n")
        return line
