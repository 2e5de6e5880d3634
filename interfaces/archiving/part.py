"""One part of an archive: events as Parquet, and beside them what proves these by a seal."""

from base64 import b64decode
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import IO

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq

from domain.checkpoints import CheckpointInvalid
from domain.identifiers import StreamId
from domain.instants import instant, moment
from domain.leaves import entry, leaf_hash
from domain.merkle import ProofInvalid, root_around
from domain.recorded import RecordedEvent
from infrastructure.seals.memory import seal_of
from infrastructure.seals.notes import NoteInvalid, Verifier, verified_by

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
"""The fields of an entry, data and metadata byte for byte."""


class Manifest(msgspec.Struct, rename={"first": "from", "last": "to"}):
    """What a part holds; `proof` are the hashes beside it, left to right, in base64."""

    ledger: str
    store: str
    epoch: int
    first: int
    last: int
    file: str
    checkpoint: str
    vkey: str
    proof: list[str]


class NotProven(Exception):
    """A part does not hold what was sealed; the message is a sentence."""


def write_events(events: Iterator[RecordedEvent], file: IO[bytes]) -> int:
    """Write events as Parquet; return how many there were."""
    count = 0
    with pq.ParquetWriter(file, COLUMNS, compression="zstd") as writer:
        while chunk := list(islice(events, CHUNK)):
            rows = [
                {
                    "position": event.position,
                    "stream_id": event.stream_id,
                    "version": event.version,
                    "type": event.type,
                    "recorded_at": moment(event.recorded_at),
                    "data": event.data,
                    "metadata": event.metadata,
                }
                for event in chunk
            ]
            writer.write_table(pa.Table.from_pylist(rows, schema=COLUMNS))
            count += len(chunk)
    return count


def read_events(file: IO[bytes]) -> Iterator[RecordedEvent]:
    """Yield the events of a part; raises `NotProven` where it is no such file."""
    try:
        opened = pq.ParquetFile(file, pre_buffer=False)
        for batch in opened.iter_batches(CHUNK, columns=COLUMNS.names):
            for row in batch.to_pylist():
                yield RecordedEvent(
                    row["position"],
                    StreamId(row["stream_id"]),
                    row["version"],
                    row["type"],
                    row["data"],
                    row["metadata"],
                    instant(row["recorded_at"]),
                )
    except (pa.ArrowException, KeyError, TypeError, AttributeError) as fault:
        said = str(fault).splitlines()[0]
        raise NotProven(f"The Parquet of the part is damaged: {said}.") from None


def prove(
    manifest: Manifest, events: Iterator[RecordedEvent], keys: Sequence[Verifier]
) -> Iterator[RecordedEvent]:
    """Yield the events of a part, and raise `NotProven` at their end unless a seal covers them.

    Nothing that was yielded is proven before the end is reached. The seal has to be signed by one
    of the keys, and to bear that key's name.
    """
    try:
        checkpoint = seal_of(manifest.checkpoint).checkpoint
        signers = verified_by(manifest.checkpoint, keys)
        beside = iter([b64decode(each, validate=True) for each in manifest.proof])
    except (NoteInvalid, CheckpointInvalid, ValueError) as invalid:
        raise NotProven(f"The seal of the part is none of the ledger's: {invalid}") from None
    if checkpoint.origin not in {signer.name for signer in signers}:
        raise NotProven(f"The part is sealed for another log, {checkpoint.origin}.")
    if not 1 <= manifest.first <= manifest.last <= checkpoint.size:
        raise NotProven(f"The seal goes up to position {checkpoint.size} and not over the part.")
    leaves: list[bytes] = []
    for event in events:
        leaves.append(leaf_hash(entry(event)))
        yield event
    part = (manifest.first - 1, manifest.last)
    hashes = iter(leaves)
    try:
        found = root_around(part, checkpoint.size, hashes, beside)
    except ProofInvalid as invalid:
        raise NotProven(f"The part is not whole: {invalid}.") from None
    if found != checkpoint.root or next(hashes, None) or next(beside, None):
        raise NotProven(
            f"The events from {manifest.first} to {manifest.last} are not those that were sealed."
        )
