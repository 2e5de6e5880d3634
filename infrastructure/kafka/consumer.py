"""The topic as the source of projections: believed records only, from any position on."""

import time
from collections.abc import Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait

import structlog
from confluent_kafka import Consumer, KafkaError, KafkaException, Message, TopicPartition

from infrastructure.event_codec import EventCodec
from infrastructure.kafka.records import Record, RecordCodec, RecordRefused
from infrastructure.kafka.topic import PARTITION, PATIENCE_SECONDS, offsets, read
from projections.contract import Applied
from projections.sources import Taken

_LOG = structlog.get_logger("projector")

GATHER_SECONDS = 0.02
"""How long records are gathered, so that a transaction serves more than one command."""

BUSY = 400
BUSY_GATHER_SECONDS = 0.05
"""After so many records at once they are gathered for longer: a transaction costs what it costs.
At a thousand transfers a second they are fewer, and are shown sooner."""

MANY = 1_000
"""After so many records at once more are waiting, and are decoded while these are applied."""

PROBE_SECONDS = 2.0
"""After how long a silence the broker is asked whether it and the topic are still there."""

_MISPLACED = frozenset(
    {
        KafkaError._AUTO_OFFSET_RESET,
        KafkaError.OFFSET_OUT_OF_RANGE,
        KafkaError.UNKNOWN_TOPIC_OR_PART,
        KafkaError.UNKNOWN_TOPIC_ID,
        KafkaError._UNKNOWN_TOPIC,
        KafkaError._UNKNOWN_PARTITION,
    }
)
"""Errors after which the place in the topic has to be found again: it was deleted or made anew."""


class TopicSource:
    """One ledger's topic, read by a consumer that is assigned its one partition."""

    def __init__(
        self,
        consumer: Consumer,
        topic: str,
        records: RecordCodec,
        events: EventCodec,
        store: str,
    ) -> None:
        """Take a consumer of one's own; only records of this store are believed."""
        self._consumer = consumer
        self._topic = topic
        self._records = records
        self._events = events
        self._store = store
        self._after = 0
        self._placed = False
        self._next_offset = 0
        self._probe_due = 0.0
        self._gather_seconds = GATHER_SECONDS
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="topic-ahead")
        self._coming: Future[Taken] | None = None

    def close(self) -> None:
        """Leave the broker; the consumer is of no use any more."""
        self._pool.shutdown(cancel_futures=True)
        self._consumer.close()

    def seek(self, after: int) -> None:
        """Go on behind a position; where that is in the topic is found when it is read."""
        if self._coming is not None:
            # One thread at a time uses the consumer; what it brings now is not wanted any more.
            wait([self._coming])
            self._coming = None
        self._after = after
        self._placed = False

    def take(self, limit: int, wait_seconds: float) -> Taken:
        """Return what has come, waiting for a first record; nothing while there is no topic.

        Raises `KafkaException` when the broker refuses or, while looking, does not answer.
        """
        coming, self._coming = self._coming, None
        taken = self._take(limit, wait_seconds) if coming is None else coming.result()
        if len(taken.events) >= MANY:
            self._coming = self._pool.submit(self._take, limit, 0.0)
        return taken

    def _take(self, limit: int, wait_seconds: float) -> Taken:
        if not self._placed and not self._place():
            time.sleep(wait_seconds)
            return Taken(())
        if time.monotonic() > self._probe_due:
            self._probe()
        messages = self._consumer.consume(min(MANY, limit), self._gather_seconds)
        if not messages:
            first = self._consumer.poll(wait_seconds)
            messages = (
                []
                if first is None
                else [first, *self._consumer.consume(min(MANY, limit) - 1, GATHER_SECONDS)]
            )
        self._gather_seconds = BUSY_GATHER_SECONDS if len(messages) >= BUSY else GATHER_SECONDS
        if messages:
            self._probe_due = time.monotonic() + PROBE_SECONDS
        taken = self._believed(messages)
        while (
            len(messages) >= MANY
            and self._placed
            and not taken.doubtful
            and len(taken.events) < limit
        ):
            messages = self._consumer.consume(min(MANY, limit - len(taken.events)), 0.0)
            more = self._believed(messages)
            taken = Taken([*taken.events, *more.events], doubtful=more.doubtful)
        return taken

    def _probe(self) -> None:
        """Notice a topic made anew, in which the place that was waited at does not exist yet."""
        self._probe_due = time.monotonic() + PROBE_SECONDS
        try:
            self._placed = offsets(self._consumer, self._topic).high >= self._next_offset
        except KafkaException as error:
            self._heed(error.args[0])

    def _believed(self, messages: Sequence[Message]) -> Taken:
        events: list[Applied] = []
        refused: str | None = None
        for message in messages:
            error = message.error()
            if error is not None:
                self._heed(error)
                continue
            try:
                events.append(self._applied(self._record(message)))
            except ValueError as fault:
                # Foreign bytes may also fail in the client's own decoding of header names.
                refused = str(fault)
            self._next_offset = (message.offset() or 0) + 1
        if refused is not None:
            _LOG.warning("record-refused", topic=self._topic, fault=refused)
        if events:
            self._after = events[-1].position
        return Taken(events, doubtful=refused is not None)

    def _heed(self, error: KafkaError) -> None:
        if error.code() in _MISPLACED:
            self._placed = False
        elif error.code() != KafkaError._PARTITION_EOF:
            raise KafkaException(error)

    def _record(self, message: Message) -> Record:
        record = self._records.decode(message.key(), message.value(), message.headers())
        if record.store != self._store:
            raise RecordRefused("the record is of another store")
        return record

    def _applied(self, record: Record) -> Applied:
        if not record.tells_actor:
            # A relay of before actors were published wrote it; the store knows who it was.
            raise RecordRefused("it does not say who gave the command")
        return Applied(
            record.position,
            record.stream_id,
            record.version,
            record.recorded_at,
            record.command_id,
            record.index,
            record.count,
            self._events.decode(record.type, record.data),
            record.actor,
        )

    def _place(self) -> bool:
        """Find where the wanted records begin and read from there; no without a topic."""
        try:
            offset = self.find(self._after)
        except KafkaException as error:
            if error.args[0].code() not in _MISPLACED:
                raise
            # The client says the same of a topic while it knows no broker: then this raises.
            self._consumer.list_topics(timeout=PATIENCE_SECONDS)
            return False
        self._consumer.assign([TopicPartition(self._topic, PARTITION, offset)])
        self._placed, self._next_offset = True, offset
        self._probe_due = time.monotonic() + PROBE_SECONDS
        return True

    def find(self, after: int) -> int:
        """Return an offset from which the records beyond a position can be read.

        Positions usually lie at offset position - 1; else they are searched by halves. A topic
        in disorder may lead to a place too early or too late, which the worker makes good.
        """
        span = offsets(self._consumer, self._topic)
        guess = min(max(after, span.low), span.high)
        for begin, end in ((guess - 1, guess), (guess, guess + 1)):
            if span.low <= begin and end <= span.high:
                found = self._first(begin, end)
                if found is not None and found[0] - found[1] == after - guess + 1:
                    return guess
        low, high = span.low, span.high
        while low < high:
            middle = (low + high) // 2
            found = self._first(middle, high)
            if found is None or found[0] > after:
                high = middle
            else:
                low = found[1] + 1
        return low

    def _first(self, begin: int, end: int) -> tuple[int, int] | None:
        """Return position and offset of the first believed record between two offsets."""
        for message in _existing(read(self._consumer, self._topic, begin, end)):
            try:
                return self._record(message).position, message.offset() or 0
            except ValueError:
                continue
        return None


def _existing(messages: Iterable[Message]) -> Iterable[Message]:
    """Pass on the records up to the first offset that is not there any more."""
    try:
        yield from messages
    except KafkaException as error:
        if error.args[0].code() != KafkaError._AUTO_OFFSET_RESET:
            raise
