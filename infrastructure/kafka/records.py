"""Events as records on Kafka: CloudEvents 1.0, and a MAC over all that is believed."""

import hmac
import struct
from binascii import b2a_base64
from collections.abc import Sequence
from operator import itemgetter
from typing import Any

import msgspec

from domain.identifiers import StreamId, event_id
from domain.instants import Instant
from domain.recorded import Actor, EventMetadata, RecordedEvent

SPEC_VERSION = b"1.0"
MAC_PURPOSE = b"falconpay-event-record-1"
"""Told to the MAC first, so that it never fits anything but a record of this shape."""

MAC_PURPOSE_WITH_ACTOR = b"falconpay-event-record-2"
"""The same of a record that says who gave its command, which the MAC covers last of all."""

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
_LENGTHS_WITH_ACTOR = struct.Struct(f">{len(AUTHENTICATED) + 3}I")
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


def new_mac(secret: bytes) -> hmac.HMAC:
    """Return the MAC before its first record; each record continues a copy."""
    return hmac.new(secret, digestmod="sha256")


def mac(empty: hmac.HMAC, fields: Sequence[bytes], actor: bytes | None = None) -> bytes:
    """Return HMAC-SHA-256 (RFC 2104) in base64 over the headers of `AUTHENTICATED` and the value.

    An actor comes behind the value. The lengths of all fields come before their bytes, so no two
    records look alike.
    """
    purpose, lengths = MAC_PURPOSE, _LENGTHS
    if actor is not None:
        purpose, lengths, fields = MAC_PURPOSE_WITH_ACTOR, _LENGTHS_WITH_ACTOR, (*fields, actor)
    code = empty.copy()
    code.update(lengths.pack(len(purpose), *map(len, fields)) + purpose + b"".join(fields))
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
        actor = None if metadata.actor is None else _encode_actor(metadata.actor)
        if actor is not None:
            headers.append(("actor", actor))
        headers.append(("mac", mac(self._mac, (*fields, event.data), actor)))
        return subject, event.data, headers

    def decode(self, key: bytes | None, value: bytes | None, headers: Headers | None) -> Record:
        """Return the record, or raise `RecordRefused` when its MAC does not fit all of it."""
        found: dict[str, Any] = dict(headers or ())
        actor = found.get("actor")
        if value is None:
            raise RecordRefused("it has no value")
        try:
            fields = (*_REQUIRED(found), found.get("traceparent") or b"")
            fits = hmac.compare_digest(mac(self._mac, (*fields, value), actor), found["mac"])
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
            actor=None if actor is None else _decode_actor(actor),
        )


def claimed_store(headers: Headers | None) -> str | None:
    """Return which store a record says it is of, without believing it."""
    told: Any = dict(headers or ()).get("store")
    return told.decode(errors="replace") if told else None
