"""The broker and its topic: wiped, deleted, cut short, and written to by strangers."""

import contextlib
import os
import re
import shutil
import signal
from collections.abc import Callable, Sequence

from confluent_kafka import Consumer, Message, Producer, TopicPartition
from confluent_kafka.admin import AdminClient

from tests.faults.ground import Ground, NotStruck
from tests.faults.kinds import Kind
from tests.faults.topic import topic_of

TOPIC = re.compile(r"falconpay\.main\.events(?:\.(\d+))?")
PATIENCE_SECONDS = 10.0
RECORDS = 40
DROPS = 5

Header = tuple[str, str | bytes | None]
Record = tuple[bytes | None, bytes | None, list[Header]]


def _bootstrap(ground: Ground) -> str:
    return f"127.0.0.1:{ground.port('kafka')}"


def _topic(admin: AdminClient) -> str:
    """Return the topic of the last epoch that has one."""
    try:
        names = list(admin.list_topics(timeout=PATIENCE_SECONDS).topics)
    except Exception as fault:  # noqa: BLE001 - the broker may be down by another fault
        raise NotStruck(f"the topics could not be listed: {fault}") from None
    epochs = [int(match[1] or 1) for match in map(TOPIC.fullmatch, names) if match]
    if not epochs:
        raise NotStruck("there is no topic")
    return topic_of(max(epochs))


def _begin_epoch(ground: Ground) -> None:
    """Let topic and read models begin anew while everything works, as after a restore."""
    done = ground.system.falcon("recover", "--force")
    if done.returncode != 0:
        raise NotStruck(f"no epoch has begun: {done.stderr.strip()}")


def _delete_topic(ground: Ground) -> None:
    """Delete the topic while the relay runs, which has to make it anew from position 1."""
    admin = AdminClient({"bootstrap.servers": _bootstrap(ground), "log_level": 0})
    topic = _topic(admin)
    deleted = admin.delete_topics([topic], request_timeout=PATIENCE_SECONDS)
    try:
        deleted[topic].result(PATIENCE_SECONDS)
    except Exception as fault:  # noqa: BLE001 - the broker may be down by another fault
        raise NotStruck(f"the topic could not be deleted: {fault}") from None


def _drop(ground: Ground) -> None:
    """Delete all records of the topic a few times, among them such as no projector has read."""
    admin = AdminClient({"bootstrap.servers": _bootstrap(ground), "log_level": 0})
    # To the end: -1 is where the topic ends at that moment.
    everything = TopicPartition(_topic(admin), 0, -1)
    ground.note("records dropped", dropped=True)
    for _ in range(DROPS):
        try:
            (answer,) = admin.delete_records([everything]).values()
            answer.result(PATIENCE_SECONDS)
        except Exception as fault:  # noqa: BLE001 - the broker may be down by another fault
            raise NotStruck(f"the records could not be deleted: {fault}") from None
        ground.pause(ground.choose.uniform(0, 0.3))


def _wipe(ground: Ground) -> None:
    """Kill the broker and remove all that it had stored, before anybody starts it again."""
    pids = ground.pids("kafka")
    if not pids:
        raise NotStruck("kafka is down already")
    (supervisor,) = ground.pids("supervisor")
    os.kill(supervisor, signal.SIGSTOP)
    try:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pids[0], signal.SIGKILL)
        shutil.rmtree(ground.system.home / "servers" / "kafka" / "data")
    finally:
        os.kill(supervisor, signal.SIGCONT)


def _last_records(ground: Ground, topic: str) -> list[Record]:
    consumer = Consumer(
        {
            "bootstrap.servers": _bootstrap(ground),
            "group.id": "nobody",
            "enable.auto.commit": False,
            "log_level": 0,
        }
    )
    try:
        partition = TopicPartition(topic, 0)
        low, high = consumer.get_watermark_offsets(partition, PATIENCE_SECONDS)
        consumer.assign([TopicPartition(topic, 0, max(low, high - RECORDS))])
        found: list[Message] = consumer.consume(min(RECORDS, high - low), PATIENCE_SECONDS)
        return [
            (message.key(), message.value(), _headers(message))
            for message in found
            if message.error() is None
        ]
    except Exception as fault:  # noqa: BLE001 - the broker may be down by another fault
        raise NotStruck(f"the topic could not be read: {fault}") from None
    finally:
        consumer.close()


def _headers(message: Message) -> list[Header]:
    """Return the headers as the client library gives them when it reads: a list."""
    headers = message.headers() or []
    return list(headers.items()) if isinstance(headers, dict) else headers


def _written(alter: Callable[[Ground, list[Record]], Sequence[Record]]) -> Callable[[Ground], None]:
    """Read the topic's last records and write what is made of them behind them."""

    def strike(ground: Ground) -> None:
        topic = _topic(AdminClient({"bootstrap.servers": _bootstrap(ground), "log_level": 0}))
        records = _last_records(ground, topic)
        if not records:
            raise NotStruck("the topic has no records")
        producer = Producer(
            {
                "bootstrap.servers": _bootstrap(ground),
                "message.timeout.ms": 5000,
                "log_level": 0,
            }
        )
        for key, value, headers in alter(ground, records):
            producer.produce(topic, value, key, headers=headers, partition=0)
        producer.flush(PATIENCE_SECONDS)

    return strike


def _again(_ground: Ground, records: list[Record]) -> Sequence[Record]:
    return records


def _swapped(ground: Ground, records: list[Record]) -> Sequence[Record]:
    ground.choose.shuffle(records)
    return records


def _altered(ground: Ground, records: list[Record]) -> Sequence[Record]:
    """Let the amounts be ten times what they were; the MACs stay."""
    made = [(k, (v or b"").replace(b'"amount":', b'"amount":9'), h) for k, v, h in records]
    for _, value, _ in made:
        ground.note_stranger(value)
    return made


def _ahead(ground: Ground, records: list[Record]) -> Sequence[Record]:
    """Say that positions that nobody has reached are of this store."""
    key, value, headers = records[-1]
    value = (value or b"") + b" "
    ground.note_stranger(value)
    moved: list[Header] = [
        (name, b"%d" % (int(text or 0) + 1000) if name == "position" else text)
        for name, text in headers
    ]
    return [(key, value, moved)]


def _of_another_store(ground: Ground, records: list[Record]) -> Sequence[Record]:
    key, value, headers = records[-1]
    value = (value or b"") + b"  "
    ground.note_stranger(value)
    other = b"00000000-0000-4000-8000-000000000000"
    return [(key, value, [(n, other if n == "store" else v) for n, v in headers])]


def _garbage(ground: Ground, _records: list[Record]) -> Sequence[Record]:
    values = [b"", b"\0", b"{}", b"[" * 2000, ground.choose.randbytes(500)]
    for value in values:
        ground.note_stranger(value)
    return [(None, value, [("position", b"nonsense")]) for value in values]


KINDS = (
    Kind("delete the topic", _delete_topic),
    Kind("begin an epoch", _begin_epoch),
    Kind("wipe the broker", _wipe, alone=True),
    Kind("records dropped", _drop, alone=True),
    Kind("records again", _written(_again)),
    Kind("records swapped", _written(_swapped)),
    Kind("altered records", _written(_altered)),
    Kind("a record from the future", _written(_ahead)),
    Kind("a record of another store", _written(_of_another_store)),
    Kind("garbage in the topic", _written(_garbage)),
)
"""The kinds of this module."""
