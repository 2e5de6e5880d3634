"""Events as the rows of Parquet files: the fields of an entry, data and metadata byte for byte."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from typing import IO

import pyarrow as pa
import pyarrow.parquet as pq

from domain.identifiers import StreamId
from domain.instants import instant
from domain.recorded import RecordedEvent
from infrastructure.archive.failure import PartDamaged

CHUNK = 10_000
"""How many rows are in memory at a time; each chunk is a row group."""

COLUMNS = pa.schema(
    [
        ("position", pa.int64()),
        ("stream_id", pa.string()),
        ("version", pa.int64()),
        ("type", pa.dictionary(pa.int32(), pa.string())),
        ("recorded_at", pa.timestamp("us", "UTC")),
        ("data", pa.binary()),
        ("metadata", pa.binary()),
    ]
)

_instant = lru_cache(maxsize=16)(instant)
"""All events of a batch were recorded at one time, which is written out once."""


def read_events(file: IO[bytes]) -> Iterator[RecordedEvent]:
    """Yield the events of a file; raises `PartDamaged` where it is no such file."""
    with readable():
        opened = pq.ParquetFile(file, pre_buffer=False)
        # Without threads, of which one that is still there at the end aborts the process.
        for batch in opened.iter_batches(CHUNK, columns=COLUMNS.names, use_threads=False):
            yield from events_of(batch)


def events_of(rows: pa.RecordBatch | pa.Table) -> Iterator[RecordedEvent]:
    """Yield rows as events."""
    columns = (rows.column(name).to_pylist() for name in COLUMNS.names)
    for position, stream, version, kind, at, data, metadata in zip(*columns, strict=True):
        yield RecordedEvent(position, StreamId(stream), version, kind, data, metadata, _instant(at))


@contextmanager
def readable() -> Iterator[None]:
    """Raise `PartDamaged` for whatever reading raises of bytes that are no such file."""
    try:
        yield
    except (pa.ArrowException, OSError, LookupError, TypeError, AttributeError) as fault:
        # What the disk or the network says bears a number; what is said of the bytes does not.
        if isinstance(fault, OSError) and fault.errno is not None:
            raise
        said = str(fault).splitlines()[0]
        raise PartDamaged(f"The Parquet of the part is damaged: {said}.") from None
