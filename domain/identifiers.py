"""Identifiers: a prefix that names the kind and 128 bits in Crockford's base 32."""

import json
import re
from functools import lru_cache
from hashlib import sha1
from typing import NewType
from uuid import UUID, uuid5

WalletId = NewType("WalletId", str)
PaymentId = NewType("PaymentId", str)
RequestId = NewType("RequestId", str)
PaymentRequestId = NewType("PaymentRequestId", str)
ScheduleId = NewType("ScheduleId", str)
OperationId = NewType("OperationId", str)
StreamId = NewType("StreamId", str)
"""The prefixed id of a wallet, a payment or a request: what an event belongs to."""

NAMESPACE = UUID("6f3a1d0e-7b52-5c0f-9d1e-0a5b8c4e2f71")
"""Root of all ids derived from a caller's keys; it never changes."""

_CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_PAIRS = [high + low for high in _CROCKFORD for low in _CROCKFORD]
_TRIPLES = [pair + last for pair in _PAIRS for last in _CROCKFORD]
_TO_PYTHON = str.maketrans(_CROCKFORD, "0123456789abcdefghijklmnopqrstuv")
_HALF = (1 << 60) - 1
_UNMARKED = ~(0xF << 76 | 0x3 << 62)
_MARKED = 5 << 76 | 2 << 62
"""The bits of a UUID that say its version and variant, at their places for version 5."""

_SHAPE = re.compile(r"([a-z]{3})_([0-7][0-9A-HJKMNP-TV-Z]{25})", re.ASCII)


class IdentifierInvalid(ValueError):
    """A text is no identifier of the kind that is asked for."""


def encode(prefix: str, value: UUID) -> str:
    """Return 128 bits as a prefix and 26 characters, the most significant bits first."""
    return _written(prefix, value.int)


def _written(prefix: str, number: int) -> str:
    # Three characters at a time: every event needs some, and `base64.b32encode` is slow Python.
    high, low = number >> 60, number & _HALF
    return (
        f"{prefix}_{_PAIRS[high >> 60]}{_TRIPLES[high >> 45 & 32767]}{_TRIPLES[high >> 30 & 32767]}"
        f"{_TRIPLES[high >> 15 & 32767]}{_TRIPLES[high & 32767]}{_TRIPLES[low >> 45]}"
        f"{_TRIPLES[low >> 30 & 32767]}{_TRIPLES[low >> 15 & 32767]}{_TRIPLES[low & 32767]}"
    )


def decode(prefix: str, text: str) -> UUID:
    """Return the 128 bits of an identifier in its canonical form, or raise `IdentifierInvalid`."""
    match = _SHAPE.fullmatch(text)
    if match is None or match[1] != prefix:
        raise IdentifierInvalid(f"Expected {prefix}_ and 26 characters of Crockford's base 32.")
    return bits(text)


@lru_cache(maxsize=16_384)
def bits(identifier: str) -> UUID:
    """Return the 128 bits of an identifier that is known to be well formed."""
    return UUID(int=_number(identifier))


def _number(identifier: str) -> int:
    return int(identifier[4:].translate(_TO_PYTHON), 32)


def wallet_id(value: UUID) -> WalletId:
    """Return the identifier of a wallet's stream."""
    return WalletId(encode("wal", value))


def payment_id(value: UUID) -> PaymentId:
    """Return the identifier of a payment's stream."""
    return PaymentId(encode("pay", value))


def request_id(value: UUID) -> RequestId:
    """Return the identifier of the stream that keeps the answer to a request."""
    return RequestId(encode("req", value))


def payment_request_id(value: UUID) -> PaymentRequestId:
    """Return the identifier of the stream of a payment request."""
    return PaymentRequestId(encode("prq", value))


def schedule_id(value: UUID) -> ScheduleId:
    """Return the identifier of a schedule's stream."""
    return ScheduleId(encode("sch", value))


def operation_id(value: UUID) -> OperationId:
    """Return the identifier of the stream of what an operator did to the ledger."""
    return OperationId(encode("opr", value))


def stream_id(type_name: str, value: UUID) -> StreamId:
    """Return a stream's identifier; the kind of its events tells the prefix."""
    kind = type_name[: type_name.index(".")]
    return StreamId(encode(PREFIXES[kind], value))


def event_id(stream: StreamId, version: int) -> str:
    """Return the id of an event, which follows from its stream and version.

    It is the name-based UUID (version 5 of RFC 9562) of the version's digits under the stream.
    """
    return _written("evt", _named(_number(stream).to_bytes(16), b"%d" % version))


def key_stream(ledger: str, issuer: str, subject: str, key: str) -> UUID:
    """Return the stream that a caller's idempotency key begins, one per caller and ledger."""
    return UUID(int=_named(_caller_namespace(ledger, issuer, subject), key.encode()))


def _named(namespace: bytes, name: bytes) -> int:
    """Return the bits of the UUID of version 5 that a name has under another UUID's bytes.

    Written out, as every event and every key needs one: `uuid5` makes two objects on the way.
    """
    digest = sha1(namespace + name, usedforsecurity=False).digest()
    return int.from_bytes(digest[:16]) & _UNMARKED | _MARKED


@lru_cache(maxsize=4096)
def _caller_namespace(ledger: str, issuer: str, subject: str) -> bytes:
    # An array of strings without spaces is its own canonical form after RFC 8785.
    name = json.dumps([ledger, issuer, subject], ensure_ascii=False, separators=(",", ":"))
    return uuid5(NAMESPACE, name).bytes


PREFIXES = {
    "wallet": "wal",
    "payment": "pay",
    "request": "req",
    "payment_request": "prq",
    "schedule": "sch",
    "operation": "opr",
}
"""The prefix of a stream's id, by the first word of its events' types."""
