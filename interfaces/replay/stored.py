"""Reads stored events by the table of the contract alone, fast and without this version's codec."""

from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, LiteralString
from uuid import UUID

import msgspec
import psycopg

from domain.identifiers import PREFIXES, encode
from interfaces.replay import actor_lines as actors
from interfaces.replay import operation_facts as operations
from interfaces.replay import request_lines as requests
from interfaces.replay import schedule_lines as schedules
from interfaces.replay.times import Time, decoded

CHUNK = 4_000
"""How many rows are in memory at a time."""

EVENTS: LiteralString = """
SELECT notification_id, uuid_send(originator_id), originator_version, topic, state, metadata,
       timestamptz_send(recorded_at) FROM events """


class Opened(msgspec.Struct, rename={"account_class": "class"}):
    """A wallet's beginning."""

    kind: str
    account_class: str
    owner: str | None
    name: str
    reference: str | None
    currency: str
    overdraft_limit: int | None


class Moved(msgspec.Struct, gc=False):
    """A change of posted or held, in minor units."""

    payment_id: str
    amount: int
    currency: str
    counterparty: str | None = None
    effective_at: Time | None = None
    counted: int | None = None
    given_back: int = 0


class Limited(msgspec.Struct):
    """A new overdraft limit, in minor units; none is unlimited."""

    overdraft_limit: int | None


class Sided(msgspec.Struct):
    """A freeze or its end, by one side."""

    side: str


class Limits(msgspec.Struct):
    """What may leave by one payment and on one day, in minor units; none is no limit."""

    per_payment: int | None
    per_day: int | None


class MemberAdded(msgspec.Struct):
    """A role that somebody has from now on."""

    user_id: str
    role: str


class MemberRemoved(msgspec.Struct):
    """Somebody who has no role any more."""

    user_id: str


class Approvals(msgspec.Struct):
    """How many other owners payments above an amount need."""

    required: int
    above: int


class Leg(msgspec.Struct):
    """One movement of a payment, in minor units."""

    source_wallet_id: str
    destination_wallet_id: str
    amount: int
    currency: str


class Standing(msgspec.Struct):
    """How a payment stands after an event, in minor units."""

    status: str
    amount: int
    ended_by: str | None = None
    captured: int = 0
    left: int = 0
    refunded: int = 0
    refundable: int = 0
    expires_at: Time | None = None
    approved_by: list[str] = []


class Quorum(msgspec.Struct):
    """How many other owners of a wallet a payment waits for."""

    wallet_id: str
    required: int


class Paid(msgspec.Struct):
    """A payment as its first event tells it, or as one that waited has completed."""

    kind: str
    amount: int
    currency: str
    source_wallet_id: str | None
    destination_wallet_id: str | None
    effective_at: Time | None
    description: str | None = None
    reference: str | None = None
    metadata: dict[str, str] | None = None
    code: str | None = None
    available: int | None = None
    original_payment_id: str | None = None
    legs: list[Leg] | None = None
    requested_by: str | None = None
    quorums: list[Quorum] | None = None
    standing: Standing | None = None


class WentOn(msgspec.Struct):
    """What a payment came to after it had begun."""

    standing: Standing
    amount: int | None = None
    currency: str | None = None
    effective_at: Time | None = None
    kind: str | None = None
    description: str | None = None


class Other(msgspec.Struct):
    """An event that moves no money and is not looked into."""


Facts = (
    Opened
    | Moved
    | Limited
    | Sided
    | Limits
    | MemberAdded
    | MemberRemoved
    | Approvals
    | Paid
    | WentOn
    | actors.Answered
    | requests.Facts
    | schedules.Facts
    | operations.Facts
    | Other
)

SHAPES: Mapping[str, type[Facts]] = {
    "wallet.opened.v1": Opened,
    "wallet.credited.v1": Moved,
    "wallet.debited.v1": Moved,
    "wallet.funds_held.v1": Moved,
    "wallet.hold_captured.v1": Moved,
    "wallet.hold_released.v1": Moved,
    "wallet.overdraft_limit_changed.v1": Limited,
    "wallet.frozen.v1": Sided,
    "wallet.unfrozen.v1": Sided,
    "wallet.closed.v1": Other,
    "wallet.limits_changed.v1": Limits,
    "wallet.member_added.v1": MemberAdded,
    "wallet.member_removed.v1": MemberRemoved,
    "wallet.approvals_changed.v1": Approvals,
    "payment.completed.v1": Paid,
    "payment.declined.v1": Paid,
    "payment.authorized.v1": Paid,
    "payment.approval_requested.v1": Paid,
    "payment.approved.v1": WentOn,
    "payment.rejected.v1": WentOn,
    "payment.increased.v1": WentOn,
    "payment.captured.v1": WentOn,
    "payment.released.v1": WentOn,
    "payment.refunded.v1": WentOn,
    "payment.reversed.v1": WentOn,
    **actors.SHAPES,
    **operations.SHAPES,
    **requests.SHAPES,
    **schedules.SHAPES,
}
_DECODE: Mapping[str, Callable[[bytes], Facts]] = {
    name: msgspec.json.Decoder(shape, dec_hook=decoded).decode for name, shape in SHAPES.items()
}
_DECODE_PLACE = msgspec.json.Decoder(actors.Place).decode
BROKEN = (msgspec.MsgspecError, ValueError, RecursionError)
"""What reading raises of bytes that are no JSON, and of numbers and nesting without end."""

_EPOCH = datetime(2000, 1, 1, tzinfo=UTC)


class Stored(msgspec.Struct):
    """One event: its place in the order, and its facts as far as checks need them.

    `stream` are the 128 bits of the stream's id and `name` is that id. `recorded` is PostgreSQL's
    binary form of a time (microseconds since 2000, big-endian), which compares as the times do.
    """

    position: int
    stream: bytes
    name: str
    version: int
    type: str
    recorded: bytes
    place: actors.Place
    facts: Facts


class Unreadable(ValueError):
    """A row cannot be decoded."""

    def __init__(self, column: str, reason: str) -> None:
        """Keep why, and of which field: `data`, `metadata` or `type`."""
        super().__init__(reason)
        self.column = column


class Reader:
    """Decodes rows; it remembers the ids of wallets, which come again and again."""

    def __init__(self) -> None:
        """Begin without any wallet."""
        self._wallets: dict[bytes, str] = {}

    def read(self, row: tuple[Any, ...]) -> Stored:
        """Return a row of the columns above, or raise `Unreadable`."""
        position, stream, version, type_name, state, metadata, recorded = row
        try:
            place = _DECODE_PLACE(metadata)
        except BROKEN as fault:
            raise Unreadable("metadata", str(fault)) from None
        if type_name not in _DECODE:
            raise Unreadable("type", f"{type_name} is no type of the contract")
        try:
            facts = _DECODE[type_name](state)
        except BROKEN as fault:
            raise Unreadable("data", str(fault)) from None
        name = self._wallets.get(stream)
        if name is None:
            name = stream_name(type_name, stream)
            if type_name.startswith("wallet."):
                self._wallets[stream] = name
        return Stored(position, stream, name, version, type_name, recorded, place, facts)


def chunks(
    connection: psycopg.Connection[Any], name: str, query: LiteralString, *parameters: object
) -> Iterator[list[tuple[Any, ...]]]:
    """Yield a query's rows a few thousand at a time, within the connection's transaction."""
    with connection.cursor(name) as cursor:
        cursor.execute(query, parameters, binary=True)
        while rows := cursor.fetchmany(CHUNK):
            yield rows


def stream_name(type_name: str, stream: bytes) -> str:
    """Return a stream's prefixed id, or its bits where the kind is unknown."""
    prefix = PREFIXES.get(type_name.partition(".")[0])
    return encode(prefix, UUID(bytes=stream)) if prefix else stream.hex()


def stamp(text: str | None) -> bytes | None:
    """Return a time of RFC 3339 as PostgreSQL's binary form."""
    if text is None:
        return None
    since = datetime.fromisoformat(text) - _EPOCH
    return (since // timedelta(microseconds=1)).to_bytes(8, "big", signed=True)


def time_of(stamped: bytes | None) -> str | None:
    """Return PostgreSQL's binary form of a time as one of RFC 3339."""
    if stamped is None:
        return None
    since = timedelta(microseconds=int.from_bytes(stamped, "big", signed=True))
    try:
        return (_EPOCH + since).isoformat(timespec="microseconds").replace("+00:00", "Z")
    except OverflowError:
        return f"{since} after 2000"  # Such as infinity, stored by a superuser.
