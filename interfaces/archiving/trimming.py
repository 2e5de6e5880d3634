"""Takes out of the topic on Kafka what an archive has."""

import logging

import psycopg

from domain.operation_events import TopicTrimmed
from infrastructure.databases.logins import conninfo
from infrastructure.event_log.reader import EventReader
from infrastructure.kafka.topic import TopicUnusable, epoch_topic
from infrastructure.kafka.trimming import TopicUnordered, find_cut, trim
from infrastructure.operation_notes import now
from infrastructure.secrets import Secrets
from infrastructure.settings import Settings
from interfaces.archiving.on_record import put_on_record
from interfaces.cli.failure import CHECK_FAILED, Failure
from interfaces.replay.topic import opened_broker


def ledger_reader(settings: Settings) -> psycopg.Connection:
    """Return a connection that reads what the ledger has by now."""
    where = conninfo(settings, Secrets(settings.home), "reader", "ledger")
    return psycopg.connect(where, autocommit=True)


def trim_topic(
    connection: psycopg.Connection, settings: Settings, archive: str, last: int
) -> int | None:
    """Take the records up to a position out of the topic; return the last one that went.

    None where none of them is there any more. The connection reads the ledger and is in
    autocommit: the ledger has it on record before anything is taken. Raises `Failure`, `TopicAway`.
    """
    # What the client says of a broker that is away, the failure says in a sentence.
    logging.getLogger("falconpay.kafka").addHandler(logging.NullHandler())
    reader = EventReader(connection)
    topic = epoch_topic(settings.topic, reader.epoch())
    with opened_broker(settings) as broker:
        try:
            cut = find_cut(broker.consumer, topic, broker.codec, str(reader.store_id()), last)
        except (TopicUnordered, TopicUnusable) as fault:
            raise Failure(str(fault), CHECK_FAILED) from None
        if cut is None:
            return None
        put_on_record(connection, settings, TopicTrimmed(now(), topic, archive, cut.last))
        assert settings.kafka_bootstrap is not None, "its broker has just answered"
        trim(settings.kafka_bootstrap, topic, cut.offset)
    return cut.last
