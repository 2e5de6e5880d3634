"""Puts on record what an operator is about to do, and waits until the ledger has taken it down."""

import time
from typing import LiteralString

import psycopg

from domain.operation_events import EventsMoved, TopicTrimmed
from infrastructure.event_codec import EventCodec
from infrastructure.event_log.reader import EventReader
from infrastructure.settings import Settings
from interfaces.cli.failure import DEPENDENCY_MISSING, Failure
from interfaces.cli.operation_note import note

RECORD_SECONDS = 10.0
RECORDED: LiteralString = """
    SELECT topic, state FROM events
    WHERE notification_id > %s AND topic LIKE 'operation.%%' ORDER BY notification_id"""


def put_on_record(
    connection: psycopg.Connection, settings: Settings, fact: TopicTrimmed | EventsMoved
) -> None:
    """Return when the ledger has the fact; the connection reads it, and is in autocommit.

    Raises `Failure` where that takes more than `RECORD_SECONDS`.
    """
    head = EventReader(connection).head()
    note(settings, fact)
    codec, deadline = EventCodec(), time.monotonic() + RECORD_SECONDS
    while time.monotonic() < deadline:
        for topic, state in connection.execute(RECORDED, [head]):
            if codec.decode(topic, state) == fact:
                return
        time.sleep(0.1)
    raise Failure(
        "The ledger has not taken down what is to be done, so nothing was taken out of anything:"
        " see by ./falcon status that the role payments runs, and run the same command again.",
        DEPENDENCY_MISSING,
    )
