"""Takes the oldest records out of a topic: all up to a position, and never the last one."""

from dataclasses import dataclass

from confluent_kafka import Consumer, TopicPartition

from infrastructure.event_codec import EventCodec
from infrastructure.kafka.clients import new_admin
from infrastructure.kafka.consumer import TopicSource
from infrastructure.kafka.records import Record, RecordCodec
from infrastructure.kafka.topic import PARTITION, offsets, read
from infrastructure.kafka.topic_end import find_end

ANSWER_SECONDS = 10.0
"""How long a broker may take to forget records."""


class TopicUnordered(RuntimeError):
    """The topic does not have each position once and in order; the message is a sentence."""


@dataclass(frozen=True, slots=True)
class Cut:
    """Where a topic can be cut: the last position that goes, and the offset of what stays."""

    last: int
    offset: int


def find_cut(
    consumer: Consumer, topic: str, codec: RecordCodec, store: str, last: int
) -> Cut | None:
    """Return where records up to a position end, none where there are none of them any more.

    The topic's last record stays, as it is from this one that a relay goes on. Raises
    `TopicUnordered`, `TopicUnusable`, `KafkaException`.
    """
    end = find_end(consumer, topic, codec, store)
    if end.last is None:
        return None
    last = min(last, end.last.position - 1)
    first = _record(consumer, topic, codec, end.low)
    if first is not None and first.position > last:
        return None
    offset = TopicSource(consumer, topic, codec, EventCodec(), store).find(last)
    kept = _record(consumer, topic, codec, offset)
    if first is None or kept is None or kept.position != last + 1:
        raise TopicUnordered(
            f"The topic {topic} is not in the order of positions around {last}: nothing was taken"
            " out of it. ./falcon replay verify --kafka tells what is wrong."
        )
    return Cut(last, offset)


def trim(bootstrap: str, topic: str, offset: int) -> None:
    """Have the broker forget all records before an offset; raises `KafkaException`."""
    # The client is kept until its answer has come: with it the question would be gone.
    admin = new_admin(bootstrap)
    place = TopicPartition(topic, PARTITION, offset)
    (answer,) = admin.delete_records([place], request_timeout=ANSWER_SECONDS).values()
    answer.result()


def first_position(consumer: Consumer, topic: str, codec: RecordCodec) -> int | None:
    """Return the position of a topic's first record, none where it is not one of the relay's."""
    record = _record(consumer, topic, codec, offsets(consumer, topic).low)
    return None if record is None else record.position


def _record(consumer: Consumer, topic: str, codec: RecordCodec, offset: int) -> Record | None:
    for message in read(consumer, topic, offset, offset + 1):
        try:
            return codec.decode(message.key(), message.value(), message.headers())
        except ValueError:
            return None
    return None
