"""Those who wait for the same thing share one look at it, and nobody looks in vain."""

import asyncio
import time

import pytest

from infrastructure.report_store.watch import PAUSE_SECONDS, Watch


class Position:
    """Something that moves by one at each look."""

    def __init__(self) -> None:
        self.looks = 0

    async def look(self) -> int:
        self.looks += 1
        return self.looks


def test_all_who_wait_share_a_look() -> None:
    async def run() -> None:
        position = Position()
        watch = Watch(position.look)
        deadline = time.monotonic() + 5
        waiting = [watch.until(lambda seen: seen >= 3, deadline) for _ in range(100)]
        assert await asyncio.gather(*waiting) == [True] * 100
        assert position.looks == 3

    asyncio.run(run())


def test_nobody_looks_when_nobody_waits() -> None:
    async def run() -> None:
        position = Position()
        watch = Watch(position.look)
        assert await watch.until(lambda seen: seen >= 1, time.monotonic() + 5)
        await asyncio.sleep(5 * PAUSE_SECONDS)
        assert position.looks == 1

    asyncio.run(run())


def test_what_does_not_come_is_waited_for_until_the_deadline() -> None:
    async def run() -> None:
        watch = Watch(Position().look)
        started = time.monotonic()
        assert not await watch.until(lambda _seen: False, started + 0.1)
        assert time.monotonic() - started >= 0.1
        assert not await watch.until(lambda _seen: True, started)

    asyncio.run(run())


def test_a_look_that_fails_fails_all_and_the_next_is_made_anew() -> None:
    async def run() -> None:
        fails = [True]

        async def look() -> int:
            if fails:
                fails.clear()
                raise ConnectionError
            return 1

        watch = Watch(look)
        deadline = time.monotonic() + 5
        results = await asyncio.gather(
            *(watch.until(lambda _seen: True, deadline) for _ in range(3)), return_exceptions=True
        )
        assert [type(result) for result in results] == [ConnectionError] * 3
        assert await watch.until(lambda seen: seen == 1, deadline)

    asyncio.run(run())


def test_one_who_gives_up_does_not_end_the_look_of_the_others() -> None:
    async def run() -> None:
        watch = Watch(Position().look)
        deadline = time.monotonic() + 5
        first = asyncio.create_task(watch.until(lambda _seen: True, deadline))
        second = asyncio.create_task(watch.until(lambda _seen: True, deadline))
        await asyncio.sleep(0)
        first.cancel()
        with pytest.raises(asyncio.CancelledError):
            await first
        assert await second

    asyncio.run(run())
