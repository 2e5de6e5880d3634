"""The book as lines of JSON: everything that is stored, with the bytes that seals hash."""

import json
from base64 import b64encode
from collections.abc import Iterator

import msgspec

from domain.identifiers import event_id
from domain.leaves import entry, leaf_hash
from domain.recorded import RecordedEvent
from infrastructure.event_log.reader import EventReader


def head_line(ledger: str, first: int, last: int) -> bytes:
    """Return the first line: which events follow, both ends included.

    `checkpoint` and `vkey` are null as long as the ledger is not sealed.
    """
    fields = {"ledger": ledger, "from": first, "to": last, "checkpoint": None, "vkey": None}
    return json.dumps(fields).encode() + b"\n"


def event_lines(reader: EventReader, first: int, last: int) -> Iterator[bytes]:
    """Yield a line for each event from `first` to `last`, a few thousand in memory at a time."""
    for event in reader.all(after=first - 1):
        if event.position > last:
            return
        yield event_line(event)


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
