"""Values that go out and come back are the same: money, identifiers, instants and events."""

import contextlib
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, get_args, get_type_hints
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from domain.events import Event
from domain.identifiers import (
    IdentifierInvalid,
    bits,
    decode,
    encode,
    event_id,
    key_stream,
    stream_id,
    wallet_id,
)
from domain.instants import instant, moment, next_midnight, parse_instant
from domain.money import MAX_AMOUNT, MAX_BALANCE, AmountInvalid, format_minor, parse_minor
from domain.recorded import Actor, EventMetadata
from infrastructure.event_codec import TYPES, EventCodec

CODEC = EventCodec()
DIGITS = st.integers(0, 18)
UUIDS = st.integers(0, 2**128 - 1).map(lambda value: UUID(int=value))
MOMENTS = st.datetimes(timezones=st.just(UTC))
# Whatever passes the edge: any text but lone surrogates.
TEXTS = st.text(st.characters(exclude_categories=["Cs"]))


@given(st.integers(0, MAX_AMOUNT), DIGITS)
def test_an_amount_goes_out_and_comes_back(minor: int, digits: int) -> None:
    assert parse_minor(format_minor(minor, digits), digits) == minor


@given(st.integers(-MAX_BALANCE, MAX_BALANCE), DIGITS)
def test_a_balance_is_shown_as_exactly_what_it_is(minor: int, digits: int) -> None:
    """An independent reader of decimals finds the same value and all the minor digits."""
    text = format_minor(minor, digits)
    assert Decimal(text) == Decimal(minor).scaleb(-digits)
    assert len(text.partition(".")[2]) == digits
    assert text.startswith("-") is (minor < 0)


@given(st.integers(0, MAX_AMOUNT), DIGITS, st.data())
def test_zeros_at_the_end_change_no_amount(minor: int, digits: int, data: st.DataObject) -> None:
    """`12.3` is `12.30`: all spellings of an amount are one amount."""
    text = format_minor(minor, digits)
    bare = text.rstrip("0").rstrip(".") if "." in text else text
    missing = len(text) - len(bare)
    shorter = text[: len(bare) + data.draw(st.integers(0, missing))]
    assert parse_minor(bare if shorter.endswith(".") else shorter, digits) == minor


@given(st.from_regex(r"[-+]?[0-9]{0,21}(\.[0-9]{0,4})?([eE][0-9]{1,2})?", fullmatch=True), DIGITS)
def test_a_text_is_an_amount_only_in_its_canonical_form(text: str, digits: int) -> None:
    """Whatever is read is what an independent reader of decimals finds in the text."""
    try:
        minor = parse_minor(text, digits)
    except AmountInvalid:
        return
    assert Decimal(minor).scaleb(-digits) == Decimal(text)
    assert 0 <= minor <= MAX_AMOUNT
    assert text[0].isdigit()
    assert text[-1].isdigit()
    assert "e" not in text.lower()
    assert text == "0" or not text.startswith("0") or text.startswith("0.")


@given(TEXTS, DIGITS)
def test_no_text_breaks_the_reading_of_amounts(text: str, digits: int) -> None:
    with contextlib.suppress(AmountInvalid):
        parse_minor(text, digits)


@given(st.sampled_from(["wal", "pay", "evt"]), UUIDS)
def test_an_identifier_goes_out_and_comes_back(prefix: str, value: UUID) -> None:
    text = encode(prefix, value)
    assert decode(prefix, text) == bits(text) == value
    assert len(text) == 30


@given(UUIDS, UUIDS)
def test_the_order_of_identifiers_is_the_order_of_their_bits(one: UUID, other: UUID) -> None:
    """So locking in the order of texts is locking in the order of PostgreSQL's uuids."""
    assert (wallet_id(one) < wallet_id(other)) is (one.bytes < other.bytes)


@given(st.text(max_size=40) | st.from_regex(r"wal_[0-9A-Za-z]{26}", fullmatch=True))
def test_what_is_read_as_an_identifier_is_written_like_it(text: str) -> None:
    """No second spelling of an id is ever accepted."""
    try:
        value = decode("wal", text)
    except IdentifierInvalid:
        return
    assert encode("wal", value) == text


@given(UUIDS, st.integers(1, 2**62), st.integers(1, 2**62))
def test_events_of_a_stream_have_ids_of_their_own(stream: UUID, one: int, other: int) -> None:
    name = stream_id("wallet.opened.v1", stream)
    assert (event_id(name, one) == event_id(name, other)) is (one == other)


@given(st.tuples(TEXTS, TEXTS, TEXTS, TEXTS), st.tuples(TEXTS, TEXTS, TEXTS, TEXTS))
def test_callers_never_share_a_key(
    one: tuple[str, str, str, str], other: tuple[str, str, str, str]
) -> None:
    assert (key_stream(*one) == key_stream(*other)) is (one == other)


@given(MOMENTS, MOMENTS)
def test_an_instant_goes_out_and_comes_back_in_order(one: datetime, other: datetime) -> None:
    assert moment(instant(one)) == one
    assert parse_instant(instant(one)) == instant(one)
    assert (instant(one) < instant(other)) is (one < other)


@given(MOMENTS.filter(lambda when: when.year < 9999))
def test_a_day_ends_within_24_hours(when: datetime) -> None:
    here = instant(when)
    end = next_midnight(here)
    assert here < end
    assert end.endswith("T00:00:00.000000Z")
    assert 0 < (moment(end) - moment(here)).total_seconds() <= 86400


MINOR = st.integers(-MAX_BALANCE, MAX_BALANCE)
FIELDS: dict[object, st.SearchStrategy[Any]] = {
    int: MINOR,
    int | None: st.none() | MINOR,
    str: TEXTS,
    str | None: st.none() | TEXTS,
    Mapping[str, str] | None: st.none() | st.dictionaries(TEXTS, TEXTS, max_size=3),
}


def _event(cls: type) -> st.SearchStrategy[Any]:
    """Return events of a class; identifiers and instants are any text to the codec."""
    types = get_type_hints(cls)
    plain = {name: getattr(known, "__supertype__", known) for name, known in types.items()}
    fields = {name: FIELDS.get(known, st.from_type(known)) for name, known in plain.items()}
    return st.builds(cls, **fields)


EVENTS = st.one_of(*map(_event, get_args(Event)))
METADATA = st.builds(
    EventMetadata,
    command_id=TEXTS,
    index=st.integers(0, 10**6),
    count=st.integers(1, 10**6),
    actor=st.none() | st.builds(Actor, TEXTS, TEXTS, st.sampled_from(["member", "operate"])),
    answer_version=st.none() | st.integers(1, 99),
    fingerprint=st.none() | TEXTS,
    traceparent=st.none() | TEXTS,
)


@given(EVENTS)
def test_any_event_comes_back_as_it_was_stored(event: Event) -> None:
    """Every field of every class, with any text and whole numbers of any size that is stored."""
    type_name, state = CODEC.encode(event)
    assert TYPES[type_name] is type(event)
    assert CODEC.decode(type_name, state) == event
    assert CODEC.encode(CODEC.decode(type_name, state)) == (type_name, state)


@given(METADATA)
def test_any_metadata_comes_back_as_it_was_stored(metadata: EventMetadata) -> None:
    assert CODEC.decode_metadata(CODEC.encode_metadata(metadata)) == metadata
