"""JSON bodies that two readers could understand in two ways, and everything else that is nasty."""

import asyncio
import json
from collections.abc import Sequence
from typing import Annotated, Literal

import pytest
from pydantic import Field
from starlette.types import Message

from interfaces.http.bodies import MAX_BODY_BYTES, RequestBody, parse_object, read_body, validated
from interfaces.http.problems import Problem
from interfaces.http.text import Description, Metadata, Name, Reference

JSON = (b"content-type", b"application/json")


class Leg(RequestBody):
    wallet: str
    amount: str


class Order(RequestBody):
    """A body with one of each sort of field."""

    name: Name
    kind: Literal["personal", "shared"] = "personal"
    description: Description | None = None
    reference: Reference | None = None
    metadata: Metadata | None = None
    dry_run: bool = False
    count: Annotated[int, Field(ge=0)] = 0
    limit: Literal["unlimited"] | Leg | None
    legs: list[Leg] = Field(default=[])


GOOD = {"name": "x", "limit": None}


def refused(body: bytes) -> Problem:
    """Return the problem that a body ends in."""
    with pytest.raises(Problem) as caught:
        validated(Order, parse_object(body))
    return caught.value


MALFORMED = {
    "empty": b"",
    "blank": b"  \n ",
    "not JSON": b"amount=1",
    "single quotes": b"{'name':'x'}",
    "cut short": b'{"name":',
    "trailing comma": b'{"name":"x",}',
    "two values": b'{"name":"x"}{"name":"y"}',
    "comment": b'{"name":"x"/*y*/}',
    "same key twice": b'{"name":"x","name":"x"}',
    "same key twice in another spelling": b'{"name":"x","n\\u0061me":"y"}',
    "same key twice inside": b'{"name":"x","metadata":{"a":"1","a":"2"}}',
    "NaN": b'{"name":NaN}',
    "Infinity": b'{"name":Infinity}',
    "minus Infinity": b'{"name":-Infinity}',
    "a float beyond all": b'{"name":1e999}',
    "an integer beyond all": b'{"name":' + b"9" * 5000 + b"}",
    "leading zero": b'{"count":01}',
    "plus sign": b'{"count":+1}',
    "hexadecimal": b'{"count":0x10}',
    "not UTF-8": b'{"name":"\xff"}',
    "overlong UTF-8": b'{"name":"\xc0\xaf"}',
    "surrogate in UTF-8": b'{"name":"\xed\xa0\x80"}',
    "byte order mark": b'\xef\xbb\xbf{"name":"x"}',
    "UTF-16": '{"name":"x"}'.encode("utf-16"),
    "UTF-32": '{"name":"x"}'.encode("utf-32-be"),
    "arrays a megabyte deep": b'{"name":' + b"[" * 1_000_000,
    "objects a megabyte deep": b'{"a":' * 200_000,
    "NUL itself": b'{"name":"a\x00b"}',
    "newline itself": b'{"name":"a\nb"}',
    "NUL outside": b'{"name":"x"}\x00',
}


@pytest.mark.parametrize("body", MALFORMED.values(), ids=MALFORMED.keys())
def test_what_is_not_strict_json_is_malformed(body: bytes) -> None:
    """Never a fault of ours, whatever it is made of."""
    assert refused(body).code == "malformed-json"


def order(**changed: object) -> bytes:
    return json.dumps({**GOOD, **changed}).encode()


INVALID: dict[str, tuple[bytes, list[str]]] = {
    "an array": (b"[]", ["#"]),
    "a text": (b'"x"', ["#"]),
    "null": (b"null", ["#"]),
    "nothing in it": (b"{}", ["#/limit", "#/name"]),
    "missing": (b'{"limit":null}', ["#/name"]),
    "unknown field": (order(foo=1), ["#/foo"]),
    "unknown field that is null": (order(foo=None), ["#/foo"]),
    "unknown field inside": (order(legs=[{"wallet": "w", "amount": "1", "b": 1}]), ["#/legs/0/b"]),
    "missing inside": (order(legs=[{"wallet": "w"}]), ["#/legs/0/amount"]),
    "slash and tilde in a name": (order(**{"a/b~c": 1}), ["#/a~1b~0c"]),
    "required null": (order(name=None), ["#/name"]),
    "a number for a text": (order(name=1), ["#/name"]),
    "a text for a number": (order(count="1"), ["#/count"]),
    "a float for an integer": (order(count=1.0), ["#/count"]),
    "true for an integer": (order(count=True), ["#/count"]),
    "one for true": (order(dry_run=1), ["#/dry_run"]),
    "a text for true": (order(dry_run="true"), ["#/dry_run"]),
    "outside a choice": (order(kind="PERSONAL"), ["#/kind"]),
    "negative": (order(count=-1), ["#/count"]),
    "huge integer": (order(count=-(10**4000)), ["#/count"]),
    "empty name": (order(name=""), ["#/name"]),
    "long name": (order(name="a" * 101), ["#/name"]),
    "metadata not text": (order(metadata={"a": 1}), ["#/metadata/a"]),
    "metadata inside metadata": (order(metadata={"a": {}}), ["#/metadata/a"]),
    "too much metadata": (order(metadata={str(i): "" for i in range(21)}), ["#/metadata"]),
    "control in a metadata key": (order(metadata={"a\n": "b"}), ["#/metadata/a\n"]),
    "deep unknown field": (order(foo=json.loads("[" * 400 + "]" * 400)), ["#/foo"]),
    "lone surrogate in a key": (b'{"name":"x","limit":null,"\\ud800":1}', ["#"]),
    "lone surrogate in an unknown field": (
        b'{"name":"x","limit":null,"f":[{"g":"\\udfff"}]}',
        ["#/f/0/g"],
    ),
    "neither of two shapes": (order(limit={"wallet": "w"}), ["#/limit", "#/limit/amount"]),
    "two faults": (order(name=1, kind=1), ["#/kind", "#/name"]),
}


@pytest.mark.parametrize(("body", "pointers"), INVALID.values(), ids=INVALID.keys())
def test_what_parses_but_is_wrong_names_each_fault(body: bytes, pointers: Sequence[str]) -> None:
    """The pointers are those of RFC 6901, written as in RFC 9457's own example."""
    problem = refused(body)
    assert problem.code == "invalid-request"
    assert problem.errors is not None
    assert sorted(error["pointer"] for error in problem.errors) == sorted(pointers)
    assert all(error["detail"] for error in problem.errors)


NASTY = {
    "NUL": "\x00",
    "tab": "\t",
    "newline": "\n",
    "carriage return": "\r",
    "escape": "\x1b",
    "delete": "\x7f",
    "next line": "\x85",
    "right-to-left override": "\u202e",
    "left-to-right override": "\u202d",
    "right-to-left embedding": "\u202b",
    "isolate": "\u2066",
    "end of isolate": "\u2069",
    "high surrogate": "\ud800",
    "low surrogate": "\udc00",
    "surrogates the wrong way round": "\ude00\ud83d",
}


@pytest.mark.parametrize("field", ["name", "description", "reference"])
@pytest.mark.parametrize("nasty", NASTY.values(), ids=NASTY.keys())
def test_text_holds_nothing_that_screens_or_stores_stumble_over(field: str, nasty: str) -> None:
    problem = refused(order(**{field: f"a{nasty}b"}))
    assert problem.code == "invalid-request"
    assert problem.errors is not None
    assert [error["pointer"] for error in problem.errors] == [f"#/{field}"]


@pytest.mark.parametrize(
    "text",
    ["a", "ä" * 100, "\U0001f985" * 100, "Žofie", "שלום", "a\u00a0b", "\u200f", "'; --", "%00"],
)
def test_people_may_write_everything_else(text: str) -> None:
    """Length counts characters, not bytes; a pair of surrogate escapes is one character."""
    assert validated(Order, parse_object(order(name=text))).name == text


def test_null_for_an_optional_field_is_as_if_absent() -> None:
    absent = validated(Order, parse_object(order()))
    nulls = order(kind=None, description=None, metadata=None, dry_run=None, count=None, legs=None)
    assert validated(Order, parse_object(nulls)) == absent


def test_a_fault_list_is_bounded() -> None:
    """A megabyte of unknown fields, or of one field's name, makes no megabyte of answer."""
    many = refused(json.dumps({f"f{number}": 1 for number in range(50_000)}).encode())
    long = refused(order(**{"f" * 500_000: 1}))
    for problem in (many, long):
        assert problem.errors is not None
        assert len(json.dumps(list(problem.errors))) < 5_000


def read(headers: list[tuple[bytes, bytes]], *parts: bytes, ended: bool = True) -> bytes:
    """Read a body that comes in parts; `ended` False: the client goes away."""
    messages: list[Message] = [
        {"type": "http.request", "body": part, "more_body": True} for part in parts
    ]
    last: Message = {"type": "http.request", "body": b"", "more_body": False}
    messages.append(last if ended else {"type": "http.disconnect"})
    waiting = iter(messages)

    async def receive() -> Message:
        return next(waiting)

    return asyncio.run(read_body({"type": "http", "headers": headers}, receive))


def code_of(headers: list[tuple[bytes, bytes]], *parts: bytes, ended: bool = True) -> str:
    with pytest.raises(Problem) as caught:
        read(headers, *parts, ended=ended)
    return caught.value.code


@pytest.mark.parametrize(
    "content_type",
    [
        b"application/json",
        b"Application/JSON",
        b"application/json;charset=utf-8",
        b"application/json; charset=UTF-8",
        b'application/json; charset="utf-8"',
    ],
)
def test_json_in_utf8_is_read(content_type: bytes) -> None:
    assert read([(b"content-type", content_type)], b"{", b"}") == b"{}"


@pytest.mark.parametrize(
    "headers",
    [
        [],
        [(b"content-type", b"")],
        [(b"content-type", b"text/plain")],
        [(b"content-type", b"application/jsonp")],
        [(b"content-type", b"application/problem+json")],
        [(b"content-type", b"application/x-www-form-urlencoded")],
        [(b"content-type", b"application/json; charset=utf-16")],
        [(b"content-type", b"application/json, text/plain")],
        [JSON, JSON],
        [JSON, (b"content-encoding", b"gzip")],
    ],
)
def test_other_media_types_are_refused(headers: list[tuple[bytes, bytes]]) -> None:
    assert code_of(headers, b"{}") == "unsupported-media-type"


def test_an_empty_body_needs_no_type() -> None:
    """Where every field is optional there may be nothing to describe."""
    assert read([]) == b""
    assert code_of([(b"content-type", b"text/plain")]) == "unsupported-media-type"


def test_a_body_has_a_mebibyte_at_most() -> None:
    """By its length before it is read, by counting when it comes in chunks."""
    assert len(read([JSON], b"a" * MAX_BODY_BYTES)) == MAX_BODY_BYTES
    assert code_of([JSON], b"a" * MAX_BODY_BYTES, b"a") == "body-too-large"
    for length in (str(MAX_BODY_BYTES + 1), "9" * 12, "9" * 5000):
        assert code_of([JSON, (b"content-length", length.encode())]) == "body-too-large"


def test_a_client_that_goes_away_is_no_fault_of_ours() -> None:
    assert code_of([JSON], b"{", ended=False) == "bad-request"
