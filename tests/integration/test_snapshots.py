"""A snapshot that is left alone for too long ends, and its query may be sent again."""

import asyncio

import pytest

from infrastructure.databases.logins import LOGINS, conninfo
from infrastructure.report_store.snapshots import Snapshots, StoreUnavailable
from projections.contract import Snapshot
from tests.servers import FreshDatabases


def test_a_query_that_dawdles_is_told_to_try_again(databases: FreshDatabases) -> None:
    """What a busy process does between two statements may take longer than the server waits."""
    where = conninfo(databases.settings, databases.secrets, "query", "reports")
    dawdled = LOGINS["query"].idle_in_transaction / 1000 + 0.5

    async def query(snapshot: Snapshot) -> None:
        await snapshot.execute("SELECT 1")
        await asyncio.sleep(dawdled)
        await snapshot.execute("SELECT 1")

    async def run() -> None:
        snapshots = Snapshots(where, connections=1, statement_seconds=2)
        await snapshots.open()
        try:
            with pytest.raises(StoreUnavailable):
                await snapshots.run(query)
        finally:
            await snapshots.close()

    asyncio.run(run())
