"""`replay verify --kafka` holds every record of the topic against the event of its position."""

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from infrastructure.event_codec import EventCodec
from infrastructure.event_log.reader import EventReader
from infrastructure.kafka.records import RecordCodec
from tests.books import falcon, project
from tests.fan_out import SECRET, FanOut, Sent, published
from tests.servers import FreshDatabases
from tests.topics import (
    altered,
    delete_topic,
    make_topic,
    with_another_key,
    without_actor,
)


@pytest.fixture
def fan_out(make_databases: Callable[..., FreshDatabases], kafka_bootstrap: str) -> FanOut:
    """Give a ledger with some traffic, all of it published and projected."""
    fan_out = published(make_databases, kafka_bootstrap)
    project(fan_out.databases)
    return fan_out


def of_the_topic(fan_out: FanOut) -> tuple[dict[str, Any], list[tuple[int, str]]]:
    """Return what the check says of the topic, and position and field of each difference there."""
    done = falcon(fan_out.databases, "replay", "verify", "--kafka", "--json")
    assert done.returncode in (0, 1), done.stderr
    found = json.loads(done.stdout)
    wrong = [
        (each["position"], each["field"]) for each in found["findings"] if each["where"] == "topic"
    ]
    if wrong:
        assert done.returncode == 1
    return found["topic"], wrong


def event_at(fan_out: FanOut, position: int) -> Any:
    with fan_out.databases.connect("relay") as connection:
        return EventReader(connection).after(position - 1, 1)[0]


def store_of(fan_out: FanOut) -> str:
    with fan_out.databases.connect("relay") as connection:
        return str(EventReader(connection).store_id())


def rewritten(fan_out: FanOut, of: int, codec: RecordCodec, **fields: Any) -> Sent:
    """Return a record with a MAC that fits, of an event that is not the one stored."""
    event = event_at(fan_out, of)
    metadata = EventCodec().decode_metadata(event.metadata)
    return codec.encode(replace(event, **fields), metadata, store_of(fan_out))


def test_a_topic_that_is_as_the_store_has_no_difference(fan_out: FanOut) -> None:
    """Every record is looked at."""
    topic, wrong = of_the_topic(fan_out)
    assert wrong == []
    assert topic == {
        "name": fan_out.topic,
        "records": fan_out.head(),
        "repeated": 0,
        "trimmed_to": 0,
    }


def with_header(sent: list[Sent], name: str, text: bytes) -> list[Sent]:
    """Return all records, that of position 30 with another header."""
    key, value, headers = sent[29]
    return [*sent[:29], (key, value, {**dict(headers), name: text}), *sent[30:]]


def an_altered_value(fan_out: FanOut, sent: list[Sent]) -> list[Sent]:
    key, value, headers = sent[29]
    return [*sent[:29], (key, (value or b"") + b" ", headers), *sent[30:]]


def an_altered_header(fan_out: FanOut, sent: list[Sent]) -> list[Sent]:
    return with_header(sent, "ce_type", b"other")


def an_altered_key(fan_out: FanOut, sent: list[Sent]) -> list[Sent]:
    return [*sent[:29], (b"other", *sent[29][1:]), *sent[30:]]


def an_altered_mac(fan_out: FanOut, sent: list[Sent]) -> list[Sent]:
    return with_header(sent, "mac", b"AAAA")


def a_header_more(fan_out: FanOut, sent: list[Sent]) -> list[Sent]:
    return with_header(sent, "note", b"mine")


def altered_with_our_key(fan_out: FanOut, sent: list[Sent]) -> list[Sent]:
    data = event_at(fan_out, 30).data.replace(b"1", b"2")
    return [*sent[:29], rewritten(fan_out, 30, fan_out.records, data=data), *sent[30:]]


def a_strangers(fan_out: FanOut) -> Sent:
    """Return a record that would go on behind the last one, if its MAC were any."""
    return rewritten(fan_out, 10, with_another_key(fan_out), position=fan_out.head() + 1)


ALTERED: dict[Callable[[FanOut, list[Sent]], list[Sent]], list[tuple[int, str]]] = {
    an_altered_value: [(30, "data")],
    an_altered_header: [(30, "ce_type")],
    an_altered_key: [(30, "key")],
    an_altered_mac: [(30, "mac")],
    a_header_more: [(30, "note")],
    altered_with_our_key: [(30, "actor_mac"), (30, "data"), (30, "mac")],
    lambda _, sent: sent[:29] + sent[30:]: [(30, "record")],
    lambda _, sent: [*sent[:29], sent[30], sent[29], *sent[31:]]: [
        (30, "order of records"),
        (30, "record"),
    ],
    lambda fan_out, sent: [*sent[:9], a_strangers(fan_out), *sent[9:]]: [(10, "record")],
    lambda fan_out, sent: [
        *sent[:9],
        fan_out.records.encode(
            event_at(fan_out, 10),
            EventCodec().decode_metadata(event_at(fan_out, 10).metadata),
            "another",
        ),
        *sent[9:],
    ]: [(10, "mac"), (10, "store")],
}
NAMES = [
    *("value", "header", "key", "MAC", "header more", "our key"),
    *("missing", "swapped", "stranger", "another store"),
]


@pytest.mark.parametrize(("alter", "wrong"), ALTERED.items(), ids=NAMES)
def test_what_is_altered_is_found(
    fan_out: FanOut,
    alter: Callable[[FanOut, list[Sent]], list[Sent]],
    wrong: list[tuple[int, str]],
) -> None:
    """With the position, and the field of the record."""
    altered(fan_out, lambda sent: alter(fan_out, sent))
    assert sorted(of_the_topic(fan_out)[1]) == wrong


def test_a_tail_that_is_missing_is_found(fan_out: FanOut) -> None:
    """At the first position that is not there, once the relay has had its time."""
    head = fan_out.head()
    altered(fan_out, lambda sent: sent[:-2])
    assert of_the_topic(fan_out)[1] == [(head - 1, "record"), (head, "record")]


def test_without_the_topic_everything_is_missing(fan_out: FanOut) -> None:
    delete_topic(fan_out)
    topic, wrong = of_the_topic(fan_out)
    assert (topic["records"], wrong[0], len(wrong)) == (0, (1, "record"), fan_out.head())


def test_what_a_killed_relay_has_sent_again_is_no_difference(fan_out: FanOut) -> None:
    """Its readers pass it over; it is counted."""
    altered(fan_out, lambda sent: [*sent[:40], *sent[20:40], *sent[40:]])
    topic, wrong = of_the_topic(fan_out)
    assert (wrong, topic["repeated"]) == ([], 20)


def test_records_of_before_actors_were_told_are_no_difference(fan_out: FanOut) -> None:
    """They are genuine without."""
    store, codec = store_of(fan_out), EventCodec()
    with fan_out.databases.connect("relay") as connection:
        events = EventReader(connection).after(0, 10_000)
    delete_topic(fan_out)
    make_topic(fan_out)
    fan_out.send(
        [
            without_actor(
                fan_out.records.encode(event, codec.decode_metadata(event.metadata), store)
            )
            for event in events
        ]
    )
    assert of_the_topic(fan_out)[1] == []


def test_a_broker_that_is_away_is_one_sentence(databases: FreshDatabases) -> None:
    """Nothing is replayed before that is known."""
    databases.secrets.put("kafka_mac", SECRET.decode())
    for settings, reason in (
        (replace(databases.settings, kafka_bootstrap="127.0.0.1:9"), "does not answer"),
        (replace(databases.settings, kafka_bootstrap=None), "There is no Kafka"),
    ):
        done = falcon(replace(databases, settings=settings), "replay", "verify", "--kafka")
        assert (done.returncode, done.stdout, len(done.stderr.splitlines())) == (3, "", 1)
        assert reason in done.stderr
