"""Records on Kafka: the contract's headers, and nothing believed that the MAC does not cover."""

import base64
import hashlib
import hmac
import json
import struct
from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest

from domain.identifiers import StreamId, event_id, wallet_id
from domain.instants import Instant
from domain.recorded import Actor, EventMetadata, RecordedEvent
from infrastructure.kafka.records import (
    AUTHENTICATED,
    RecordCodec,
    RecordRefused,
    claimed_store,
    mac,
    new_mac,
)
from tests.events_writer import TRACEPARENT

SECRET = b"a key"
WALLET = wallet_id(UUID(int=5))
STORE = "5b3e8f0a-90a4-4a39-9d1e-0a5b8c4e2f71"
EVENT = RecordedEvent(
    position=4711,
    stream_id=StreamId(WALLET),
    version=3,
    type="wallet.frozen.v1",
    data=b'{"side":"member","reason":null}',
    metadata=b"",
    recorded_at=Instant("2026-01-31T12:00:00.000000Z"),
)
METADATA = EventMetadata("req_0123456789ABCDEFGHJKMNPQRS", 1, 2, traceparent=TRACEPARENT)
CODEC = RecordCodec("main", SECRET)


FIRST = replace(EVENT, version=1)
"""As an event that begins a stream, of which it is told who gave the command."""


def record(
    metadata: EventMetadata = METADATA, event: RecordedEvent = EVENT
) -> tuple[bytes, bytes, dict[str, Any]]:
    key, value, headers = CODEC.encode(event, metadata, STORE)
    return key, value, dict(headers)


def test_the_contract() -> None:
    """Key, value and headers are those of CloudEvents' binary mode and of our own contract."""
    key, value, headers = record()
    assert key.decode() == EVENT.stream_id
    assert value == EVENT.data
    told = {name: text.decode() for name, text in headers.items() if name != "mac"}
    assert told == {
        "ce_specversion": "1.0",
        "ce_id": event_id(EVENT.stream_id, 3),
        "ce_type": "wallet.frozen.v1",
        "ce_source": "/ledgers/main",
        "ce_subject": EVENT.stream_id,
        "ce_time": "2026-01-31T12:00:00.000000Z",
        "position": "4711",
        "version": "3",
        "command_id": METADATA.command_id,
        "command_index": "1",
        "command_count": "2",
        "store": STORE,
        "traceparent": TRACEPARENT,
    }
    assert len(base64.b64decode(headers["mac"], validate=True)) == 32


def test_the_mac_as_documented() -> None:
    """Whoever has the key computes the same from the reference of the events alone."""
    _, value, headers = record()
    names = "ce_id ce_type ce_source ce_subject ce_time position version command_id"
    names += " command_index command_count store traceparent"
    fields = [b"falconpay-event-record-1", *(headers[name] for name in names.split()), value]
    message = b"".join(struct.pack(">I", len(field)) for field in fields) + b"".join(fields)
    expected = hmac.new(SECRET, message, hashlib.sha256).digest()
    assert base64.b64decode(headers["mac"]) == expected


def test_what_was_written_is_read() -> None:
    key, value, headers = record()
    found = CODEC.decode(key, value, headers)
    assert (found.position, found.stream_id, found.version) == (4711, EVENT.stream_id, 3)
    assert (found.type, found.data) == (EVENT.type, EVENT.data)
    assert (found.recorded_at, found.store) == (EVENT.recorded_at, STORE)
    assert (found.command_id, found.index, found.count) == (METADATA.command_id, 1, 2)
    assert found.event_id == event_id(EVENT.stream_id, 3)
    assert found.traceparent == TRACEPARENT


ADA, BOB = (Actor(f"usr_{name}", "web", "member") for name in ("ada", "bob"))


def test_who_gave_the_command() -> None:
    """It has a MAC of its own, as documented, over no bytes where nobody is named."""
    for actor in (ADA, None):
        key, value, headers = record(EventMetadata("req_0", 0, 1, actor), FIRST)
        found = CODEC.decode(key, value, headers)
        assert (found.actor, found.tells_actor) == (actor, True)
        told = headers.get("actor", b"")
        fields = [b"falconpay-event-actor-1", headers["mac"], told]
        message = b"".join(struct.pack(">I", len(field)) for field in fields) + b"".join(fields)
        expected = hmac.new(SECRET, message, hashlib.sha256).digest()
        assert base64.b64decode(headers["actor_mac"]) == expected
    _, _, headers = record(EventMetadata("req_0", 0, 1, ADA), FIRST)
    assert json.loads(headers["actor"]) == {
        "sub": "usr_ada",
        "client_id": "web",
        "right": "member",
    }


def test_nobody_says_otherwise_who_gave_the_command() -> None:
    """Another name, another record's, one too many and one taken away are refused."""
    key, value, headers = record(EventMetadata("req_0", 0, 1, ADA), FIRST)
    _, _, others = record(EventMetadata("req_1", 0, 1, BOB), FIRST)
    _, _, silent = record(EventMetadata("req_0", 0, 1), FIRST)
    for altered in (
        {**headers, "actor": headers["actor"].replace(b"ada", b"bob")},
        {**headers, "actor": b""},
        {**headers, "actor": others["actor"], "actor_mac": others["actor_mac"]},
        {**headers, "actor_mac": b""},
        {name: text for name, text in headers.items() if name != "actor_mac"},
        {name: text for name, text in headers.items() if name != "actor"},
        {**silent, "actor": headers["actor"]},
    ):
        with pytest.raises(RecordRefused):
            CODEC.decode(key, value, altered)
    neither = {name: text for name, text in headers.items() if not name.startswith("actor")}
    assert not CODEC.decode(key, value, neither).tells_actor


def test_whoever_checks_the_mac_need_not_know_of_actors() -> None:
    """All headers but those about the actor are the same, whoever is named or nobody."""
    named, silent = (dict(record(EventMetadata("req_0", 0, 1, by), FIRST)[2]) for by in (ADA, None))
    assert named.pop("actor_mac") != silent.pop("actor_mac")
    assert named.pop("actor")
    assert named == silent


def test_what_continues_a_stream_names_nobody_and_need_not_say_so() -> None:
    key, value, headers = record()
    assert not [name for name in headers if "actor" in name]
    found = CODEC.decode(key, value, headers)
    assert (found.actor, found.tells_actor) == (None, True)


def test_without_a_trace() -> None:
    key, value, headers = record(EventMetadata("req_0", 0, 1))
    assert "traceparent" not in headers
    assert CODEC.decode(key, value, headers).traceparent is None


@pytest.mark.parametrize("name", [*AUTHENTICATED, "mac"])
def test_a_header_that_was_altered_or_is_missing(name: str) -> None:
    """Each header that is believed is refused when another, shorter, longer or not there."""
    key, value, headers = record()
    for other in (headers[name][:-1] + b"1", headers[name] + b"0", b"", None):
        if other != headers[name]:
            with pytest.raises(RecordRefused):
                CODEC.decode(key, value, {**headers, name: other})
    with pytest.raises(RecordRefused):
        CODEC.decode(key, value, {n: text for n, text in headers.items() if n != name})


@pytest.mark.parametrize("value", [EVENT.data + b" ", b"", None])
def test_another_value(value: bytes | None) -> None:
    key, _, headers = record()
    with pytest.raises(RecordRefused):
        CODEC.decode(key, value, headers)


@pytest.mark.parametrize("key", [None, b"", wallet_id(UUID(int=7)).encode()])
def test_another_key(key: bytes | None) -> None:
    _, value, headers = record()
    with pytest.raises(RecordRefused):
        CODEC.decode(key, value, headers)


@pytest.mark.parametrize("headers", [None, [], {}])
def test_no_headers(headers: Any) -> None:
    with pytest.raises(RecordRefused):
        CODEC.decode(b"k", b"v", headers)


def test_a_record_of_another_ledger_or_key() -> None:
    key, value, headers = record()
    for codec in (RecordCodec("other", SECRET), RecordCodec("main", b"another key")):
        with pytest.raises(RecordRefused):
            codec.decode(key, value, headers)


def test_bytes_do_not_move_between_fields() -> None:
    """Fields that are the same when written one behind the other have other MACs."""
    empty = new_mac(SECRET)
    fields = [b"ab", b"c", *[b""] * (len(AUTHENTICATED) - 1)]
    moved = [b"a", b"bc", *[b""] * (len(AUTHENTICATED) - 1)]
    assert mac(empty, fields) != mac(empty, moved)


def test_the_store_that_a_stranger_names() -> None:
    assert claimed_store([("store", b"x\xff")]) == "x�"
    assert claimed_store(None) is None
