"""Projections from a real Kafka: whatever is in the topic, the read models equal a fold."""

from collections.abc import Callable

import pytest

from infrastructure.event_codec import EventCodec
from infrastructure.event_log.reader import EventReader
from projections.contract import Applied
from projections.worker import Diverged
from tests.every_payment import write_every_payment
from tests.fan_out import FanOut, Sent, copy_of_the_store, drain, reach, some_traffic, unused_ledger
from tests.read_model_fold import checkpoints, folded_rows, stored_rows
from tests.rebuilds import wrong_rows
from tests.servers import FreshDatabases
from tests.topics import (
    altered,
    assert_projected,
    forged,
    make_topic,
    missing,
    with_another_key,
    without_actor,
)


@pytest.fixture
def fan_out(make_databases: Callable[..., FreshDatabases], kafka_bootstrap: str) -> FanOut:
    databases = make_databases(ledger=unused_ledger(), kafka=kafka_bootstrap)
    return FanOut(databases, kafka_bootstrap)


def test_the_projector_goes_on_where_it_was(fan_out: FanOut) -> None:
    """A new consumer finds its place, without reading what was applied before."""
    writer = some_traffic(fan_out)
    fan_out.publish()
    assert_projected(fan_out)
    head = fan_out.head()
    writer.transfer(writer.open(kind="system"), writer.open(), 5)
    writer.flush()
    fan_out.publish()
    with fan_out.topic_source() as source:
        source.seek(head)
        found: list[Applied] = []
        while not found:
            found.extend(source.take(5_000, 0.2).events)
    assert found[0].position == head + 1
    assert_projected(fan_out)


def test_what_is_read_ahead_is_forgotten_by_whoever_goes_elsewhere(fan_out: FanOut) -> None:
    """Many records at once are followed by the next ones in a thread, until a seek."""
    writer = fan_out.writer()
    wallets = [writer.open(kind="system") for _ in range(4)]
    writer.busy(wallets, 1_200)
    writer.flush()
    fan_out.publish()
    with fan_out.topic_source() as source:
        source.seek(0)
        found: list[int] = []
        while len(found) < 1_500:
            found += [event.position for event in source.take(1_100, 0.2).events]
        assert found == list(range(1, len(found) + 1))
        source.seek(700)
        again: list[int] = []
        while len(again) < 1_500:
            again += [event.position for event in source.take(1_100, 0.2).events]
        assert again == list(range(701, 701 + len(again)))


def test_records_that_do_not_say_who_gave_the_command(fan_out: FanOut) -> None:
    """What a relay of before actors were told has published is read from the store, who it was too.

    Its records are genuine, so the relay resumes behind them.
    """
    some_traffic(fan_out)
    make_topic(fan_out)
    with fan_out.databases.connect("relay") as connection:
        reader = EventReader(connection)
        store, events = str(reader.store_id()), reader.after(0, 100)
    codec = EventCodec()
    fan_out.send(
        [
            without_actor(
                fan_out.records.encode(event, codec.decode_metadata(event.metadata), store)
            )
            for event in events
        ]
    )
    fan_out.publish()
    assert fan_out.positions() == list(range(1, fan_out.head() + 1))
    assert_projected(fan_out)


def swapped(sent: list[Sent]) -> list[Sent]:
    sent[10], sent[11], sent[40], sent[20] = sent[11], sent[10], sent[20], sent[40]
    return sent


def doubled(sent: list[Sent]) -> list[Sent]:
    return [record for record in sent for _ in (0, 1)] + sent[:30]


def without_its_beginning(sent: list[Sent]) -> list[Sent]:
    return sent[30:]


def with_other_value(sent: list[Sent]) -> list[Sent]:
    """Make one credit larger in the bytes alone."""
    key, value, headers = sent[7]
    assert value is not None
    assert dict(headers)["ce_type"] == b"wallet.credited.v1"
    sent[7] = (key, value.replace(b'"amount":', b'"amount":1'), headers)
    return sent


def with_other_position(sent: list[Sent]) -> list[Sent]:
    """Let two records change their places by their headers alone."""
    (one, one_value, one_headers), (other, other_value, other_headers) = sent[20], sent[21]
    sent[20] = (one, one_value, {**dict(one_headers), "position": b"22"})
    sent[21] = (other, other_value, {**dict(other_headers), "position": b"21"})
    return [*sent[:20], sent[21], sent[20], *sent[22:]]


def with_other_actors(sent: list[Sent]) -> list[Sent]:
    """Say that somebody else has given each command."""
    other = b'{"sub":"somebody","client_id":"x","right":"member"}'
    return [
        (key, value, {**dict(headers), "actor": other} if "actor" in dict(headers) else headers)
        for key, value, headers in sent
    ]


def without_actors(sent: list[Sent]) -> list[Sent]:
    """Take away who has given a command, with all that shows that it was told."""
    return list(map(without_actor, sent))


def poisoned(sent: list[Sent]) -> list[Sent]:
    """Put records of no sense between the others, and behind them."""
    nonsense: list[Sent] = [
        (None, None, []),
        (b"", b"", [("position", b"\xff"), ("mac", None)]),
        (b"wal_0", b"{}", {"position": b"9" * 5_000, "ce_type": b"x", "mac": b"AAAA"}),
        (b"x", b"\x00" * 100_000, []),
    ]
    return sent[:7] + nonsense + sent[7:-3] + nonsense


@pytest.mark.parametrize(
    "alter",
    [
        swapped,
        doubled,
        missing,
        without_its_beginning,
        with_other_value,
        with_other_position,
        poisoned,
    ],
)
def test_a_topic_in_disorder(fan_out: FanOut, alter: Callable[[list[Sent]], list[Sent]]) -> None:
    """What is not believed, missing or out of order is read from the store instead."""
    some_traffic(fan_out)
    altered(fan_out, alter)
    assert_projected(fan_out)


def test_who_gave_a_command_stands_with_what_begins_a_stream(databases: FreshDatabases) -> None:
    """In a book with every kind of payment; so no other record need say that it names nobody."""
    write_every_payment(databases)
    with databases.connect("audit") as audit:
        rows = audit.execute("SELECT originator_version, metadata FROM events").fetchall()
    assert {version for version, metadata in rows if b'"actor":' in metadata} == {1}


@pytest.mark.parametrize("alter", [with_other_actors, without_actors])
def test_who_gave_a_command_is_believed_with_its_mac_alone(
    fan_out: FanOut, alter: Callable[[list[Sent]], list[Sent]]
) -> None:
    """Where another is named, or nobody, the store is asked: the audit trail is as it should be."""
    some_traffic(fan_out)
    altered(fan_out, alter)
    assert_projected(fan_out)
    assert wrong_rows(fan_out.databases) == []


def test_a_forged_event_behind_the_last(fan_out: FanOut) -> None:
    """The next position with a stranger's MAC, or of another store, is not applied."""
    some_traffic(fan_out)
    fan_out.publish()
    ours = fan_out.records.decode(*fan_out.sent()[-1]).store
    theirs = "00000000-0000-4000-8000-000000000001"
    fan_out.send(
        [
            forged(fan_out, with_another_key(fan_out), ours),
            forged(fan_out, fan_out.records, theirs),
        ]
    )
    assert_projected(fan_out)
    head = fan_out.head()
    assert {position for position, _ in checkpoints(fan_out.databases).values()} == {head}


def test_a_record_beyond_the_store(fan_out: FanOut) -> None:
    """A projector that is shown a position above the store's head stops, even at the first."""
    some_traffic(fan_out)
    fan_out.publish()
    head = fan_out.head()
    copy_of_the_store(fan_out, head - 3)
    with fan_out.topic_source() as source, fan_out.worker(source) as worker:
        worker.begin()
        worker.step(0.5)
        worker._check_due = 0.0
        with pytest.raises(Diverged):
            drain(worker)
    assert {state for _, state in checkpoints(fan_out.databases).values()} == {"diverged"}


def test_no_topic_yet(fan_out: FanOut) -> None:
    """A projector that starts before the relay waits until there is a topic."""
    some_traffic(fan_out)
    with fan_out.topic_source() as source, fan_out.worker(source) as worker:
        worker.begin()
        assert worker.step(0.1) == 0
        fan_out.publish()
        reach(worker, fan_out.head())
    assert stored_rows(fan_out.databases) == folded_rows(fan_out.databases)
