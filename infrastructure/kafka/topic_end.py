"""Where a topic ends: its last record that is believed, from which a relay resumes."""

from dataclasses import dataclass

from confluent_kafka import Consumer

from infrastructure.kafka.records import Record, RecordCodec, RecordRefused, claimed_store
from infrastructure.kafka.topic import TopicUnusable, offsets, read


@dataclass(frozen=True, slots=True)
class TopicEnd:
    """The last record that is believed, at which offset, and where the next one will lie."""

    last: Record | None
    offset: int
    low: int
    high: int

    @property
    def incomplete(self) -> bool:
        """Whether there are fewer records than positions, although none was deleted by age."""
        return self.last is not None and self.low == 0 and self.last.position > self.offset + 1


def find_end(consumer: Consumer, topic: str, codec: RecordCodec, store: str) -> TopicEnd:
    """Read backwards to the last record of this store, passing over what is not believed.

    Raises `TopicUnusable` when the records are of another store, `KafkaException`.
    """
    span = offsets(consumer, topic)
    end, window = span.high, 1
    strangers = False
    while end > span.low:
        begin = max(span.low, end - window)
        last: tuple[Record, int] | None = None
        for message in read(consumer, topic, begin, end):
            try:
                record = codec.decode(message.key(), message.value(), message.headers())
            except RecordRefused:
                strangers |= claimed_store(message.headers()) not in (None, store)
                continue
            if record.store != store:
                raise TopicUnusable(_foreign(topic, store, record.store))
            last = (record, message.offset() or 0)
        if last is not None:
            return TopicEnd(last[0], last[1], span.low, span.high)
        end, window = begin, window * 10
    if strangers:
        raise TopicUnusable(_foreign(topic, store, "another, whose records bear another MAC"))
    return TopicEnd(None, 0, span.low, span.high)


def _foreign(topic: str, ours: str, theirs: str) -> str:
    return (
        f"The topic {topic} belongs to another store ({theirs}) than this ledger's ({ours}): delete"
        " it, or give another broker with --kafka."
    )
