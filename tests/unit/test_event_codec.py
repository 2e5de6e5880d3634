"""What has been stored stays readable: names never change, and old shapes are brought forward."""

import dataclasses
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, get_args

import pytest

from domain import events
from domain import payment_events as payments
from domain.events import Event, WalletDebited, WalletFrozen
from domain.recorded import Actor, EventMetadata
from infrastructure.event_codec import STORED_NAMES, TYPES, UPCASTERS, EventCodec, EventUnreadable
from tests.given import NOW, OURS, PAID, THEIRS
from tests.stored_events import ADDED_NAMES, ADDED_ONE_BY_ONE, EXAMPLES, FROZEN_NAMES

_BETWEEN = (
    '"source_wallet_id":"wal_00000000000000000000000001",'
    '"destination_wallet_id":"wal_00000000000000000000000002",'
    '"effective_at":"2026-01-31T12:00:00.000000Z"'
)
_PAYMENT: dict[str, Any] = {
    "kind": "transfer",
    "amount": 5,
    "currency": "EUR",
    "source_wallet_id": OURS,
    "destination_wallet_id": THEIRS,
    "effective_at": NOW,
}
FIXED: list[tuple[Event, str, str]] = [
    (
        WalletDebited(PAID, 5, "EUR", THEIRS, NOW),
        "wallet.debited.v1",
        '{"payment_id":"pay_00000000000000000000000009","amount":5,"currency":"EUR",'
        '"counterparty":"wal_00000000000000000000000002",'
        '"effective_at":"2026-01-31T12:00:00.000000Z"}',
    ),
    (
        payments.PaymentCompleted(**_PAYMENT),
        "payment.completed.v1",
        f'{{"kind":"transfer","amount":5,"currency":"EUR",{_BETWEEN},'
        '"description":null,"reference":null,"metadata":null}',
    ),
    (
        payments.PaymentDeclined(
            **_PAYMENT, code="insufficient-funds", available=-3, metadata={"a": "b"}
        ),
        "payment.declined.v1",
        f'{{"kind":"transfer","amount":5,"currency":"EUR",{_BETWEEN},'
        '"code":"insufficient-funds","available":-3,'
        '"description":null,"reference":null,"metadata":{"a":"b"}}',
    ),
    (
        events.RequestAccepted(
            action="freeze", wallet_id=OURS, status="frozen", overdraft_limit=None, role="owner"
        ),
        "request.accepted.v1",
        '{"action":"freeze","wallet_id":"wal_00000000000000000000000001","status":"frozen",'
        '"overdraft_limit":null,"role":"owner"}',
    ),
    (
        events.RequestRefused(action="close", wallet_id=OURS, code="wallet-not-empty"),
        "request.refused.v1",
        '{"action":"close","wallet_id":"wal_00000000000000000000000001","code":"wallet-not-empty"}',
    ),
]
"""Events in the bytes in which the first release stored them."""

CODEC = EventCodec()


@pytest.mark.parametrize("event", EXAMPLES, ids=lambda event: type(event).__name__)
def test_an_event_comes_back_as_it_was_stored(event: Event) -> None:
    """Encoding and decoding is the identity, for every type and every optional field."""
    assert CODEC.decode(*CODEC.encode(event)) == event


def test_every_event_has_an_example_and_a_type() -> None:
    """A new event cannot be forgotten here or in the codec."""
    known = set(get_args(Event))
    assert {type(example) for example in EXAMPLES} == known == set(TYPES.values())


def test_stored_names_never_change() -> None:
    """Type names and field names are read by others and by all later versions."""
    stored = {
        name: tuple(STORED_NAMES.get(field.name, field.name) for field in dataclasses.fields(cls))
        for name, cls in TYPES.items()
    }
    added = {**ADDED_NAMES, **ADDED_ONE_BY_ONE}
    known = {name: (*FROZEN_NAMES[name], *added.get(name, ())) for name in FROZEN_NAMES}
    assert stored == known


@pytest.mark.parametrize("event", EXAMPLES, ids=lambda event: type(event).__name__)
def test_the_stored_fields_are_those_of_the_table(event: Event) -> None:
    """The bytes bear exactly the frozen names, amounts as JSON integers."""
    type_name, state = CODEC.encode(event)
    fields = json.loads(state)
    frozen, added = FROZEN_NAMES[type_name], ADDED_NAMES.get(type_name, ())
    any_set = any(getattr(event, name) is not None for name in added)
    by_itself = ADDED_ONE_BY_ONE.get(type_name, ())
    more = [name for name in by_itself if getattr(event, name) is not None]
    assert tuple(fields) == (*frozen, *(added if any_set else ()), *more)
    assert type(fields.get("amount", 0)) is int


@pytest.mark.parametrize(("event", "type_name", "stored"), FIXED)
def test_a_fixed_event_is_stored_in_these_bytes(event: Event, type_name: str, stored: str) -> None:
    """Seals hash the bytes, so their form is fixed: no spaces, no escapes beyond need."""
    assert CODEC.encode(event) == (type_name, stored.encode())


@pytest.mark.parametrize("last", ["x", 'x","counted":null}', None])
def test_what_people_write_is_never_taken_for_what_is_left_out(last: str | None) -> None:
    """Only the last fields themselves are left out, whatever the text before them looks like."""
    event = payments.PaymentCompleted(
        kind="transfer",
        amount=5,
        currency="EUR",
        source_wallet_id=OURS,
        destination_wallet_id=THEIRS,
        effective_at=NOW,
        reference=last,
        metadata={"a": ',"original_payment_id":null,"legs":null,"rate":null,"standing":null}'},
    )
    assert CODEC.decode(*CODEC.encode(event)) == event


@dataclass(frozen=True, slots=True)
class WalletFrozenLater:
    """A second version of a freeze, which names its cause."""

    side: str
    reason: str
    cause: str


@dataclass(frozen=True, slots=True)
class WalletFrozenMuchLater:
    """A third version, in which one field has another name."""

    by: str
    reason: str
    cause: str


def _second(fields: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    return "wallet.frozen.v2", {**fields, "cause": "not told"}


def _third(fields: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    return "wallet.frozen.v3", {"by": fields.pop("side"), **fields}


def _newer(name: str, cls: type, upcasters: Mapping[str, Any]) -> EventCodec:
    types = {each: known for each, known in TYPES.items() if each != "wallet.frozen.v1"}
    return EventCodec({**types, name: cls}, {**UPCASTERS, **upcasters})


def test_a_second_version_still_reads_the_first() -> None:
    """What was stored as v1 is read as v2, and what is written is v2."""
    codec = _newer("wallet.frozen.v2", WalletFrozenLater, {"wallet.frozen.v1": _second})
    stored = CODEC.encode(WalletFrozen("member", "card lost"))
    read: object = codec.decode(*stored)
    assert read == WalletFrozenLater("member", "card lost", "not told")
    later: Any = WalletFrozenLater("operate", "x", "court")
    written = codec.encode(later)
    assert written[0] == "wallet.frozen.v2"
    again: object = codec.decode(*written)
    assert again == later


def test_upcasters_follow_one_another() -> None:
    """Each version says only how it differs from the one before."""
    codec = _newer(
        "wallet.frozen.v3",
        WalletFrozenMuchLater,
        {"wallet.frozen.v1": _second, "wallet.frozen.v2": _third},
    )
    read: object = codec.decode(*CODEC.encode(WalletFrozen("member", "card lost")))
    assert read == WalletFrozenMuchLater("member", "card lost", "not told")


def test_what_reads_the_first_version_needs_its_upcaster() -> None:
    """Without the upcaster the old bytes are an error, never an event with a hole in it."""
    codec = _newer("wallet.frozen.v2", WalletFrozenLater, {})
    with pytest.raises(EventUnreadable, match=r"wallet\.frozen\.v1"):
        codec.decode(*CODEC.encode(WalletFrozen("member", "card lost")))


@pytest.mark.parametrize("type_name", ["wallet.vanished.v1", "wallet.frozen.v2", "", "x"])
def test_an_unknown_type_is_a_clear_error(type_name: str) -> None:
    """A store of a newer version is told by type, with the remedy."""
    with pytest.raises(EventUnreadable, match="does not know the type; upgrade FalconPay") as told:
        CODEC.decode(type_name, b"{}")
    assert type_name in str(told.value)


BROKEN = [
    b"",
    b"{",
    b"[]",
    b"null",
    b'"text"',
    b"7",
    b"{}",
    b"\xff\xfe",
    b'{"reason":"\xff"}',
    b'{"reason":null}',
    b'{"reason":5}',
]


@pytest.mark.parametrize("type_name", ["wallet.closed.v1", "wallet.opened.v1"])
@pytest.mark.parametrize("state", BROKEN)
def test_bytes_that_are_no_event_are_a_clear_error(type_name: str, state: bytes) -> None:
    """Whatever is wrong with the bytes, the error names the type."""
    with pytest.raises(EventUnreadable, match=type_name):
        CODEC.decode(type_name, state)


@pytest.mark.parametrize("state", BROKEN)
def test_bytes_that_an_upcaster_cannot_read_are_a_clear_error(state: bytes) -> None:
    """An upcaster is only given an object, and its own faults are told in the same way."""
    codec = _newer(
        "wallet.frozen.v3",
        WalletFrozenMuchLater,
        {"wallet.frozen.v1": _third},
    )
    with pytest.raises(EventUnreadable, match=r"wallet\.frozen\.v1"):
        codec.decode("wallet.frozen.v1", state)


def test_a_field_that_a_later_version_added_is_passed_over() -> None:
    """A reader of the older version takes what it knows, as long as the type is the same."""
    assert CODEC.decode("wallet.closed.v1", b'{"reason":"x","later":1}') == events.WalletClosed("x")


METADATA = [
    EventMetadata("pay_1", 1, 3),
    EventMetadata("pay_1", 0, 3, Actor("usr_1", "cli", "member"), 1, "f" * 64),
    EventMetadata("pay_1", 0, 1, Actor("ü", "c", "operate"), 1, "0" * 64, "00-ab-cd-01"),
]


@pytest.mark.parametrize("metadata", METADATA)
def test_metadata_comes_back_as_it_was_stored(metadata: EventMetadata) -> None:
    """With and without what only a command's first event bears."""
    assert CODEC.decode_metadata(CODEC.encode_metadata(metadata)) == metadata


def test_metadata_of_a_later_event_is_short() -> None:
    """What is not set is not stored, not even as null."""
    assert CODEC.encode_metadata(METADATA[0]) == b'{"command_id":"pay_1","index":1,"count":3}'


@pytest.mark.parametrize("stored", [b"", b"{}", b"[]", b"null", b'{"command_id":"\xff"}'])
def test_metadata_that_cannot_be_read_is_a_clear_error(stored: bytes) -> None:
    """Bytes of metadata fail as bytes of events do."""
    with pytest.raises(EventUnreadable, match="metadata"):
        CODEC.decode_metadata(stored)
