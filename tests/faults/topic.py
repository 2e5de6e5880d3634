"""Compares the topic with the event table: each position once in order, with the stored bytes.

Records that come again are let pass when they are the same, and a stranger's records when the
campaign has noted them before it put them there. Where it has dropped records, the topic may
begin later than the events. Anything else is a fault.
"""

import itertools
import time
from array import array
from collections.abc import Collection, Iterator
from hashlib import sha256
from typing import Any

import psycopg
from confluent_kafka import Consumer, KafkaException, Message, TopicPartition

from tests.faults.book import MOST_FAULTS, Book, Row
from tests.faults.names import PREFIXES, identifier

PATIENCE_SECONDS = 20.0


FIRST_TOPIC = "falconpay.main.events"
EPOCH = 'SELECT max(number) FROM "ledger_main".epoch'


def topic_of(epoch: int) -> str:
    """Return the topic of an epoch, which has a number from the second one on."""
    return FIRST_TOPIC if epoch == 1 else f"{FIRST_TOPIC}.{epoch}"


def present_epoch(ledger_url: str) -> int:
    """Return the epoch that the ledger is in."""
    with psycopg.connect(ledger_url) as connection:
        ((epoch,),) = connection.execute(EPOCH).fetchall()
    return int(epoch)


def read_topic(bootstrap: str, topic: str) -> Iterator[Message]:
    """Yield all records of the topic's one partition, from the first to the present last."""
    consumer = Consumer(
        {
            "bootstrap.servers": bootstrap,
            "group.id": "nobody",
            "enable.auto.commit": False,
            "log_level": 0,
            "auto.offset.reset": "earliest",
        }
    )
    try:
        low, high = consumer.get_watermark_offsets(TopicPartition(topic, 0), PATIENCE_SECONDS)
        consumer.assign([TopicPartition(topic, 0, low)])
        heard = time.monotonic()
        while low < high:
            message = consumer.poll(0.5)
            if message is None:
                if time.monotonic() - heard > PATIENCE_SECONDS:
                    raise TimeoutError(f"the topic went silent at offset {low} of {high}")
                continue
            if message.error() is not None:
                raise KafkaException(message.error())
            heard = time.monotonic()
            low = (message.offset() or 0) + 1
            yield message
    finally:
        consumer.close()


class Topic:
    """The records of the topic beside the events as they pass."""

    def __init__(
        self, records: Iterator[Any], strangers: Collection[str], dropped: bool = False
    ) -> None:
        """Take the records, the SHA-256 of each stranger's, and whether any have been dropped."""
        self.faults: list[str] = []
        self.duplicates = self.strangers = 0
        self._records = records
        self._noted = strangers
        self._known = array("Q")
        self._seen = self._before = 0
        first = next(self._records, None) if dropped else None
        if first is not None:
            self._records = itertools.chain([first], self._records)
            self._before = _position(first) - 1

    def watch(self, _book: Book, row: Row) -> None:
        """Find the record of the event that was folded last."""
        position, stream, _, topic, state, _, _ = row
        key = identifier(PREFIXES[topic.split(".")[0]], stream).encode()
        self._known.append(_digest(state))
        if position <= self._before:
            self._seen = position
            return
        for record in self._records:
            told = _position(record)
            if told == position and record.value() == state and record.key() == key:
                self._seen = position
                return
            if not self._may_pass(record, told):
                self._fault(f"offset {record.offset()}: position {told}, {position} was expected")
                if told == position:
                    self._seen = position
                    return
        self._fault(f"the topic lacks position {position}")

    def finish(self) -> None:
        """Look at what stands behind the last event's record."""
        for record in self._records:
            if not self._may_pass(record, _position(record)):
                self._fault(f"offset {record.offset()}: a record that no event tells of")

    def _may_pass(self, record: Any, told: int) -> bool:
        if sha256(record.value() or b"").hexdigest() in self._noted:
            self.strangers += 1
            return True
        again = 0 < told <= self._seen and self._known[told - 1] == _digest(record.value())
        self.duplicates += again
        return again

    def _fault(self, text: str) -> None:
        if len(self.faults) < MOST_FAULTS:
            self.faults.append(text)


def _digest(value: bytes | None) -> int:
    return int.from_bytes(sha256(value or b"").digest()[:8], "big")


def _position(record: Any) -> int:
    text = dict(record.headers() or ()).get("position", b"")
    return int(text) if text and text.isdigit() else 0
