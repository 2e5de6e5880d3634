"""An event's canonical bytes are what any implementation of RFC 8785 makes of it."""

import base64
import hashlib
from uuid import UUID

import pytest
import rfc8785

from domain.identifiers import stream_id
from domain.instants import Instant
from domain.leaves import entry, leaf_hash
from domain.recorded import RecordedEvent
from infrastructure.event_codec import TYPES

DATA = (b"{}", b"", b"\x00\xff\x7f\n", '{"name":"Žofie \U0001f985"}'.encode(), b"x" * 1000)


def _event(type_name: str, data: bytes, position: int = 7) -> RecordedEvent:
    return RecordedEvent(
        position=position,
        stream_id=stream_id(type_name, UUID(int=2**127 + 5)),
        version=3,
        type=type_name,
        data=data,
        metadata=b'{"command_id":"pay_1","index":0,"count":3}',
        recorded_at=Instant("2026-01-31T12:00:00.000001Z"),
    )


@pytest.mark.parametrize("type_name", TYPES)
@pytest.mark.parametrize("data", DATA)
def test_an_entry_is_canonical_json(type_name: str, data: bytes) -> None:
    """For every type name and any bytes, an independent canonicaliser agrees."""
    event = _event(type_name, data)
    expected = rfc8785.dumps(
        {
            "data": base64.b64encode(event.data).decode(),
            "metadata": base64.b64encode(event.metadata).decode(),
            "position": event.position,
            "recorded_at": event.recorded_at,
            "stream_id": event.stream_id,
            "type": event.type,
            "version": event.version,
        }
    )
    assert entry(event) == expected


def test_positions_stay_integers_as_far_as_json_numbers_are_exact() -> None:
    """The largest position that RFC 8785 can write is written like any other."""
    assert b'"position":9007199254740991,' in entry(_event("wallet.closed.v1", b"{}", 2**53 - 1))


def test_a_leaf_hash_is_that_of_rfc_6962() -> None:
    """A leaf is hashed behind a zero byte, so that no inner node can pass for one."""
    assert leaf_hash(b"") == bytes.fromhex(
        "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"
    )
    assert leaf_hash(b"entry") == hashlib.sha256(b"\0entry").digest()
