"""The one topic of a ledger: one partition that keeps everything, and reading its end."""

import re
import time
from collections.abc import Iterator
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any

from confluent_kafka import (
    Consumer,
    KafkaError,
    KafkaException,
    Message,
    TopicCollection,
    TopicPartition,
)
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic

from infrastructure.kafka.clients import LARGEST_RECORD_BYTES

PATIENCE_SECONDS = 3.0
PARTITION = 0

_LEADERLESS = (KafkaError.NOT_LEADER_FOR_PARTITION, KafkaError.LEADER_NOT_AVAILABLE)


class TopicUnusable(RuntimeError):
    """The topic is not as it must be; the message is one sentence with the remedy."""


@dataclass(frozen=True, slots=True)
class Offsets:
    """Where a partition's records lie: from `low` to below `high`."""

    low: int
    high: int


def epoch_topic(first: str, epoch: int) -> str:
    """Return the topic of an epoch: the ledger's own name, and with a number from the second on."""
    return first if epoch == 1 else f"{first}.{epoch}"


def last_epoch(admin: AdminClient, first: str) -> int:
    """Return the last epoch that has a topic, 0 when none has one.

    Raises `KafkaException` when the broker does not answer.
    """
    pattern = re.compile(re.escape(first) + r"(?:\.([1-9]\d*))?")
    matches = map(pattern.fullmatch, admin.list_topics(timeout=PATIENCE_SECONDS).topics)
    return max((int(match[1] or 1) for match in matches if match), default=0)


def ensure_topic(admin: AdminClient, topic: str) -> str:
    """Return the topic's id, which a topic made anew does not share; make it where it is not.

    Raises `KafkaException` when the broker does not answer, `TopicUnusable`.
    """
    found = topic_id(admin, topic)
    if found is not None:
        return found
    wanted = NewTopic(
        topic,
        num_partitions=1,
        config={
            "retention.ms": "-1",
            "retention.bytes": "-1",
            "cleanup.policy": "delete",
            "max.message.bytes": str(LARGEST_RECORD_BYTES + 100_000),
        },
    )
    try:
        admin.create_topics([wanted], request_timeout=PATIENCE_SECONDS)[topic].result()
    except KafkaException as error:
        if error.args[0].code() != KafkaError.TOPIC_ALREADY_EXISTS:
            raise
    deadline = time.monotonic() + PATIENCE_SECONDS
    while (found := topic_id(admin, topic)) is None:
        if time.monotonic() > deadline:
            raise KafkaException(KafkaError(KafkaError.UNKNOWN_TOPIC_OR_PART))
        time.sleep(0.05)
    return found


def topic_id(admin: AdminClient, topic: str) -> str | None:
    """Return the topic's id, none when there is no such topic; raises as `ensure_topic`."""
    return told_id(ask_id(admin, topic), topic)


def ask_id(admin: AdminClient, topic: str) -> "Future[Any]":
    """Ask for the topic's id without waiting; within `PATIENCE_SECONDS` the question is done."""
    asked = admin.describe_topics(TopicCollection([topic]), request_timeout=PATIENCE_SECONDS)
    return asked[topic]


def told_id(described: "Future[Any]", topic: str) -> str | None:
    """Return what was answered, as `topic_id` does, waiting where it is not done."""
    try:
        description = described.result()
    except KafkaException as error:
        if error.args[0].code() == KafkaError.UNKNOWN_TOPIC_OR_PART:
            return None
        raise
    if len(description.partitions) != 1:
        raise TopicUnusable(
            f"The topic {topic} has {len(description.partitions)} partitions and the order of"
            " events needs exactly one: delete it, or give another broker with --kafka."
        )
    return str(description.topic_id)


def offsets(consumer: Consumer, topic: str) -> Offsets:
    """Return where the records lie; raises `KafkaException` when the broker does not answer."""
    partition = TopicPartition(topic, PARTITION)
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            return Offsets(*consumer.get_watermark_offsets(partition, PATIENCE_SECONDS, False))
        except KafkaException as error:
            # A partition just made, or of a broker just started, has no leader for a moment.
            if error.args[0].code() not in _LEADERLESS or time.monotonic() > deadline:
                raise
        time.sleep(0.05)


def read(consumer: Consumer, topic: str, begin: int, end: int) -> Iterator[Message]:
    """Yield the records from an offset to below another, as far as there are any.

    Raises `KafkaException` when the broker does not answer in time.
    """
    consumer.assign([TopicPartition(topic, PARTITION, begin)])
    deadline = time.monotonic() + PATIENCE_SECONDS
    while begin < end:
        message = consumer.poll(0.1)
        if message is None:
            if time.monotonic() > deadline:
                raise KafkaException(KafkaError(KafkaError._TIMED_OUT))
            continue
        error = message.error()
        if error is not None:
            if error.code() == KafkaError._PARTITION_EOF:
                return
            raise KafkaException(error)
        deadline = time.monotonic() + PATIENCE_SECONDS
        begin = (message.offset() or 0) + 1
        yield message
