"""Tells whether somebody has followed a past of the ledger that the store does not have."""

from collections.abc import Iterator
from typing import Any

import psycopg

from domain.identifiers import event_id
from domain.instants import moment
from infrastructure.event_log.reader import EventReader
from infrastructure.kafka.clients import new_admin, new_consumer
from infrastructure.kafka.publisher import divergence
from infrastructure.kafka.records import RecordCodec
from infrastructure.kafka.topic import TopicUnusable, epoch_topic, topic_id
from infrastructure.kafka.topic_end import find_end
from infrastructure.seals.memory import SealMemory
from infrastructure.secrets import Secrets
from infrastructure.settings import Settings

CHECKPOINTS = """
    SELECT projection, store, position, event_id, recorded_at, epoch FROM checkpoint
    ORDER BY projection"""


def read_models_ahead(reports: psycopg.Connection[Any], reader: EventReader) -> Iterator[str]:
    """Yield a sentence for each read model that has seen another past than the store's.

    Those of an earlier epoch are about to be built again, so nothing is said of them.
    """
    store, epoch = reader.store_id(), reader.epoch()
    for name, its_store, position, event, at, its_epoch in reports.execute(CHECKPOINTS):
        if its_epoch < epoch:
            continue
        if its_store != store or its_epoch > epoch:
            yield f"The read model {name} is of another store, or of a later epoch of this one."
        elif position:
            found = reader.after(position - 1, 1)
            if not found or found[0].position != position:
                yield (
                    f"The store ends at position {reader.head()} and the read model {name} at"
                    f" {position}."
                )
            elif (event_id(found[0].stream_id, found[0].version), moment(found[0].recorded_at)) != (
                event,
                at,
            ):
                yield f"The read model {name} has seen another event at position {position}."


def topic_ahead(settings: Settings, secrets: Secrets, reader: EventReader) -> str | None:
    """Return how the topic of the store's epoch does not fit the store, or nothing.

    Raises `KafkaException` when the broker does not answer.
    """
    if settings.kafka_bootstrap is None:
        return None
    topic = epoch_topic(settings.topic, reader.epoch())
    consumer = None
    try:
        if topic_id(new_admin(settings.kafka_bootstrap), topic) is None:
            return None
        codec = RecordCodec(settings.ledger, secrets.get_or_create("kafka_mac").encode())
        consumer = new_consumer(settings.kafka_bootstrap)
        last = find_end(consumer, topic, codec, str(reader.store_id())).last
    except TopicUnusable as unusable:
        return str(unusable)
    finally:
        if consumer is not None:
            consumer.close()
    return None if last is None else divergence(last, topic, reader)


def seals_ahead(settings: Settings, reader: EventReader) -> str | None:
    """Return how the store is not what the home remembers as sealed, or nothing.

    Only how far it goes is looked at; of another event at a sealed position the others tell.
    """
    remembered = SealMemory(settings.home, settings.ledger, reader.epoch()).read()
    size, head = 0 if remembered is None else remembered.checkpoint.size, reader.head()
    if head >= size:
        return None
    return f"The store ends at position {head} and was sealed up to position {size}."
