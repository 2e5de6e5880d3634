"""The leaves of a ledger's Merkle tree (RFC 6962): an event's canonical bytes and their hash."""

import hashlib
from base64 import b64encode

from domain.recorded import RecordedEvent


def entry(event: RecordedEvent) -> bytes:
    """Return an event as it is stored in canonical JSON (RFC 8785).

    Written by hand, since its form is fixed: keys in order, whole numbers below 2^53, and
    strings (base64, an instant, an identifier, a type name) that hold nothing to escape.
    """
    return (
        f'{{"data":"{b64encode(event.data).decode()}"'
        f',"metadata":"{b64encode(event.metadata).decode()}"'
        f',"position":{event.position}'
        f',"recorded_at":"{event.recorded_at}"'
        f',"stream_id":"{event.stream_id}"'
        f',"type":"{event.type}"'
        f',"version":{event.version}}}'
    ).encode("ascii")


def leaf_hash(entry: bytes) -> bytes:
    """Return SHA-256 over a zero byte and an entry: the leaf number position - 1."""
    return hashlib.sha256(b"\0" + entry).digest()
