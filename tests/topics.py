"""Topics as others may leave them: deleted, made anew, altered, with records of strangers."""

from collections.abc import Callable
from dataclasses import replace

from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic

from infrastructure.event_codec import EventCodec
from infrastructure.event_log.reader import EventReader
from infrastructure.kafka.records import RecordCodec
from tests.fan_out import FanOut, Sent, reach, until
from tests.read_model_fold import folded_rows, stored_rows


def delete_topic(fan_out: FanOut) -> None:
    admin = AdminClient({"bootstrap.servers": fan_out.bootstrap})
    admin.delete_topics([fan_out.topic])[fan_out.topic].result()
    until(lambda: fan_out.topic not in admin.list_topics(timeout=5).topics)


def make_topic(fan_out: FanOut, partitions: int = 1, name: str | None = None) -> None:
    admin = AdminClient({"bootstrap.servers": fan_out.bootstrap})
    topic = name or fan_out.topic
    admin.create_topics([NewTopic(topic, partitions)])[topic].result()
    until(lambda: topic in admin.list_topics(timeout=5).topics)


def assert_projected(fan_out: FanOut) -> None:
    """Read the topic from its beginning and compare with what a fold says."""
    with fan_out.topic_source() as source, fan_out.worker(source) as worker:
        worker.begin()
        reach(worker, fan_out.head())
    assert stored_rows(fan_out.databases) == folded_rows(fan_out.databases)


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


def altered(fan_out: FanOut, alter: Callable[[list[Sent]], list[Sent]]) -> None:
    """Publish, then make the topic anew with its records altered."""
    fan_out.publish()
    sent = fan_out.sent()
    delete_topic(fan_out)
    make_topic(fan_out)
    fan_out.send(alter(sent))


def without_actor(sent: Sent) -> Sent:
    """Return a record as relays wrote it before they told who gave a command."""
    key, value, headers = sent
    return key, value, [(n, text) for n, text in dict(headers).items() if "actor" not in n]


def missing(sent: list[Sent]) -> list[Sent]:
    return sent[:5] + sent[6:20] + sent[50:]
