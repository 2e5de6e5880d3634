"""The rows of the event table, and what was moved from there, read by nothing of the product."""

from collections.abc import Iterator
from heapq import merge
from operator import itemgetter
from pathlib import Path

import psycopg
import pyarrow.parquet as pq
from psycopg import sql

from tests.faults.book import Row
from tests.faults.names import stream_of

COLUMNS = ["position", "stream_id", "version", "type", "data", "metadata", "recorded_at"]
MOVED = "SELECT notification_id FROM {schema}.moved_event ORDER BY 1"
PLACES = "SELECT url FROM {schema}.archive_place ORDER BY number"


def read_events(url: str, schema: str = "ledger_main") -> Iterator[Row]:
    """Yield the rows of the event table in position order, with what was moved from there."""
    moved = _moved(url, schema)
    with psycopg.connect(url) as connection, connection.cursor("events", binary=True) as cursor:
        cursor.itersize = 5_000
        cursor.execute(
            "SELECT notification_id, originator_id, originator_version, topic, state, metadata,"
            f' recorded_at FROM "{schema}".events ORDER BY notification_id'
        )
        yield from merge(cursor, moved, key=itemgetter(0))


def _moved(url: str, schema: str) -> Iterator[Row]:
    """Yield what was moved in position order, from the places that are on record.

    A position that no archive has is left out, and so missing in the log. Where several have it,
    all are read, so that one which differs is told of.
    """
    with psycopg.connect(url) as connection:
        named = {"schema": sql.Identifier(schema)}
        moved = {row[0] for row in connection.execute(sql.SQL(MOVED).format(**named))}
        places = [row[0] for row in connection.execute(sql.SQL(PLACES).format(**named))]
    found: dict[Row, None] = {}
    for place in dict.fromkeys(places):
        for part in sorted(Path(place).glob("*.parquet")):
            for batch in pq.ParquetFile(part).iter_batches(columns=COLUMNS):
                for event in batch.to_pylist():
                    if event["position"] in moved:
                        position, stream, *others = (event[name] for name in COLUMNS)
                        found[(position, stream_of(stream), *others)] = None
    yield from sorted(found)
