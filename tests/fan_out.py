"""Relay and projector put together as their composition roots do, for tests that hold each part."""

import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from confluent_kafka import Message, Producer

from infrastructure.event_codec import EventCodec
from infrastructure.event_log.reader import EventReader
from infrastructure.kafka.clients import new_consumer
from infrastructure.kafka.consumer import TopicSource
from infrastructure.kafka.publisher import Publisher
from infrastructure.kafka.records import Headers, RecordCodec
from infrastructure.kafka.topic import offsets, read
from infrastructure.report_store.stored_events import StoredEvents, StoreSource
from projections.catalogue import CATALOGUE
from projections.contract import Projection
from projections.sources import Source
from projections.transactions import FEW
from projections.worker import Worker
from tests.events_writer import EventsWriter
from tests.servers import FreshDatabases

SECRET = b"the MAC's key of these tests"
Sent = tuple[bytes | None, bytes | None, Headers]


def unused_ledger() -> str:
    """Return a ledger's name whose topic no other test uses."""
    return f"t{uuid.uuid4().hex[:12]}"


@dataclass(frozen=True, slots=True)
class FanOut:
    """One ledger with its databases, and its topic where there is a broker."""

    databases: FreshDatabases
    bootstrap: str = ""

    @property
    def topic(self) -> str:
        return self.databases.settings.topic

    @property
    def records(self) -> RecordCodec:
        return RecordCodec(self.databases.settings.ledger, SECRET)

    def writer(self, seed: int = 0) -> EventsWriter:
        return EventsWriter(self.databases.connect("command"), seed)

    def head(self) -> int:
        with self.databases.connect("relay") as connection:
            return EventReader(connection).head()

    @contextmanager
    def publisher(self) -> Iterator[Publisher]:
        with self.databases.connect("relay") as connection:
            publisher = Publisher(
                self.bootstrap, self.topic, self.records, EventCodec(), EventReader(connection)
            )
            try:
                yield publisher
            finally:
                publisher.close()

    def publish(self) -> None:
        """Publish until the broker has confirmed all that is stored."""
        with self.publisher() as publisher:
            until(lambda: publisher.step(0.01) == 0 and publisher.position >= self.head())

    @contextmanager
    def worker(
        self,
        source: Source | None = None,
        catalogue: Sequence[Projection] = CATALOGUE,
        limit: int = 5_000,
        epoch: int = 1,
        few: int = FEW,
    ) -> Iterator[Worker]:
        """Give a worker that reads the store itself unless it is given another source."""
        with (
            self.databases.connect("projector", "reports") as reports,
            self.databases.connect("projector") as ledger,
        ):
            store = StoredEvents(EventReader(ledger), EventCodec())
            source = source or StoreSource(store)
            yield Worker(catalogue, reports, store, source, limit=limit, epoch=epoch, few=few)

    @contextmanager
    def topic_source(self, secret: bytes = SECRET) -> Iterator[TopicSource]:
        with self.databases.connect("relay") as connection:
            store = str(EventReader(connection).store_id())
        records = RecordCodec(self.databases.settings.ledger, secret)
        source = TopicSource(new_consumer(self.bootstrap), self.topic, records, EventCodec(), store)
        try:
            yield source
        finally:
            source.close()

    def send(self, records: Sequence[Sent]) -> None:
        """Write records into the topic as a stranger may."""
        producer = Producer({"bootstrap.servers": self.bootstrap})
        for key, value, headers in records:
            producer.produce(self.topic, value, key, partition=0, headers=headers)
        assert producer.flush(10) == 0

    def messages(self) -> list[Message]:
        """Return all that is in the topic."""
        consumer = new_consumer(self.bootstrap)
        try:
            span = offsets(consumer, self.topic)
            return list(read(consumer, self.topic, span.low, span.high))
        finally:
            consumer.close()

    def sent(self) -> list[Sent]:
        """Return all that is in the topic so that it can be sent again."""
        return [(m.key(), m.value(), m.headers() or []) for m in self.messages()]

    def positions(self) -> list[int]:
        """Return the positions in the topic in its order."""
        return [int(dict(headers)["position"] or 0) for _, _, headers in self.sent()]


def published(make_databases: Callable[..., FreshDatabases], bootstrap: str) -> FanOut:
    """Return a ledger of its own with some traffic, all of it published and nothing projected."""
    databases = make_databases(ledger=unused_ledger(), kafka=bootstrap)
    databases.secrets.put("kafka_mac", SECRET.decode())
    fan_out = FanOut(databases, bootstrap)
    some_traffic(fan_out)
    fan_out.publish()
    return fan_out


def drain(worker: Worker) -> int:
    """Step until nothing comes any more; return how many events were applied."""
    done, quiet = 0, 0
    while quiet < 3:
        applied = worker.step(0.05)
        done, quiet = done + applied, 0 if applied else quiet + 1
    return done


def reach(worker: Worker, position: int) -> None:
    """Step until every projection has reached a position."""
    until(
        lambda: (
            worker.step(0.05) == 0
            and all(c.position >= position for c in worker.checkpoints.values())
        )
    )


def until(met: Callable[[], bool], seconds: float = 30.0) -> None:
    """Ask until it is true; fails after a while."""
    deadline = time.monotonic() + seconds
    while not met():
        assert time.monotonic() < deadline, "it has not come about in time"
        time.sleep(0.01)


def some_traffic(fan_out: FanOut, seed: int = 0, commands: int = 60) -> EventsWriter:
    writer = fan_out.writer(seed)
    wallets = [writer.open(kind="system", reference=f"no. {n}") for n in range(4)]
    wallets.append(writer.open(name="Österreich \\ \t\"'{},NULL"))
    writer.transfer(
        wallets[0],
        wallets[4],
        10**18,
        description="a\\tb \\N {\"x\"}, 'y' € 🎈",
        reference="\\.",
        metadata={"key": 'it\'s {"nested"} \\ €'},
        effective_at="1999-12-31T23:59:59.999999Z",
    )
    writer.busy(wallets, commands)
    writer.close(wallets[4])
    writer.flush()
    return writer


def copy_of_the_store(fan_out: FanOut, keep: int, store: str | None = None) -> None:
    """Put the ledger back to how it was at a position, as a restore from a backup does."""
    schema = fan_out.databases.settings.ledger_schema
    with fan_out.databases.connect_admin("ledger") as admin:
        admin.execute("SET session_replication_role = replica")
        admin.execute(f'SET search_path = "{schema}"')
        for table in ("events", "store"):
            admin.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
        admin.execute("DELETE FROM events WHERE notification_id > %s", [keep])
        if store is not None:
            admin.execute("UPDATE store SET id = %s", [store])
