"""The relay over a real Kafka: order, lost and strange topics, a store that lost its end."""

import contextlib
import time
from collections.abc import Callable

import pytest
from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient
from confluent_kafka.admin._config import AlterConfigOpType, ConfigEntry, ConfigResource
from confluent_kafka.admin._resource import ResourceType
from confluent_kafka.cimpl import NewTopic

from infrastructure.kafka.publisher import Publisher, StoreDiverged
from infrastructure.kafka.topic import TopicUnusable
from tests.fan_out import FanOut, copy_of_the_store, reach, some_traffic, until, unused_ledger
from tests.read_model_fold import folded_rows, stored_rows
from tests.servers import FreshDatabases
from tests.topics import (
    altered,
    assert_projected,
    delete_topic,
    forged,
    make_topic,
    missing,
    with_another_key,
)


@pytest.fixture
def fan_out(make_databases: Callable[..., FreshDatabases], kafka_bootstrap: str) -> FanOut:
    databases = make_databases(ledger=unused_ledger(), kafka=kafka_bootstrap)
    return FanOut(databases, kafka_bootstrap)


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


def test_a_record_that_the_broker_refuses(fan_out: FanOut) -> None:
    """It never counts as delivered, and comes when the broker takes it."""
    some_traffic(fan_out)
    admin = AdminClient({"bootstrap.servers": fan_out.bootstrap})
    narrow = NewTopic(fan_out.topic, 1, config={"max.message.bytes": "1"})
    admin.create_topics([narrow])[fan_out.topic].result()
    until(lambda: fan_out.topic in admin.list_topics(timeout=5).topics)
    with fan_out.publisher() as publisher:
        publisher.step(0.0)
        refused = publisher._run

        def step() -> int:
            # A refusal ends the producer; the next step begins with another one.
            with contextlib.suppress(KafkaException):
                return publisher.step(0.05)
            return 1

        until(lambda: step() >= 0 and (publisher.position > 0 or publisher._run is not refused))
        assert publisher.position == 0
        wide = ConfigEntry(
            "max.message.bytes", "4000000", incremental_operation=AlterConfigOpType.SET
        )
        topic = ConfigResource(ResourceType.TOPIC, fan_out.topic, incremental_configs=[wide])
        admin.incremental_alter_configs([topic])[topic].result()
        until(lambda: step() == 0 and publisher.position == fan_out.head())
    assert fan_out.positions() == list(range(1, fan_out.head() + 1))


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
    assert "./falcon recover" in str(refusal.value)
    writer.versions.clear()
    writer.busy([writer.open(kind="system") for _ in range(3)], 10)
    writer.flush()
    with fan_out.publisher() as publisher, pytest.raises(StoreDiverged) as refusal:
        publisher.step(0.0)
    assert f"another event at position {head}" in str(refusal.value)
    assert len(fan_out.messages()) == head


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
