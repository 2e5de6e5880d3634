"""The read models of one ledger, read at a known position that is never before a wanted one."""

import time
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import TypeVar

from infrastructure.report_store.rebuilt_tables import REBUILDING
from infrastructure.report_store.snapshots import Snapshots
from infrastructure.report_store.watch import Watch
from projections.contract import Projection, Snapshot

Found = TypeVar("Found")

WAIT_SECONDS = 2.0
CHECKPOINTS = "SELECT projection, version, position, state FROM checkpoint"


class ReadModelBehind(Exception):
    """A read model has not come as far as was asked for in time."""

    def __init__(self, position: int) -> None:
        """Keep how far it has come."""
        super().__init__(position)
        self.position = position


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """How far a projection has come, and whether it goes on."""

    version: int
    position: int
    state: str


Query = Callable[[Snapshot, int], Awaitable[Found]]
"""Asks read models within a snapshot; it is told the position that the snapshot reflects."""


class Reports:
    """Asks read models as soon as they have reached a position."""

    def __init__(self, snapshots: Snapshots) -> None:
        """Take the snapshots of the login that reads reports."""
        self._snapshots = snapshots
        self._watch: Watch[Mapping[str, Checkpoint]] = Watch(self.checkpoints)

    async def checkpoints(self) -> Mapping[str, Checkpoint]:
        """Return how far each projection has come; raises `StoreUnavailable`."""
        return await self._snapshots.run(_checkpoints)

    async def progress(
        self, projections: Iterable[Projection], at_least: int
    ) -> tuple[int, Mapping[str, Checkpoint]]:
        """Return what `checkpoints` does, waiting and raising as `ask` does.

        The state of what is being rebuilt beside its live tables is `rebuilding`.
        """

        async def query(snapshot: Snapshot, _position: int) -> Mapping[str, Checkpoint]:
            found = dict(await _checkpoints(snapshot))
            for (name,) in await (await snapshot.execute(REBUILDING)).fetchall():
                found[name] = replace(found[name], state="rebuilding")
            return found

        return await self.ask(projections, at_least, query)

    async def ask(
        self, projections: Iterable[Projection], at_least: int, query: Query[Found]
    ) -> tuple[int, Found]:
        """Return the lowest checkpoint of the projections and what the query finds there.

        Waits `WAIT_SECONDS` at most for all of them to reach a position. Raises `ReadModelBehind`,
        `StoreUnavailable`, and what the query raises.
        """
        names = [projection.name for projection in projections]
        deadline = time.monotonic() + WAIT_SECONDS

        async def attempt(snapshot: Snapshot) -> tuple[int, Found | None]:
            position = _lowest(await _checkpoints(snapshot), names)
            # The snapshot itself tells, as a read model that is built again goes back to 0.
            if position < at_least:
                return position, None
            return position, await query(snapshot, position)

        while True:
            position, found = await self._snapshots.run(attempt)
            if found is not None:
                return position, found
            if not await self._watch.until(lambda seen: _lowest(seen, names) >= at_least, deadline):
                raise ReadModelBehind(position)


async def _checkpoints(snapshot: Snapshot) -> Mapping[str, Checkpoint]:
    cursor = await snapshot.execute(CHECKPOINTS)
    return {name: Checkpoint(*rest) for name, *rest in await cursor.fetchall()}


def _lowest(checkpoints: Mapping[str, Checkpoint], names: Iterable[str]) -> int:
    """Return the lowest position; a projection that has not begun stands at 0."""
    return min(checkpoints[name].position if name in checkpoints else 0 for name in names)
