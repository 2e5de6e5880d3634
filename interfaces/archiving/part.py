"""Writes one part of an archive, and proves one by the seal that lies beside it."""

from base64 import b64decode
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import IO

import pyarrow as pa
import pyarrow.parquet as pq

from domain.checkpoints import CheckpointInvalid
from domain.instants import moment
from domain.leaves import entry, leaf_hash
from domain.merkle import ProofInvalid, root_around
from domain.recorded import RecordedEvent
from infrastructure.archive.failure import PartDamaged
from infrastructure.archive.parts import Manifest
from infrastructure.archive.rows import CHUNK, COLUMNS
from infrastructure.seals.memory import seal_of
from infrastructure.seals.notes import NoteInvalid, Verifier, verified_by


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


def prove(
    manifest: Manifest, events: Iterator[RecordedEvent], keys: Sequence[Verifier]
) -> Iterator[RecordedEvent]:
    """Yield the events of a part, and raise `PartDamaged` at their end unless a seal covers them.

    Nothing that was yielded is proven before the end is reached. The seal has to be signed by one
    of the keys, and to bear that key's name.
    """
    try:
        checkpoint = seal_of(manifest.checkpoint).checkpoint
        signers = verified_by(manifest.checkpoint, keys)
        beside = iter([b64decode(each, validate=True) for each in manifest.proof])
    except (NoteInvalid, CheckpointInvalid, ValueError) as invalid:
        raise PartDamaged(f"The seal of the part is none of the ledger's: {invalid}") from None
    if checkpoint.origin not in {signer.name for signer in signers}:
        raise PartDamaged(f"The part is sealed for another log, {checkpoint.origin}.")
    if not 1 <= manifest.first <= manifest.last <= checkpoint.size:
        raise PartDamaged(f"The seal goes up to position {checkpoint.size} and not over the part.")
    leaves: list[bytes] = []
    for event in events:
        leaves.append(leaf_hash(entry(event)))
        yield event
    part = (manifest.first - 1, manifest.last)
    hashes = iter(leaves)
    try:
        found = root_around(part, checkpoint.size, hashes, beside)
    except ProofInvalid as invalid:
        raise PartDamaged(f"The part is not whole: {invalid}.") from None
    if found != checkpoint.root or next(hashes, None) or next(beside, None):
        raise PartDamaged(
            f"The events from {manifest.first} to {manifest.last} are not those that were sealed."
        )
