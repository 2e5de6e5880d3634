"""Who comes behind a crowd that waits too long is refused at once, and nobody else is."""

import asyncio
from collections.abc import MutableMapping
from typing import Any

from prometheus_client import CollectorRegistry, generate_latest

from interfaces.command_api.admission import PATIENCE_SECONDS, WINDOW_SECONDS, Admission
from interfaces.http.metrics import HttpMetrics

SPARED = 3
Messages = list[MutableMapping[str, Any]]


class Clock:
    """A clock that stands until it is told."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


class Crowd:
    """Requests to an application that answers none before it is told to."""

    def __init__(self) -> None:
        self.clock, self.registry = Clock(), CollectorRegistry()
        self.gate = asyncio.Event()
        self.app = Admission(
            self._serve,
            HttpMetrics(self.registry),
            SPARED,
            self.clock,
            lambda scope: dict(scope["headers"]).get(b"x-ledger", b"").decode(),
        )

    async def _serve(self, scope: Any, receive: Any, send: Any) -> None:
        await self.gate.wait()
        await send({"type": "http.response.start", "status": 201, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    async def ask(
        self, method: str = "POST", headers: Any = ()
    ) -> tuple[asyncio.Task[None], Messages]:
        """Send a request and let it come as far as it gets."""
        sent: Messages = []
        scope = {
            "type": "http",
            "method": method,
            "path": "/v1/transfers",
            "raw_path": b"/v1/transfers",
            "headers": list(headers),
        }

        async def receive() -> MutableMapping[str, Any]:
            return {"type": "http.request", "body": b"", "more_body": False}

        async def send(message: MutableMapping[str, Any]) -> None:
            sent.append(message)

        task = asyncio.ensure_future(self.app(scope, receive, send))
        for _ in range(3):
            await asyncio.sleep(0)
        return task, sent

    async def full(self) -> list[asyncio.Task[None]]:
        return [(await self.ask())[0] for _ in range(SPARED)]


def headers_of(message: MutableMapping[str, Any]) -> dict[str, str]:
    return {name.decode(): value.decode() for name, value in message["headers"]}


def test_behind_a_crowd_that_waits_too_long_is_503_with_retry_after() -> None:
    """The answer is a whole one: a problem, the request's id, and when to come again."""

    async def play() -> None:
        crowd = Crowd()
        waiting = await crowd.full()
        crowd.clock.now += PATIENCE_SECONDS + 0.01
        task, sent = await crowd.ask(headers=[(b"x-request-id", b"mine")])
        assert task.done()
        assert sent[0]["status"] == 503
        headers = headers_of(sent[0])
        assert headers["retry-after"] == "1"
        assert headers["x-request-id"] == "mine"
        assert headers["content-type"] == "application/problem+json"
        assert headers["cache-control"] == "no-store"
        assert b'"code":"overloaded"' in sent[1]["body"]
        assert not any(each.done() for each in waiting)
        assert b'route="refused",status="503"} 1.0' in generate_latest(crowd.registry)
        crowd.gate.set()
        await asyncio.gather(*waiting)

    asyncio.run(play())


def test_a_crowd_that_is_served_in_time_may_grow() -> None:
    async def play() -> None:
        crowd = Crowd()
        waiting = await crowd.full()
        crowd.clock.now += WINDOW_SECONDS - 0.01
        waiting += await crowd.full()
        assert not any(each.done() for each in waiting)
        crowd.gate.set()
        await asyncio.gather(*waiting)

    asyncio.run(play())


def test_the_crowd_is_held_to_what_is_answered_in_time() -> None:
    """After a moment of ten answers a second, three commands would wait as long as is allowed."""

    async def play() -> None:
        crowd = Crowd()
        waiting = await crowd.full()
        answered = [(await crowd.ask())[0] for _ in range(2)]
        for task in answered:
            task.cancel()
        await asyncio.gather(*answered, return_exceptions=True)
        crowd.clock.now += WINDOW_SECONDS + 0.001
        task, sent = await crowd.ask()
        assert task.done()
        assert sent[0]["status"] == 503
        crowd.gate.set()
        await asyncio.gather(*waiting)

    asyncio.run(play())


def test_a_crowd_of_one_ledger_refuses_nobody_of_another() -> None:
    async def play() -> None:
        crowd = Crowd()
        waiting = await crowd.full()
        crowd.clock.now += PATIENCE_SECONDS + 0.01
        other, _ = await crowd.ask(headers=[(b"x-ledger", b"branch")])
        assert not other.done()
        same, sent = await crowd.ask()
        assert same.done()
        assert sent[0]["status"] == 503
        crowd.gate.set()
        await asyncio.gather(*waiting, other)

    asyncio.run(play())


def test_few_may_wait_as_long_as_it_takes() -> None:
    """While a database is away for a moment, what is under way is waited for."""

    async def play() -> None:
        crowd = Crowd()
        waiting = [(await crowd.ask())[0] for _ in range(SPARED - 1)]
        crowd.clock.now += 60
        waiting.append((await crowd.ask())[0])
        assert not any(each.done() for each in waiting)
        crowd.gate.set()
        await asyncio.gather(*waiting)

    asyncio.run(play())


def test_whoever_asks_for_health_is_never_refused() -> None:
    async def play() -> None:
        crowd = Crowd()
        waiting = await crowd.full()
        crowd.clock.now += 60
        task, _ = await crowd.ask("GET")
        assert not task.done()
        crowd.gate.set()
        await asyncio.gather(*waiting, task)

    asyncio.run(play())


def test_it_is_over_when_the_crowd_is_gone() -> None:
    """What was answered, refused or broken off counts no more."""

    async def play() -> None:
        crowd = Crowd()
        waiting = await crowd.full()
        crowd.clock.now += 60
        for task in waiting[1:]:
            task.cancel()
        await asyncio.gather(*waiting[1:], return_exceptions=True)
        task, sent = await crowd.ask()
        assert not task.done()
        crowd.gate.set()
        await asyncio.gather(waiting[0], task)
        assert sent[0]["status"] == 201

    asyncio.run(play())
