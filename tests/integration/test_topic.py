"""Relay and topic source over a real Kafka: order, forgeries, lost and strange topics."""

import time
from collections.abc import Callable
from dataclasses import replace

import pytest
from confluent_kafka.admin import AdminClient
from confluent_kafka.admin._config import ConfigResource
from confluent_kafka.admin._resource import ResourceType
from confluent_kafka.cimpl import NewTopic

from infrastructure.event_codec import EventCodec
from infrastructure.event_log.reader import EventReader
from infrastructure.kafka.publisher import Publisher, StoreDiverged
from infrastructure.kafka.records import RecordCodec
from infrastructure.kafka.topic import TopicUnusable
from projections.contract import Applied
from projections.worker import Diverged
from tests.fan_out import FanOut, Sent, drain, reach, until, unused_ledger
from tests.integration.test_projector import copy_of_the_store, some_traffic
from tests.read_model_fold import checkpoints, folded_rows, stored_rows
from tests.servers import FreshDatabases


@pytest.fixture
def fan_out(make_databases: Callable[..., FreshDatabases], kafka_bootstrap: str) -> FanOut:
    databases = make_databases(ledger=unused_ledger(), kafka=kafka_bootstrap)
    return FanOut(databases, kafka_bootstrap)


def delete_topic(fan_out: FanOut) -> None:
    admin = AdminClient({"bootstrap.servers": fan_out.bootstrap})
    admin.delete_topics([fan_out.topic])[fan_out.topic].result()
    until(lambda: fan_out.topic not in admin.list_topics(timeout=5).topics)


def make_topic(fan_out: FanOut, partitions: int = 1) -> None:
    admin = AdminClient({"bootstrap.servers": fan_out.bootstrap})
    admin.create_topics([NewTopic(fan_out.topic, partitions)])[fan_out.topic].result()
    until(lambda: fan_out.topic in admin.list_topics(timeout=5).topics)


def assert_projected(fan_out: FanOut) -> None:
    """Read the topic from its beginning and compare with what a fold says."""
    with fan_out.topic_source() as source, fan_out.worker(source) as worker:
        worker.begin()
        reach(worker, fan_out.head())
    assert stored_rows(fan_out.databases) == folded_rows(fan_out.databases)


def test_every_event_once_and_in_order(fan_out: FanOut) -> None:
    some_traffic(fan_out)
    fan_out.publish()
    assert fan_out.positions() == list(range(1, fan_out.head() + 1))
    assert_projected(fan_out)


def test_the_topic_keeps_everything(fan_out: FanOut) -> None:
    fan_out.publish()
    admin = AdminClient({"bootstrap.servers": fan_out.bootstrap})
    resource = ConfigResource(ResourceType.TOPIC, fan_out.topic)
    told = admin.describe_configs([resource])[resource].result()
    assert told["retention.ms"].value == "-1"
    assert told["cleanup.policy"].value == "delete"
    assert len(admin.list_topics(timeout=5).topics[fan_out.topic].partitions) == 1


def test_it_goes_on_where_the_topic_ends(fan_out: FanOut) -> None:
    writer = some_traffic(fan_out)
    fan_out.publish()
    writer.busy([writer.open(kind="system") for _ in range(3)], 10)
    writer.flush()
    fan_out.publish()
    assert fan_out.positions() == list(range(1, fan_out.head() + 1))


def test_a_large_backlog(fan_out: FanOut) -> None:
    """More than one fetch and more than one chunk, through a queue that is shorter."""
    writer = fan_out.writer()
    wallets = [writer.open(kind="system") for _ in range(20)]
    writer.busy(wallets, 5_000)
    writer.flush()
    fan_out.publish()
    assert fan_out.positions() == list(range(1, fan_out.head() + 1))
    assert_projected(fan_out)


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


def altered(fan_out: FanOut, alter: Callable[[list[Sent]], list[Sent]]) -> None:
    """Publish, then make the topic anew with its records altered."""
    fan_out.publish()
    sent = fan_out.sent()
    delete_topic(fan_out)
    make_topic(fan_out)
    fan_out.send(alter(sent))


def swapped(sent: list[Sent]) -> list[Sent]:
    sent[10], sent[11], sent[40], sent[20] = sent[11], sent[10], sent[20], sent[40]
    return sent


def doubled(sent: list[Sent]) -> list[Sent]:
    return [record for record in sent for _ in (0, 1)] + sent[:30]


def missing(sent: list[Sent]) -> list[Sent]:
    return sent[:5] + sent[6:20] + sent[50:]


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


def with_another_key(fan_out: FanOut) -> RecordCodec:
    return RecordCodec(fan_out.databases.settings.ledger, b"a stranger's key")


def forged(fan_out: FanOut, codec: RecordCodec, store: str) -> Sent:
    """Return a record that would give somebody money, behind the last one."""
    record = fan_out.records.decode(*fan_out.sent()[-1])
    with fan_out.databases.connect("relay") as connection:
        event = EventReader(connection).after(record.position - 1, 1)[0]
    event = replace(event, position=event.position + 1, version=event.version + 1)
    metadata = EventCodec().decode_metadata(event.metadata)
    return codec.encode(event, replace(metadata, index=0, count=1), store)


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


def test_garbage_at_the_end_does_not_hide_the_last_record(fan_out: FanOut) -> None:
    writer = some_traffic(fan_out)
    fan_out.publish()
    count = fan_out.head()
    fan_out.send([(b"k", b"v", [])] * 15)
    writer.open()
    writer.flush()
    fan_out.publish()
    found = [m for m in fan_out.messages() if m.headers()]
    assert len(found) == count + 1


def test_a_topic_of_another_store(fan_out: FanOut) -> None:
    some_traffic(fan_out)
    fan_out.publish()
    theirs = "00000000-0000-4000-8000-000000000001"
    fan_out.send([forged(fan_out, fan_out.records, theirs)])
    with fan_out.publisher() as publisher, pytest.raises(TopicUnusable) as refusal:
        publisher.step(0.0)
    assert f"belongs to another store ({theirs})" in str(refusal.value)
    assert "delete it" in str(refusal.value)


def test_a_topic_of_another_home(fan_out: FanOut) -> None:
    """Another home's records bear another store and another MAC."""
    some_traffic(fan_out)
    fan_out.publish()
    codec = with_another_key(fan_out)
    record = forged(fan_out, codec, "00000000-0000-4000-8000-000000000001")
    delete_topic(fan_out)
    make_topic(fan_out)
    fan_out.send([record] * 3)
    with fan_out.publisher() as publisher, pytest.raises(TopicUnusable):
        publisher.step(0.0)
    assert len(fan_out.messages()) == 3


def test_a_topic_with_several_partitions(fan_out: FanOut) -> None:
    make_topic(fan_out, partitions=2)
    with fan_out.publisher() as publisher, pytest.raises(TopicUnusable) as refusal:
        publisher.step(0.0)
    assert "has 2 partitions" in str(refusal.value)


def test_a_topic_that_lacks_events_is_written_again(fan_out: FanOut) -> None:
    """Holes that were left show as fewer records than positions."""
    some_traffic(fan_out)
    altered(fan_out, missing)
    fan_out.publish()
    head = fan_out.head()
    assert fan_out.positions()[-head:] == list(range(1, head + 1))
    assert_projected(fan_out)


def publish_all(fan_out: FanOut, publisher: Publisher) -> None:
    until(lambda: publisher.step(0.01) == 0 and publisher.position == fan_out.head())


@pytest.mark.parametrize("new_events", [0, 3])
def test_a_topic_deleted_while_it_is_written(fan_out: FanOut, new_events: int) -> None:
    """It is made anew and written from the first event, whether or not new ones come."""
    writer = some_traffic(fan_out)
    with (
        fan_out.topic_source() as source,
        fan_out.worker(source) as worker,
        fan_out.publisher() as publisher,
    ):
        worker.begin()
        publish_all(fan_out, publisher)
        reach(worker, fan_out.head())
        delete_topic(fan_out)
        for _ in range(new_events):
            writer.transfer(writer.open(kind="system"), writer.open(), 5)
        if new_events:
            writer.flush()
        admin = AdminClient({"bootstrap.servers": fan_out.bootstrap})

        def written_again() -> bool:
            publisher.step(0.01)
            return (
                fan_out.topic in admin.list_topics(timeout=5).topics
                and publisher.position == fan_out.head()
                and fan_out.positions() == list(range(1, fan_out.head() + 1))
            )

        until(written_again)
        writer.transfer(writer.open(kind="system"), writer.open(), 7)
        writer.flush()
        publish_all(fan_out, publisher)
        reach(worker, fan_out.head())
    assert stored_rows(fan_out.databases) == folded_rows(fan_out.databases)


def test_a_topic_made_anew_by_somebody_else(fan_out: FanOut) -> None:
    """The producer would go on in the new topic without an error: its offsets show it."""
    writer = some_traffic(fan_out)
    with fan_out.publisher() as publisher:
        publish_all(fan_out, publisher)
        delete_topic(fan_out)
        make_topic(fan_out)
        # The next look at the topic's id is put off, so that only the offsets can tell.
        publisher._check_due = time.monotonic() + 3600
        writer.open()
        writer.flush()
        until(
            lambda: (
                publisher.step(0.05) == 0
                and publisher.outstanding == 0
                and fan_out.positions()[-1] == fan_out.head()
                and len(fan_out.positions()) >= fan_out.head()
            )
        )
    assert fan_out.positions()[-fan_out.head() :] == list(range(1, fan_out.head() + 1))


def test_a_store_that_lost_its_end(fan_out: FanOut) -> None:
    """A topic ahead of the store stops the relay, also when the positions are used again."""
    writer = some_traffic(fan_out)
    fan_out.publish()
    head = fan_out.head()
    copy_of_the_store(fan_out, head - 3)
    with fan_out.publisher() as publisher, pytest.raises(StoreDiverged) as refusal:
        publisher.step(0.0)
    assert f"ends at position {head - 3}" in str(refusal.value)
    assert "delete the topic" in str(refusal.value)
    writer.versions.clear()
    writer.busy([writer.open(kind="system") for _ in range(3)], 10)
    writer.flush()
    with fan_out.publisher() as publisher, pytest.raises(StoreDiverged) as refusal:
        publisher.step(0.0)
    assert f"another event at position {head}" in str(refusal.value)
    assert len(fan_out.messages()) == head


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


def test_two_relays_at_once(fan_out: FanOut) -> None:
    """One that lost its lock unnoticed makes doubles at most, and nothing is skipped."""
    writer = some_traffic(fan_out)
    wallets = [writer.open(kind="system") for _ in range(5)]
    with fan_out.publisher() as one, fan_out.publisher() as other:
        for _ in range(20):
            writer.busy(wallets, 5)
            writer.flush()
            one.step(0.0)
            other.step(0.0)
        publish_all(fan_out, one)
        publish_all(fan_out, other)
    fan_out.publish()
    assert set(fan_out.positions()) == set(range(1, fan_out.head() + 1))
    assert fan_out.positions()[-1] == fan_out.head()
    assert_projected(fan_out)


def test_no_topic_yet(fan_out: FanOut) -> None:
    """A projector that starts before the relay waits until there is a topic."""
    some_traffic(fan_out)
    with fan_out.topic_source() as source, fan_out.worker(source) as worker:
        worker.begin()
        assert worker.step(0.1) == 0
        fan_out.publish()
        reach(worker, fan_out.head())
    assert stored_rows(fan_out.databases) == folded_rows(fan_out.databases)
