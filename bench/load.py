"""A load generator: closed (the next request after the last answer) or open (at a fixed rate)."""

import asyncio
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any, cast
from urllib.parse import urlsplit

from bench.arithmetic import percentile

ACCEPT_SECONDS = 0.001

Make = Callable[[int, int], bytes]
"""Makes the request of a connection's number with a number of its own."""


@dataclass(slots=True)
class Load:
    """What a run has seen: of each answer its time, how long it took, and its status."""

    began: float
    answers: list[tuple[float, float, int]] = field(default_factory=list)
    unsent: int = 0
    seconds: float = 0.0

    def summary(self) -> dict[str, Any]:
        """Return the answers in figures, latencies in milliseconds; done is every status below 300.

        `each_second` counts what was done in each second of the run.
        """
        done = [took for _, took, status in self.answers if status < 300]
        refused = [took for _, took, status in self.answers if status >= 300]
        statuses: dict[str, int] = {}
        each_second = [0] * (int(self.seconds) + 1)
        for at, _, status in self.answers:
            statuses[str(status)] = statuses.get(str(status), 0) + 1
            if status < 300:
                each_second[min(len(each_second) - 1, int(at - self.began))] += 1
        return {
            "per_second": len(done) / self.seconds,
            "refused_per_second": len(refused) / self.seconds,
            **{f"p{share}": _latency(done, share) for share in (50, 95, 99)},
            "refused_p99": _latency(refused, 99),
            "statuses": statuses,
            "unsent": self.unsent,
            "each_second": each_second,
        }


def _latency(seconds: list[float], share: int) -> float:
    return 1000 * percentile(seconds, share / 100) if seconds else 0.0


class _Connection(asyncio.Protocol):
    """One keep-alive connection, written close to the bytes so that it costs the servers little."""

    def __init__(self, number: int, load: Load, answered: Callable[["_Connection"], None]) -> None:
        self.number = number
        self._load = load
        self._answered = answered
        self._buffer = b""
        self._since = 0.0
        self._transport: asyncio.Transport | None = None
        self.ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        buffer = self._buffer + data if self._buffer else data
        head = buffer.find(b"\r\n\r\n")
        if head < 0 or len(buffer) < head + 4 + _content_length(buffer[:head]):
            self._buffer = buffer
            return
        self._buffer = b""
        now = time.perf_counter()
        self._load.answers.append((now, now - self._since, int(buffer[9:12])))
        self._answered(self)

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.ended.done():
            self.ended.set_exception(exc or ConnectionError("the server closed the connection"))

    def send(self, request: bytes, since: float) -> None:
        """Send a request whose latency counts from a time of `perf_counter`."""
        assert self._transport is not None
        self._since = since
        self._transport.write(request)

    def end(self) -> None:
        """Close; every request has been answered."""
        assert self._transport is not None
        if not self.ended.done():
            self.ended.set_result(None)
        self._transport.close()


def _content_length(head: bytes) -> int:
    start = head.lower().find(b"content-length:")
    end = head.find(b"\r\n", start)
    return int(head[start + 15 : end if end > 0 else len(head)]) if start >= 0 else 0


def _same(connection: _Connection) -> _Connection:
    return connection


async def _connect(
    url: str, count: int, load: Load, answered: Callable[[_Connection], None]
) -> list[_Connection]:
    place = urlsplit(url)
    assert place.hostname is not None
    assert place.port is not None
    connections = [_Connection(number, load, answered) for number in range(count)]
    for connection in connections:
        make = partial(_same, connection)
        await asyncio.get_running_loop().create_connection(make, place.hostname, place.port)
    # The kernel says that a connection stands before the server has taken it, one at each turn of
    # its event loop: what waits when a heavy load begins would wait for its end.
    await asyncio.sleep(ACCEPT_SECONDS * count)
    return connections


async def closed(url: str, make: Make, connections: int, seconds: float) -> Load:
    """Let each connection send its next request after its last answer, for some seconds."""
    load = Load(time.perf_counter())
    number = 0

    def following(connection: _Connection) -> None:
        nonlocal number
        now = time.perf_counter()
        if now >= load.began + seconds:
            connection.end()
            return
        number += 1
        connection.send(make(connection.number, number), now)

    opened = await _connect(url, connections, load, following)
    load.began = time.perf_counter()
    for connection in opened:
        following(connection)
    await asyncio.gather(*[connection.ended for connection in opened])
    load.seconds = time.perf_counter() - load.began
    return load


async def paced(
    url: str, make: Make, connections: int, seconds: float, rate: float, *, wait: bool
) -> Load:
    """Send `rate` requests a second, whatever the answers do.

    A request that finds every connection busy waits, and its latency counts from when it was due;
    without `wait` it is dropped and counted as unsent.
    """
    load = Load(time.perf_counter())
    due: deque[float] = deque()
    idle = asyncio.Event()
    number = 0

    def send(connection: _Connection, since: float) -> None:
        nonlocal number
        number += 1
        connection.send(make(connection.number, number), since)

    def answered(connection: _Connection) -> None:
        if due:
            send(connection, due.popleft())
        else:
            free.append(connection)
            idle.set()

    opened = await _connect(url, connections, load, answered)
    free = deque(opened)
    load.began = began = time.perf_counter()
    issued = 0
    while (now := time.perf_counter()) < began + seconds:
        while issued < (now - began) * rate:
            if free:
                send(free.popleft(), began + issued / rate if wait else now)
            elif wait:
                due.append(began + issued / rate)
            else:
                load.unsent += 1
            issued += 1
        await asyncio.sleep(0.001)
    load.seconds = time.perf_counter() - began
    load.unsent += len(due)
    due.clear()
    while len(free) < connections:
        idle.clear()
        await idle.wait()
    for connection in opened:
        connection.end()
    return load
