"""A load generator: so many connections, each sending its next request after the last answer."""

import asyncio
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import cast
from urllib.parse import urlsplit


@dataclass(slots=True)
class Load:
    """What a run has seen: answers by status, and the seconds that each took."""

    statuses: dict[int, int] = field(default_factory=dict)
    latencies: list[float] = field(default_factory=list)
    seconds: float = 0.0

    @property
    def per_second(self) -> float:
        """Answers a second over the whole run."""
        return len(self.latencies) / self.seconds

    def percentile(self, share: float) -> float:
        """Return the latency in milliseconds that so large a share of the answers kept."""
        ordered = sorted(self.latencies)
        return 1000 * ordered[min(len(ordered) - 1, int(share * len(ordered)))]


class _Connection(asyncio.Protocol):
    """One keep-alive connection, written close to the bytes so that it costs the servers little."""

    def __init__(self, requests: Iterator[bytes], load: Load, done: asyncio.Future[None]) -> None:
        self._requests = requests
        self._load = load
        self._done = done
        self._buffer = b""
        self._sent_at = 0.0
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._send()

    def data_received(self, data: bytes) -> None:
        buffer = self._buffer + data if self._buffer else data
        head = buffer.find(b"\r\n\r\n")
        if head < 0 or len(buffer) < head + 4 + _content_length(buffer[:head]):
            self._buffer = buffer
            return
        self._buffer = b""
        status = int(buffer[9:12])
        self._load.statuses[status] = self._load.statuses.get(status, 0) + 1
        self._load.latencies.append(time.perf_counter() - self._sent_at)
        self._send()

    def connection_lost(self, exc: Exception | None) -> None:
        if not self._done.done():
            self._done.set_exception(exc or ConnectionError("the server closed the connection"))

    def _send(self) -> None:
        assert self._transport is not None
        request = next(self._requests, None)
        if request is None:
            self._done.set_result(None)
            self._transport.close()
            return
        self._sent_at = time.perf_counter()
        self._transport.write(request)


def _content_length(head: bytes) -> int:
    start = head.lower().find(b"content-length:")
    end = head.find(b"\r\n", start)
    return int(head[start + 15 : end if end > 0 else len(head)]) if start >= 0 else 0


def _same(connection: _Connection) -> _Connection:
    return connection


async def drive(url: str, requests: Callable[[int], Iterator[bytes]], connections: int) -> Load:
    """Send each connection's requests until they end, and return what was answered."""
    place = urlsplit(url)
    assert place.hostname is not None
    assert place.port is not None
    loop = asyncio.get_running_loop()
    load = Load()
    waiting = []
    started = time.perf_counter()
    for number in range(connections):
        done: asyncio.Future[None] = loop.create_future()
        waiting.append(done)
        connection = _Connection(requests(number), load, done)
        await loop.create_connection(partial(_same, connection), place.hostname, place.port)
    await asyncio.gather(*waiting)
    load.seconds = time.perf_counter() - started
    return load


def post(path: str, token: str, key: str, body: bytes) -> bytes:
    """Return the bytes of one command."""
    return (
        f"POST {path} HTTP/1.1\r\nHost: ledger\r\nAuthorization: Bearer {token}\r\n"
        f"Idempotency-Key: {key}\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    ).encode() + body


def until(deadline: float, make: Callable[[int], bytes]) -> Iterator[bytes]:
    """Yield numbered requests until a time of `perf_counter`."""
    number = 0
    while time.perf_counter() < deadline:
        yield make(number)
        number += 1
