"""Takes out of the topic on Kafka what an archive has; the ledger keeps it."""

import logging
import time
from typing import LiteralString

import psycopg

from domain.operation_events import TopicTrimmed
from infrastructure.databases.logins import conninfo
from infrastructure.event_codec import EventCodec
from infrastructure.event_log.reader import EventReader
from infrastructure.kafka.topic import TopicUnusable, epoch_topic
from infrastructure.kafka.trimming import TopicUnordered, find_cut, trim
from infrastructure.operation_notes import now
from infrastructure.secrets import Secrets
from infrastructure.settings import Settings
from interfaces.cli.failure import CHECK_FAILED, DEPENDENCY_MISSING, Failure
from interfaces.cli.operation_note import note
from interfaces.replay.operation_facts import TRIMMED
from interfaces.replay.topic import opened_broker

RECORD_SECONDS = 10.0
RECORDED: LiteralString = """
    SELECT state FROM events WHERE notification_id > %s AND topic = %s ORDER BY notification_id"""


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
        _put_on_record(connection, settings, TopicTrimmed(now(), topic, archive, cut.last))
        assert settings.kafka_bootstrap is not None, "its broker has just answered"
        trim(settings.kafka_bootstrap, topic, cut.offset)
    return cut.last


def _put_on_record(connection: psycopg.Connection, settings: Settings, fact: TopicTrimmed) -> None:
    head = EventReader(connection).head()
    note(settings, fact)
    codec, deadline = EventCodec(), time.monotonic() + RECORD_SECONDS
    while time.monotonic() < deadline:
        for (state,) in connection.execute(RECORDED, [head, TRIMMED]):
            if codec.decode(TRIMMED, state) == fact:
                return
        time.sleep(0.1)
    raise Failure(
        "The ledger has not taken down that its topic is trimmed, so nothing was taken out of it:"
        " see by ./falcon status that the role payments runs, and run the same command again.",
        DEPENDENCY_MISSING,
    )
