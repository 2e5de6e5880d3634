"""Publishes the event store to the topic, in order and without a hole, whatever breaks."""

import time
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any

import structlog
from confluent_kafka import KafkaError, Message, Producer
from confluent_kafka.admin import AdminClient

from domain.identifiers import event_id
from domain.recorded import RecordedEvent
from infrastructure.event_codec import EventCodec
from infrastructure.event_log.reader import EventReader
from infrastructure.kafka.clients import new_admin, new_consumer, new_producer
from infrastructure.kafka.records import Record, RecordCodec
from infrastructure.kafka.topic import ask_id, ensure_topic, told_id
from infrastructure.kafka.topic_end import TopicEnd, find_end

FETCHED = 1_000
OUTSTANDING = 10_000
TOPIC_CHECK_SECONDS = 2.0

_LOG = structlog.get_logger("relay")


class StoreDiverged(RuntimeError):
    """The topic has events that the store does not have; the message says the remedy."""


@dataclass(slots=True)
class _Run:
    """The life of one producer: what it was given, what the broker confirmed, what went wrong."""

    sent: int
    confirmed: int
    offset: int
    fault: str | None = None
    producer: Producer = field(init=False)

    def delivered(self, error: KafkaError | None, message: Message) -> None:
        """Take the broker's answer for one record; answers come in the order of sending."""
        offset = message.offset()
        if self.fault is not None:
            return
        if error is not None:
            self.fault = str(error)
        elif offset is None or offset <= self.offset:
            self.fault = _ANEW
        else:
            self.offset = offset
            self.confirmed += 1


class Publisher:
    """Writes one ledger's events to its topic from where the topic ends."""

    def __init__(
        self,
        bootstrap: str,
        topic: str,
        records: RecordCodec,
        events: EventCodec,
        reader: EventReader,
    ) -> None:
        """Take the broker, the topic, the two codecs and the store; nothing is connected yet."""
        self._bootstrap = bootstrap
        self._topic = topic
        self._records = records
        self._events = events
        self._reader = reader
        self._admin: AdminClient = new_admin(bootstrap)
        self._store = str(reader.store_id())
        self._topic_id: str | None = None
        self._run: _Run | None = None
        self._check_due = 0.0
        self._asked: Future[Any] | None = None

    @property
    def position(self) -> int:
        """The last position that the broker has confirmed."""
        return self._run.confirmed if self._run else 0

    @property
    def outstanding(self) -> int:
        """How many records the broker has not confirmed yet."""
        return self._run.sent - self._run.confirmed if self._run else 0

    def step(self, wait_seconds: float) -> int:
        """Send what is new and hear what was confirmed; return how many events were sent.

        Unless more is waiting it takes `wait_seconds`, so that under load each look finds many.
        Raises `StoreDiverged`, `TopicUnusable`, and `KafkaException` when the broker is away.
        """
        run = self._run
        if run is None or run.fault is not None or self._topic_is_another():
            run = self._resume()
        sent = 0
        if self.outstanding < OUTSTANDING:
            for event in self._reader.after(run.sent, FETCHED):
                if not self._send(run, event):
                    break
                sent += 1
        _listen(run, 0.0 if sent == FETCHED else wait_seconds)
        return sent

    def close(self) -> None:
        """Drop what was not confirmed; it is sent again by whoever resumes."""
        if self._run is not None:
            self._run.producer.purge()
            self._run = None

    def _send(self, run: _Run, event: RecordedEvent) -> bool:
        assert event.position == run.sent + 1, "the store has no holes"
        metadata = self._events.decode_metadata(event.metadata)
        key, value, headers = self._records.encode(event, metadata, self._store)
        try:
            run.producer.produce(self._topic, value, key, partition=0, headers=headers)
        except BufferError:
            return False
        run.sent = event.position
        return True

    def _topic_is_another(self) -> bool:
        """Look from time to time whether the topic was deleted, also when nothing is sent.

        Events go on while the broker, which may be slow, makes up its answer.
        """
        if self._asked is None:
            if time.monotonic() >= self._check_due:
                self._check_due = time.monotonic() + TOPIC_CHECK_SECONDS
                self._asked = ask_id(self._admin, self._topic)
            return False
        if not self._asked.done():
            return False
        answered, self._asked = self._asked, None
        return told_id(answered, self._topic) != self._topic_id

    def _resume(self) -> _Run:
        """Begin with a new producer behind the last record of the topic."""
        anew = False
        if self._run is not None:
            anew = self._run.fault == _ANEW
            _LOG.warning("producer-discarded", fault=self._run.fault, position=self.position)
        self.close()
        found = ensure_topic(self._admin, self._topic)
        if self._topic_id not in (None, found):
            anew = True
        end = self._end()
        begin = 0 if anew else self._checked(end)
        run = _Run(begin, begin, end.high - 1)
        run.producer = new_producer(self._bootstrap, run.delivered)
        self._topic_id, self._run, self._asked = found, run, None
        self._check_due = time.monotonic() + TOPIC_CHECK_SECONDS
        _LOG.info("publishing", topic=self._topic, topic_id=found, after=begin)
        return run

    def _end(self) -> TopicEnd:
        consumer = new_consumer(self._bootstrap)
        try:
            return find_end(consumer, self._topic, self._records, self._store)
        finally:
            consumer.close()

    def _checked(self, end: TopicEnd) -> int:
        """Return the position of the topic's last record after comparing it with the store."""
        last = end.last
        if last is None:
            return 0
        told = divergence(last, self._topic, self._reader)
        if told is not None:
            raise StoreDiverged(told + _REMEDY)
        if end.incomplete:
            _LOG.warning("topic-incomplete", topic=self._topic, position=last.position)
            return 0
        return last.position


def _listen(run: _Run, seconds: float) -> None:
    """Hear what the broker confirms for so long; a single poll ends with the first it hears."""
    end = time.monotonic() + seconds
    run.producer.poll(seconds)
    while run.fault is None and (left := end - time.monotonic()) > 0:
        run.producer.poll(left)


def divergence(last: Record, topic: str, reader: EventReader) -> str | None:
    """Return in a sentence how the store does not fit a topic's last record, or nothing."""
    events = reader.after(last.position - 1, 1)
    if not events or events[0].position != last.position:
        return (
            f"The store ends at position {reader.head()} and the topic {topic} at {last.position}."
        )
    # The same wallet may be at the same version there in another past, at another time.
    found = (event_id(events[0].stream_id, events[0].version), events[0].recorded_at)
    if found != (last.event_id, last.recorded_at):
        return f"The store has another event at position {last.position} than the topic {topic}."
    return None


_ANEW = "the topic was made anew"
_REMEDY = (
    " If the store was restored from an older copy, restore a newer one; to keep this one, run"
    " ./falcon recover, which begins a new topic and new read models."
)
