"""Waits until something has come far enough, with one look at it shared by all who wait."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

Seen = TypeVar("Seen")

PAUSE_SECONDS = 0.01


class Watch(Generic[Seen]):
    """Looks every `PAUSE_SECONDS` while anybody waits, and not at all else."""

    def __init__(self, look: Callable[[], Awaitable[Seen]]) -> None:
        """Take what looks; call from one event loop only."""
        self._look = look
        self._next: asyncio.Task[Seen] | None = None

    async def until(self, enough: Callable[[Seen], bool], deadline: float) -> bool:
        """Return whether what is seen is enough before the deadline of the monotonic clock.

        Raises what looking raises.
        """
        while time.monotonic() < deadline:
            if self._next is None or self._next.done():
                self._next = asyncio.create_task(self._look_again())
            if enough(await asyncio.shield(self._next)):
                return True
        return False

    async def _look_again(self) -> Seen:
        await asyncio.sleep(PAUSE_SECONDS)
        return await self._look()
