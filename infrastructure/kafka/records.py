"""Events as records on Kafka: CloudEvents 1.0, and MACs over all that is believed."""

import hmac
import struct
from binascii import b2a_base64
from collections.abc import Mapping, Sequence
from operator import itemgetter
from typing import Any

import msgspec

from domain.identifiers import StreamId, event_id
from domain.instants import Instant
from domain.recorded import Actor, EventMetadata, RecordedEvent

SPEC_VERSION = b"1.0"
MAC_PURPOSE = b"falconpay-event-record-1"
"""Told to the MAC first, so that it never fits anything but a record of this shape."""

ACTOR_PURPOSE = b"falconpay-event-actor-1"
"""Told first to the MAC of who gave the command: a header of its own, so that whoever checks
`mac` alone need not know of it."""

AUTHENTICATED = (
    "ce_id",
    "ce_type",
    "ce_source",
    "ce_subject",
    "ce_time",
    "position",
    "version",
    "command_id",
    "command_index",
    "command_count",
    "store",
    "traceparent",  # Only where the command has one; then of no length.
)
"""Headers under the MAC, in this order; after them comes the value."""

_REQUIRED = itemgetter(*AUTHENTICATED[:-1])
_LENGTHS = struct.Struct(f">{len(AUTHENTICATED) + 2}I")
_ACTOR_LENGTHS = struct.Struct(">3I")
_encode_actor = msgspec.json.Encoder().encode
_decode_actor = msgspec.json.Decoder(Actor).decode

Headers = dict[str, str | bytes | None] | list[tuple[str, str | bytes | None]]
"""As the client library gives and takes them; values are bytes."""


class RecordRefused(ValueError):
    """A record is not of this ledger's relay or was altered; the message says what is wrong."""


class Record(msgspec.Struct, frozen=True, gc=False):
    """A record that is believed: its headers, decoded, and its value."""

    position: int
    stream_id: StreamId
    event_id: str
    version: int
    type: str
    recorded_at: Instant
    store: str
    command_id: str
    index: int
    count: int
    traceparent: str | None
    data: bytes
    actor: Actor | None
    tells_actor: bool
    """Whether it can be believed that nobody is named: what begins a stream has to say so, which
    relays of before actors were told did not."""


def new_mac(secret: bytes) -> hmac.HMAC:
    """Return the MAC before its first record; each record continues a copy."""
    return hmac.new(secret, digestmod="sha256")


def mac(empty: hmac.HMAC, fields: Sequence[bytes]) -> bytes:
    """Return HMAC-SHA-256 (RFC 2104) in base64 over the headers of `AUTHENTICATED` and the value.

    The lengths of all fields come before their bytes, so no two records look alike.
    """
    return _mac(empty, _LENGTHS.pack(len(MAC_PURPOSE), *map(len, fields)), MAC_PURPOSE, fields)


def actor_mac(empty: hmac.HMAC, record_mac: bytes, actor: bytes) -> bytes:
    """Return the MAC of who gave a command, which holds for the record of this MAC alone.

    It is made over no bytes where a record does not tell that, so nobody takes it away either.
    """
    fields = (record_mac, actor)
    lengths = _ACTOR_LENGTHS.pack(len(ACTOR_PURPOSE), *map(len, fields))
    return _mac(empty, lengths, ACTOR_PURPOSE, fields)


def _mac(empty: hmac.HMAC, lengths: bytes, purpose: bytes, fields: Sequence[bytes]) -> bytes:
    code = empty.copy()
    code.update(lengths + purpose + b"".join(fields))
    return b2a_base64(code.digest(), newline=False)


class RecordCodec:
    """Writes and reads the records of one ledger."""

    def __init__(self, ledger: str, secret: bytes) -> None:
        """Take the ledger's name and the key that relay and consumers share."""
        self._source = f"/ledgers/{ledger}".encode()
        self._mac = new_mac(secret)

    def encode(
        self, event: RecordedEvent, metadata: EventMetadata, store: str
    ) -> tuple[bytes, bytes, Headers]:
        """Return key, value and headers of an event's record."""
        subject = event.stream_id.encode()
        fields = (
            event_id(event.stream_id, event.version).encode(),
            event.type.encode(),
            self._source,
            subject,
            event.recorded_at.encode(),
            b"%d" % event.position,
            b"%d" % event.version,
            metadata.command_id.encode(),
            b"%d" % metadata.index,
            b"%d" % metadata.count,
            store.encode(),
            (metadata.traceparent or "").encode(),
        )
        headers: list[tuple[str, str | bytes | None]] = [
            ("ce_specversion", SPEC_VERSION),
            *zip(AUTHENTICATED, fields, strict=True),
        ]
        if metadata.traceparent is None:
            headers.pop()
        own = mac(self._mac, (*fields, event.data))
        headers.append(("mac", own))
        actor = b""
        if metadata.actor is not None:
            actor = _encode_actor(metadata.actor)
            headers.append(("actor", actor))
        if actor or event.version == 1:
            # Who gave a command stands with the event that begins the stream of its key, so what
            # continues a stream need not say that it names nobody.
            headers.append(("actor_mac", actor_mac(self._mac, own, actor)))
        return subject, event.data, headers

    def decode(self, key: bytes | None, value: bytes | None, headers: Headers | None) -> Record:
        """Return the record, or raise `RecordRefused` when a MAC does not fit what it covers."""
        found: dict[str, Any] = dict(headers or ())
        if value is None:
            raise RecordRefused("it has no value")
        try:
            fields = (*_REQUIRED(found), found.get("traceparent") or b"")
            fits = hmac.compare_digest(mac(self._mac, (*fields, value)), found["mac"])
        except (KeyError, TypeError):
            raise RecordRefused("a header is missing") from None
        if not fits:
            raise RecordRefused("the MAC does not fit")
        if key != fields[3] or fields[2] != self._source:
            raise RecordRefused("the key or the ledger does not fit")
        return Record(
            position=int(fields[5]),
            stream_id=StreamId(fields[3].decode()),
            event_id=fields[0].decode(),
            version=int(fields[6]),
            type=fields[1].decode(),
            recorded_at=Instant(fields[4].decode()),
            store=fields[10].decode(),
            command_id=fields[7].decode(),
            index=int(fields[8]),
            count=int(fields[9]),
            traceparent=fields[11].decode() or None,
            data=value,
            actor=self._checked_actor(found),
            tells_actor="actor_mac" in found or fields[6] != b"1",
        )

    def _checked_actor(self, found: Mapping[str, Any]) -> Actor | None:
        """Return who gave the command; none where its own MAC says so, or is not there either."""
        actor, told = found.get("actor"), found.get("actor_mac")
        if actor is None and told is None:
            return None
        expected = actor_mac(self._mac, found["mac"], actor or b"")
        if told is None or not hmac.compare_digest(expected, told):
            raise RecordRefused("the MAC of who gave the command does not fit")
        return None if actor is None else _decode_actor(actor)


def claimed_store(headers: Headers | None) -> str | None:
    """Return which store a record says it is of, without believing it."""
    told: Any = dict(headers or ()).get("store")
    return told.decode(errors="replace") if told else None
