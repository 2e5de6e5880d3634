"""Compares the topic on Kafka with the store: each position's record, to the byte, and its MAC."""

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import msgspec
import psycopg
from confluent_kafka import Consumer, KafkaError, KafkaException, Message

from domain.identifiers import StreamId
from domain.instants import Instant
from domain.recorded import RecordedEvent
from infrastructure.event_codec import EventCodec, EventUnreadable
from infrastructure.event_log.reader import EventReader
from infrastructure.kafka.clients import new_consumer
from infrastructure.kafka.records import Headers, RecordCodec, RecordRefused
from infrastructure.kafka.topic import Offsets, epoch_topic, offsets, read
from infrastructure.kafka.trimming import first_position
from infrastructure.secrets import Secrets
from infrastructure.settings import Settings
from interfaces.replay.findings import Difference, Findings
from interfaces.replay.in_order import events_between
from interfaces.replay.operation_facts import TRIMMED, TopicTrimmed
from interfaces.replay.stored import stream_name, time_of

ACTOR_HEADERS = ("actor", "actor_mac")
PATIENCE_SECONDS = 5.0
"""How long the relay may take to bring what the store has; then it is missing."""

_NO_TOPIC = (
    KafkaError.UNKNOWN_TOPIC_OR_PART,
    KafkaError._UNKNOWN_TOPIC,
    KafkaError._UNKNOWN_PARTITION,
)
FACTS = "SELECT state FROM events WHERE topic = %s"
Sent = tuple[bytes | None, bytes | None, Headers]


class TopicAway(RuntimeError):
    """The broker cannot be asked; the message is one sentence with the remedy."""


@dataclass(frozen=True, slots=True)
class Topic:
    """What the topic has: its name, the records looked at, and how many were there repeatedly.

    A record that comes again as it was is what a relay leaves that was killed; readers pass it
    over. `trimmed_to` is the last position that was taken out of it, as is on record.
    """

    name: str
    records: int
    repeated: int
    trimmed_to: int


@dataclass(frozen=True, slots=True)
class Broker:
    """A consumer of one's own, and what makes the records that it should find."""

    consumer: Consumer
    codec: RecordCodec


@contextmanager
def opened_broker(settings: Settings) -> Iterator[Broker]:
    """Give the ledger's broker; raises `TopicAway` when it does not answer, `SecretMissing`."""
    bootstrap = settings.kafka_bootstrap
    if bootstrap is None:
        raise TopicAway(
            "There is no Kafka that could be compared: start it by ./falcon up, name one in"
            " FALCONPAY_KAFKA_BOOTSTRAP, or leave out --kafka or --trim-topic."
        )
    codec = RecordCodec(settings.ledger, Secrets(settings.home).get("kafka_mac").encode())
    consumer = new_consumer(bootstrap)
    try:
        consumer.list_topics(timeout=PATIENCE_SECONDS)
        yield Broker(consumer, codec)
    except KafkaException:
        raise TopicAway(
            f"Kafka does not answer at {bootstrap}: look at ./falcon status, then try again."
        ) from None
    finally:
        consumer.close()


def compare_topic(
    broker: Broker,
    ledger: psycopg.Connection[Any],
    settings: Settings,
    last: int,
    findings: Findings,
    progress: Callable[[int, int], object],
) -> Topic:
    """Compare the topic of the ledger's epoch with its events up to a position of the snapshot.

    Records are read once and in order; none of them is kept. Raises `KafkaException`.
    """
    reader = EventReader(ledger)
    consumer, codec = broker.consumer, broker.codec
    name = epoch_topic(settings.topic, reader.epoch())
    trimmed = min(last, trimmed_to(ledger, broker, name))
    events = _events(ledger, trimmed + 1, last)
    check = TopicCheck(events, codec, str(reader.store_id()), findings, last)
    begin, deadline = 0, time.monotonic() + PATIENCE_SECONDS
    while not check.ended() and time.monotonic() < deadline:
        span = _span(consumer, name)
        begin = max(begin, span.low)
        for message in read(consumer, name, begin, span.high):
            check.add(message)
            begin = (message.offset() or 0) + 1
            if check.records % 4_000 == 0:
                progress(check.position, last)
            deadline = time.monotonic() + PATIENCE_SECONDS
            if check.ended():
                break
        if not check.ended():
            time.sleep(0.05)
    check.end()
    return Topic(name, check.records, check.repeated, trimmed)


def trimmed_to(ledger: psycopg.Connection[Any], broker: Broker, name: str) -> int:
    """Return up to which position a topic has no records although all is in order, 0 for none.

    What the ledger does not have on record as taken out is missing.
    """
    if not _span(broker.consumer, name).low:
        return 0
    facts = (_fact(state) for (state,) in ledger.execute(FACTS, [TRIMMED]))
    known = max((fact.last_position for fact in facts if fact and fact.topic == name), default=0)
    first = first_position(broker.consumer, name, broker.codec)
    return known if first is None else min(known, first - 1)


def _fact(state: bytes) -> TopicTrimmed | None:
    """Return what is on record; none where it cannot be read, which the replay tells."""
    try:
        return msgspec.json.decode(state, type=TopicTrimmed)
    except msgspec.MsgspecError:
        return None


def _span(consumer: Consumer, name: str) -> Offsets:
    try:
        return offsets(consumer, name)
    except KafkaException as error:
        if error.args[0].code() in _NO_TOPIC:
            return Offsets(0, 0)
        raise


def _events(ledger: psycopg.Connection[Any], first: int, last: int) -> Iterator[RecordedEvent]:
    for rows in events_between(ledger, first, last):
        for position, stream, version, topic, state, metadata, recorded in rows:
            name = StreamId(stream_name(topic, stream))
            at = Instant(str(time_of(recorded)))
            yield RecordedEvent(position, name, version, topic, state, metadata, at)


class TopicCheck:
    """Meets the records of a topic with the events that they should be of."""

    def __init__(
        self,
        events: Iterator[RecordedEvent],
        codec: RecordCodec,
        store: str,
        findings: Findings,
        last: int,
    ) -> None:
        """Take the events in order up to the last one compared, and what makes their records."""
        self._events = events
        self._codec = codec
        self._metadata = EventCodec()
        self._store = store
        self._findings = findings
        self._last = last
        self._absent: list[tuple[int, int]] = []
        self.due = next(events, None)
        """The event whose record comes next; none behind the last."""

        self.records = 0
        self.repeated = 0

    def ended(self) -> bool:
        """Return whether every event has been met."""
        return self.due is None

    @property
    def position(self) -> int:
        """Up to which position the topic was compared."""
        return self._last if self.due is None else self.due.position - 1

    def add(self, message: Message) -> None:
        """Compare the next record."""
        due = self.due
        assert due is not None, "behind the last event nothing is compared"
        self.records += 1
        found: Sent = (message.key(), message.value(), message.headers() or [])
        expected = self._expected(due)
        if found == expected:
            self.due = next(self._events, None)
            return
        claimed = _claimed(found[2])
        if claimed == due.position:
            self._compare(due, expected, found)
            self.due = next(self._events, None)
        elif not self._believed(found):
            what = "a record that the relay has not written"
            self._wrong(due.position, due.stream_id, "record", "the relay's", what)
        elif claimed > due.position:
            self._miss(min(claimed, self._last + 1))
            if self.due is not None:
                self.records -= 1
                self.add(message)
        else:
            self._late(claimed, due)

    def end(self) -> None:
        """Say which events have no record."""
        self._miss(self._last + 1)

    def _miss(self, position: int) -> None:
        """Say that there is no record, here at least, of the events before a position."""
        begin = self.due
        while (due := self.due) is not None and due.position < position:
            self._wrong(due.position, due.stream_id, "record", "one record, here", None)
            self.due = next(self._events, None)
        if begin is not None:
            self._absent.append((begin.position, position))

    def _late(self, claimed: int, due: RecordedEvent) -> None:
        if any(begin <= claimed < end for begin, end in self._absent):
            place = f"before that of position {due.position - 1}"
            self._wrong(claimed, "-", "order of records", place, "behind it")
        else:
            self.repeated += 1

    def _believed(self, found: Sent) -> bool:
        try:
            return self._codec.decode(*found).store == self._store
        except (RecordRefused, ValueError):
            return False

    def _expected(self, event: RecordedEvent) -> Sent | None:
        """Return an event's record; none where what is stored cannot be read."""
        try:
            metadata = self._metadata.decode_metadata(event.metadata)
            return self._codec.encode(event, metadata, self._store)
        except (EventUnreadable, ValueError):
            return None

    def _compare(self, event: RecordedEvent, expected: Sent | None, found: Sent) -> None:
        # A relay of before actors were told has written records without them.
        if expected is None or found == (*expected[:2], _without_actor(expected[2])):
            return
        position, stream = event.position, event.stream_id
        count = self._findings.count
        self._findings.compare(
            position, "topic", stream, ("key", "data"), _texts(expected[:2]), _texts(found[:2])
        )
        wanted, given = _by_name(expected[2]), _by_name(found[2])
        names = [*wanted, *(name for name in given if name not in wanted)]
        for name in names:
            if wanted.get(name) != given.get(name):
                values = _texts((wanted.get(name), given.get(name)))
                self._wrong(position, stream, name, *values)
        if self._findings.count == count:
            self._wrong(position, stream, "headers", "once each, in order", "otherwise")

    def _wrong(
        self, position: int, stream: str, field: str, expected: object, found: object
    ) -> None:
        self._findings.add(Difference(position, "topic", stream, field, expected, found))


def _claimed(headers: Headers) -> int:
    """Return the position that a record says it has, 0 where it says none."""
    told = _by_name(headers).get("position")
    text = told.decode(errors="replace") if isinstance(told, bytes) else ""
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 20 else 0


def _by_name(headers: Headers) -> Mapping[str, Any]:
    return dict(headers)


def _without_actor(headers: Headers) -> Headers:
    return [(name, text) for name, text in dict(headers).items() if name not in ACTOR_HEADERS]


def _texts(values: tuple[Any, ...]) -> tuple[str | None, ...]:
    return tuple(
        None if value is None else value.decode(errors="backslashreplace") for value in values
    )
