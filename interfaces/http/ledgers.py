"""What an API has for each ledger that it serves; new ledgers are found while it runs."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Generic, TypeVar

import psycopg
import structlog

Served = TypeVar("Served")

PAUSE_SECONDS = 0.7
"""How long a new ledger may go unseen."""

FIRST_SECONDS = 2.0
"""How long a start waits for the ledgers that are there; those in trouble come later."""


class Ledgers(Generic[Served]):
    """The ledgers of one process by name; to be used from one event loop.

    A ledger that cannot be opened is tried again at the next look, and holds no other one up.
    """

    def __init__(
        self,
        first: str,
        look: Callable[[], Sequence[str]],
        opened: Callable[[str], Awaitable[Served]],
    ) -> None:
        """Take the ledger that is always served, what names all, which may block, and opens one."""
        self.served: dict[str, Served] = {}
        self._first = first
        self._look = look
        self._opened = opened
        # A thread of its own: in the common pool one more would stay from each time that a look
        # and another task meet.
        self._aside = ThreadPoolExecutor(1, thread_name_prefix="ledgers")
        self._opening: dict[str, asyncio.Task[None]] = {}
        self._told: dict[str, str] = {}
        self._log = structlog.get_logger("ledgers")

    async def look(self) -> None:
        """Look once, and begin to open what is new."""
        try:
            loop = asyncio.get_running_loop()
            names = await loop.run_in_executor(self._aside, self._look)
        except psycopg.Error:
            return
        for name in names:
            if name not in self.served and name not in self._opening:
                self._opening[name] = asyncio.create_task(self._open(name))

    @contextlib.asynccontextmanager
    async def watched(self) -> AsyncIterator[None]:
        """Serve what is there, and go on looking in a task beside until the context ends.

        Raises what opening the first ledger raises.
        """
        self.served[self._first] = await self._opened(self._first)
        await self.look()
        if self._opening:
            await asyncio.wait(self._opening.values(), timeout=FIRST_SECONDS)
        watch = asyncio.create_task(self._watch())
        try:
            yield
        finally:
            watch.cancel()
            for task in self._opening.values():
                task.cancel()
            self._aside.shutdown(wait=False)

    async def _watch(self) -> None:
        while True:
            await asyncio.sleep(PAUSE_SECONDS)
            await self.look()

    async def _open(self, name: str) -> None:
        try:
            self.served[name] = await self._opened(name)
            self._log.info("ledger-served", ledger=name)
        except Exception as fault:  # noqa: BLE001 (whatever is wrong with one is not the others')
            if self._told.get(name) != repr(fault):
                self._told[name] = repr(fault)
                self._log.warning("ledger-not-served-yet", ledger=name, fault=repr(fault))
        finally:
            del self._opening[name]
