"""Follows the read models of one ledger once for all who listen, and bounds what each may hold."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable

import structlog

from domain.money import Currencies
from infrastructure.report_store.reports import Reports
from infrastructure.report_store.snapshots import StoreUnavailable
from interfaces.query_api.stream_frames import Frames, Viewer, beat
from projections.changes import Changes, changes_between
from projections.contract import Snapshot
from projections.entries import ENTRIES
from projections.members import MEMBERS
from projections.payments import PAYMENTS

LOOK_SECONDS = 0.025
AWAY_SECONDS = 0.5
BEAT_SECONDS = 15.0
"""Less than any proxy between lets a connection be silent."""

WINDOW = 1_000
"""How many positions are looked through at a time, by the tail and for whoever resumes."""

WAITING_BYTES = 2**20
"""How much may wait for a listener before it is dropped as too slow; what comes at one look is
never too much for one who has read all that was before."""

REPLAYS = 2
"""How many listeners at a time may look through the past; the others wait."""

READS = (ENTRIES, PAYMENTS, MEMBERS)


class Listener:
    """One stream: who listens, and what waits to be sent; `ended` when it gets no more."""

    def __init__(self, viewer: Viewer) -> None:
        """Begin with nothing."""
        self.viewer = viewer
        self.ended = False
        self.slow = False
        self._waiting = bytearray()
        self._come = asyncio.Event()
        self._over = asyncio.Event()

    def give(self, frames: bytes) -> None:
        """Let events wait to be sent; a listener for whom too much waits already is dropped."""
        if self.ended:
            return
        if self._waiting and len(self._waiting) + len(frames) > WAITING_BYTES:
            self._waiting.clear()
            self.slow = True
            self.end()
            return
        self._waiting += frames
        self._come.set()

    def end(self) -> None:
        """Send nothing any more."""
        self.ended = True
        self._come.set()
        self._over.set()

    async def over(self) -> None:
        """Return when the listener has ended."""
        await self._over.wait()

    async def next(self) -> bytes:
        """Return all that waits as soon as anything does; nothing when the listener has ended."""
        await self._come.wait()
        if not self.ended:
            self._come.clear()
        given, self._waiting = bytes(self._waiting), bytearray()
        return given


class Tail:
    """The one who looks: while anybody listens, and not at all else."""

    def __init__(self, reports: Reports, currencies: Currencies) -> None:
        """Take the read models, and how money is written; call from one event loop only."""
        self._reports = reports
        self._currencies = currencies
        self._listeners: set[Listener] = set()
        self._turn = asyncio.Lock()
        self._replays = asyncio.Semaphore(REPLAYS)
        self._task: asyncio.Task[None] | None = None
        self._log = structlog.get_logger("stream")
        self.position = 0

    @contextlib.asynccontextmanager
    async def listened(self, listener: Listener) -> AsyncIterator[int]:
        """Give the listener all that comes behind a position, which is given, until the end.

        Raises `StoreUnavailable` and `ReadModelBehind`.
        """
        # Nobody begins in the middle of a look, which would not tell what is theirs.
        async with self._turn:
            if not self._listeners:
                self.position, _ = await self._reports.ask(READS, 0, _nothing)
            self._listeners.add(listener)
            begun = self.position
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._follow())
        try:
            yield begun
        finally:
            self._listeners.discard(listener)

    async def reached(self) -> int:
        """Return how far the read models are; raises as `listened` does."""
        position, _ = await self._reports.ask(READS, 0, _nothing)
        return position

    async def past(self, viewer: Viewer, after: int, until: int) -> tuple[int, bytes]:
        """Return what a viewer has missed behind a position, and up to where that is told."""
        until = min(until, after + WINDOW)
        async with self._replays:
            changes = await self._changes(after, until, [viewer.user], viewer.sees_all)
        frames = b"".join(frame for _, frame in Frames(changes, self._currencies).of(viewer))
        return until, frames + beat(until)

    def end_all(self) -> None:
        """End every stream; whoever listened begins another one."""
        for listener in self._listeners:
            listener.end()

    async def _follow(self) -> None:
        beaten = time.monotonic()
        pause = LOOK_SECONDS
        while self._listeners:
            await asyncio.sleep(pause)
            try:
                async with self._turn:
                    pause = 0.0 if await self._look() else LOOK_SECONDS
            except StoreUnavailable:
                await asyncio.sleep(AWAY_SECONDS)
            except Exception:  # noqa: BLE001 (whatever it is, it is logged and told by the end)
                # Whoever listens must not wait for ever for one who looks no more.
                self._log.exception("stream-failed")
                self.end_all()
                return
            if time.monotonic() - beaten >= BEAT_SECONDS:
                beaten = time.monotonic()
                self._give_all(lambda _viewer: beat(self.position))

    async def _look(self) -> bool:
        """Give everybody what has come; say whether there is more."""
        viewers = {listener.viewer for listener in self._listeners}
        users = {viewer.user for viewer in viewers}
        sees_all = any(viewer.sees_all for viewer in viewers)
        before = self.position

        async def query(snapshot: Snapshot, position: int) -> Changes:
            until = min(position, before + WINDOW)
            if until <= before:
                return Changes(position)
            return await changes_between(snapshot, before, until, users, sees_all=sees_all)

        reached, changes = await self._reports.ask(READS, 0, query)
        if changes.until < before:
            # The read models have begun anew: what was sent is of another past.
            self.end_all()
        self.position = changes.until
        frames = Frames(changes, self._currencies)
        written: dict[Viewer, bytes] = {}

        def of(viewer: Viewer) -> bytes:
            if viewer not in written:
                written[viewer] = b"".join(frame for _, frame in frames.of(viewer))
            return written[viewer]

        self._give_all(of)
        return changes.until < reached

    def _give_all(self, frames: Callable[[Viewer], bytes]) -> None:
        for listener in self._listeners:
            given = frames(listener.viewer)
            if given:
                listener.give(given)

    async def _changes(self, after: int, until: int, users: list[str], sees_all: bool) -> Changes:
        async def query(snapshot: Snapshot, _position: int) -> Changes:
            return await changes_between(snapshot, after, until, users, sees_all=sees_all)

        _, changes = await self._reports.ask(READS, until, query)
        return changes


async def _nothing(_snapshot: Snapshot, position: int) -> int:
    return position
