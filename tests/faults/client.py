"""A client process: sends commands, retries what got no answer, and logs all of it to disk.

One JSON object on standard input says where, as whom and how long, see `Orders`.
"""

import contextlib
import dataclasses
import http.client
import json
import random
import sys
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO
from urllib.parse import urlsplit

import httpx

from tests.faults.drawing import Request
from tests.faults.living import LivingDrawing

TIMEOUT_SECONDS = 8.0
FINAL = 500
AGAIN = (409, 429)


@dataclass(frozen=True)
class Orders:
    """What a client is told; `bases` are the places that take commands by name.

    `owners` are the tokens, by subject, of those who own the wallets `shared` as well.
    """

    log: str
    number: int
    seed: int
    seconds: float
    pause_seconds: float
    token: str
    bases: Mapping[str, str]
    wallets: list[tuple[str, str]]
    shared: list[tuple[str, str]]
    owners: Mapping[str, str]


class Client:
    """Sends one request at a time, or one twice at once; each attempt becomes a line of the log."""

    def __init__(self, orders: Orders, log: TextIO) -> None:
        """Take the orders and the log; nothing is connected yet."""
        self._choose = random.Random(orders.seed * 1000 + orders.number)
        prefix = f"{orders.seed}-{orders.number}"
        wallets, shared = ([(w, c) for w, c in each] for each in (orders.wallets, orders.shared))
        self._drawing = LivingDrawing(self._choose, prefix, wallets, shared, sorted(orders.owners))
        self._orders = orders
        self._log = log
        self._http = httpx.Client(
            timeout=TIMEOUT_SECONDS, limits=httpx.Limits(max_keepalive_connections=8)
        )
        self._pool = ThreadPoolExecutor(2)

    def run(self) -> None:
        """Send until the time is over."""
        end = time.monotonic() + self._orders.seconds
        while time.monotonic() < end:
            request = self._drawing.next()
            rival = self._drawing.rival(request) if self._choose.random() < 0.15 else None
            if rival is not None:
                self._at_both(request, rival)
            elif request.key is not None and self._choose.random() < 0.05:
                self._at_both(request, request)
            else:
                self._persist(request, self._choose.randint(1, 6))
            time.sleep(self._orders.pause_seconds * 2 * self._choose.random())

    def _persist(self, request: Request, attempts: int) -> None:
        if self._choose.random() < 0.03:
            self._write(request, self._unheard(request, self._place()))
        for attempt in range(attempts):
            line = self._ask(request, self._place())
            self._write(request, line)
            status = line["status"]
            if status is not None and status < FINAL and status not in AGAIN:
                self._drawing.learn(request, status, line["answer"])
                return
            time.sleep(0.05 * 2**attempt * self._choose.random())

    def _at_both(self, *requests: Request) -> None:
        """Ask the same, or what only one of both can have, at the same time in two places."""
        places = self._choose.sample(sorted(self._orders.bases), 2)
        for request, line in zip(
            requests, self._pool.map(self._ask, requests, places), strict=True
        ):
            self._write(request, line)

    def _place(self) -> str:
        return self._choose.choice(sorted(self._orders.bases))

    def _headers(self, request: Request) -> dict[str, str]:
        token = self._orders.token if request.by is None else self._orders.owners[request.by]
        headers = {
            "Authorization": f"Bearer {token}",
            "Content-Type": "application/json",
        }
        return headers | ({} if request.key is None else {"Idempotency-Key": request.key})

    def _ask(self, request: Request, place: str) -> dict[str, Any]:
        sent = time.time()
        try:
            answer = self._http.request(
                request.method,
                self._orders.bases[place] + request.path,
                content=request.body,
                headers=self._headers(request),
            )
            status, text = answer.status_code, answer.text
        except httpx.HTTPError as error:
            status, text = None, type(error).__name__
        return {"place": place, "status": status, "answer": text, "sent": sent, "at": time.time()}

    def _unheard(self, request: Request, place: str) -> dict[str, Any]:
        """Send it and hang up before the answer."""
        sent = time.time()
        connection = http.client.HTTPConnection(urlsplit(self._orders.bases[place]).netloc)
        with contextlib.suppress(OSError), contextlib.closing(connection):
            connection.timeout = TIMEOUT_SECONDS
            connection.request(request.method, request.path, request.body, self._headers(request))
        text = "hung up"
        return {"place": place, "status": None, "answer": text, "sent": sent, "at": time.time()}

    def _write(self, request: Request, line: dict[str, Any]) -> None:
        facts = {name: value for name, value in dataclasses.asdict(request).items() if value}
        self._log.write(json.dumps(facts | line) + "\n")


def main() -> None:
    """Read the orders and follow them."""
    orders = Orders(**json.load(sys.stdin))
    with Path(orders.log).open("a", buffering=1) as log:
        Client(orders, log).run()


if __name__ == "__main__":
    main()
