"""The book as lines of JSON: everything that is stored, with the bytes that seals hash."""

import json
from base64 import b64encode
from collections.abc import Iterator

import msgspec

from domain.identifiers import event_id
from domain.leaves import entry, leaf_hash
from domain.recorded import RecordedEvent
from infrastructure.event_log.reader import EventReader
from interfaces.replay.sealed_part import SealedPart


def head_line(ledger: str, first: int, last: int, seal: SealedPart | None) -> bytes:
    """Return the first line: which events follow, both ends included, and the last seal.

    `checkpoint` and `vkey` are null as long as nothing is sealed. A part of the book that lies
    within what is sealed has a `proof`, too: the hashes beside it, from left to right.
    """
    fields: dict[str, object] = {"ledger": ledger, "from": first, "to": last}
    fields["checkpoint"] = None if seal is None else seal.checkpoint
    fields["vkey"] = None if seal is None else seal.vkey
    if seal is not None and seal.hashes:
        fields["proof"] = [b64encode(each).decode() for each in seal.hashes]
    return json.dumps(fields).encode() + b"\n"


def events_between(reader: EventReader, first: int, last: int) -> Iterator[RecordedEvent]:
    """Yield the events from `first` to `last`, a few thousand in memory at a time."""
    for event in reader.all(after=first - 1):
        if event.position > last:
            return
        yield event


def event_lines(reader: EventReader, first: int, last: int) -> Iterator[bytes]:
    """Yield a line for each event from `first` to `last`."""
    return map(event_line, events_between(reader, first, last))


def event_line(event: RecordedEvent) -> bytes:
    """Return an event as audits show it, with its canonical bytes as `entry`, as one line."""
    canonical = entry(event)
    return b"".join(
        (
            f'{{"position":{event.position}'
            f',"event_id":"{event_id(event.stream_id, event.version)}"'
            f',"stream_id":"{event.stream_id}"'
            f',"version":{event.version}'
            f',"type":"{event.type}"'
            f',"recorded_at":"{event.recorded_at}"'
            f',"data":'.encode(),
            one_line(event.data),
            b',"metadata":',
            one_line(event.metadata),
            b',"leaf_hash":"',
            b64encode(leaf_hash(canonical)),
            b'","entry":"',
            b64encode(canonical),
            b'"}\n',
        )
    )


def one_line(stored: bytes) -> bytes:
    """Return stored JSON as it is, or on one line where somebody has stored it on several."""
    return msgspec.json.format(stored, indent=-1) if b"\n" in stored else stored
