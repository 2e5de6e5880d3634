"""Identifiers are the same 128 bits to everybody, in exactly one spelling."""

from uuid import UUID, uuid5

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.identifiers import (
    IdentifierInvalid,
    StreamId,
    bits,
    decode,
    encode,
    event_id,
    key_stream,
    payment_id,
    request_id,
    stream_id,
    wallet_id,
)
from infrastructure.event_codec import TYPES

ZERO = "0" * 26
ALL_ONES = "7" + "Z" * 25
SPELLED = [
    (UUID(int=0), ZERO),
    (UUID(int=1), "0" * 25 + "1"),
    (UUID(int=31), "0" * 25 + "Z"),
    (UUID(int=32), "0" * 24 + "10"),
    (UUID(int=2**125), "1" + "0" * 25),
    (UUID(int=2**128 - 1), ALL_ONES),
    # The 26 digits most significant first, reckoned by hand: 5 bits each from the right.
    (UUID("0189a6a3-1c2d-7e8f-9a0b-1c2d3e4f5061"), "01H6KA671DFT7SM2RW5MZ4YM31"),
]

NO_WALLET = [
    "",
    "wal_",
    ZERO,
    f"wal{ZERO}",
    f"wal-{ZERO}",
    f"WAL_{ZERO}",
    f"pay_{ZERO}",
    f"wal_{ZERO}0",
    f"wal_{ZERO[1:]}",
    f"wal_8{ZERO[1:]}",
    f"wal_{ALL_ONES.lower()}",
    f"wal_{ZERO[1:]}I",
    f"wal_{ZERO[1:]}L",
    f"wal_{ZERO[1:]}O",
    f"wal_{ZERO[1:]}U",
    f"wal_{ZERO[1:]}-",
    f"wal_{ZERO}\n",
    f" wal_{ZERO}",
    f"wal_{ZERO[1:]}\u0660",
    f"wal_{ZERO[1:]}\x00",
]


@pytest.mark.parametrize(("value", "text"), SPELLED)
def test_128_bits_are_26_digits_of_crockford(value: UUID, text: str) -> None:
    """The most significant bits come first, and the first digit holds only three of them."""
    assert encode("wal", value) == f"wal_{text}"
    assert decode("wal", f"wal_{text}") == value
    assert bits(f"wal_{text}") == value


@pytest.mark.parametrize("text", NO_WALLET)
def test_any_other_spelling_is_no_identifier(text: str) -> None:
    """Crockford's lenient readings are not taken: an object has one id."""
    with pytest.raises(IdentifierInvalid):
        decode("wal", text)


def test_the_prefix_tells_the_kind() -> None:
    """Each stream's id begins with what it is."""
    value = UUID(int=5)
    assert wallet_id(value).startswith("wal_")
    assert payment_id(value).startswith("pay_")
    assert request_id(value).startswith("req_")


@pytest.mark.parametrize("type_name", TYPES)
def test_every_stored_type_has_a_prefix(type_name: str) -> None:
    """The row's type is enough to write the stream's id."""
    prefixes = {"wallet": "wal_", "payment": "pay_", "request": "req_"}
    prefixes |= {"payment_request": "prq_", "schedule": "sch_", "operation": "opr_"}
    expected = prefixes[type_name.partition(".")[0]] + ZERO
    assert stream_id(type_name, UUID(int=0)) == expected


def test_a_keys_stream_never_changes() -> None:
    """These values are stored: were they to change, old keys would pay again."""
    assert key_stream("main", "falconpay", "usr_1", "order-1") == UUID(
        "1533e936-59f3-5e56-8679-f9b20fbccb15"
    )
    assert key_stream("main", "https://id.example/ü", 'a"b\\c', "~") == UUID(
        "5eb8edb5-e32a-566e-b11f-c4f6486459e7"
    )


def test_an_events_id_follows_from_stream_and_version() -> None:
    """The id is the same whoever derives it, and differs from version to version."""
    stream = StreamId(wallet_id(UUID(int=5)))
    assert event_id(stream, 1) == "evt_2EQSBA2NVCBA69XAD8WG6C8QFV"
    assert event_id(stream, 2) == "evt_35JBZ0YHP3AGHAXPWTHEZABH4Q"


@given(st.uuids(), st.integers(1, 2**63 - 1))
def test_an_events_id_is_the_name_based_uuid_of_its_version(stream: UUID, version: int) -> None:
    """As RFC 9562 has it, and as the standard library makes it."""
    named = uuid5(stream, str(version))
    assert event_id(StreamId(wallet_id(stream)), version) == encode("evt", named)


@given(st.uuids())
def test_every_identifier_is_read_back(value: UUID) -> None:
    """All 128 bits are in the text."""
    assert decode("wal", wallet_id(value)) == value


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (("main", "i", "s", "k"), ("other", "i", "s", "k")),
        (("main", "i", "s", "k"), ("main", "j", "s", "k")),
        (("main", "i", "s", "k"), ("main", "i", "t", "k")),
        (("main", "i", "s", "k"), ("main", "i", "s", "K")),
        (("main", "i", "sk", ""), ("main", "i", "s", "k")),
        (("main", "is", "", "k"), ("main", "i", "s", "k")),
        (("a", 'b","c', "d", "k"), ("a", "b", 'c","d', "k")),
    ],
)
def test_a_key_belongs_to_one_caller_in_one_ledger(
    one: tuple[str, str, str, str], other: tuple[str, str, str, str]
) -> None:
    """No two callers, issuers or ledgers share a key, however their names are cut."""
    assert key_stream(*one) != key_stream(*other)
