"""Events that were moved to an archive, as queries read them: beside those that the ledger has."""

import asyncio
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, LiteralString

import structlog

from domain.recorded import RecordedEvent
from infrastructure.archive.failure import ArchiveUnusable
from infrastructure.event_log.moved import BETWEEN, MOVED, Moved, read_back
from infrastructure.event_log.reader import recorded
from infrastructure.report_store.snapshots import StoreUnavailable
from projections.contract import Snapshot

OF_WALLET: LiteralString = (
    MOVED
    + """WHERE m.originator_id = %s AND m.originator_version > %s AND m.notification_id > %s
    ORDER BY m.originator_version LIMIT %s"""
)
Found = RecordedEvent | Moved
"""An event, or what the ledger keeps of one that was moved."""

READ_SECONDS = 5.0
_READERS = ThreadPoolExecutor(2, thread_name_prefix="archive")
"""Threads of its own: an object store that does not answer holds up nothing else."""

_LOG = structlog.get_logger("query")


async def moved(
    snapshot: Snapshot, query: LiteralString, parameters: Sequence[object]
) -> list[Moved]:
    """Return what a query finds of what was moved."""
    cursor = await snapshot.execute(query, parameters, binary=True)
    return [Moved(*row) for row in await cursor.fetchall()]


async def between(
    snapshot: Snapshot, rows: Sequence[Any], after: int, last: int, limit: int
) -> list[Found]:
    """Return rows of the store beyond a position with what was moved between them, in order."""
    events: list[Found] = [recorded(row) for row in rows]
    if last - after != len(events):
        events += await moved(snapshot, BETWEEN, [after + 1, last, limit])
    return sorted(events, key=lambda each: each.position)[:limit]


async def whole(found: Sequence[Found]) -> list[RecordedEvent]:
    """Return events, those that were moved read from their archives.

    Raises `StoreUnavailable` where an archive is away or has another event.
    """
    gone = [each for each in found if isinstance(each, Moved)]
    if not gone:
        return [each for each in found if isinstance(each, RecordedEvent)]
    loop = asyncio.get_running_loop()
    reading = loop.run_in_executor(_READERS, lambda: list(read_back(iter(gone))))
    try:
        read = await asyncio.wait_for(reading, READ_SECONDS)
    except (ArchiveUnusable, TimeoutError) as fault:
        why = str(fault) or f"it has not answered in {READ_SECONDS:.0f} s"
        _LOG.warning("an archive cannot be read", why=why)
        raise StoreUnavailable from fault
    back = iter(read)
    return [next(back) if isinstance(each, Moved) else each for each in found]
