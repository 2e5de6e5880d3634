"""The role `relay`: publishes the ledger's events to Kafka, one active relay a ledger."""

import threading
import time
from datetime import UTC, datetime

import psycopg
import structlog
from prometheus_client import CollectorRegistry, Gauge

from domain.instants import moment
from infrastructure.databases.logins import conninfo
from infrastructure.databases.migrate import check
from infrastructure.event_codec import EventCodec
from infrastructure.event_log.reader import EventReader
from infrastructure.kafka.publisher import Publisher
from infrastructure.kafka.records import RecordCodec
from infrastructure.kafka.topic import epoch_topic
from infrastructure.secrets import Secrets
from infrastructure.settings import Settings
from interfaces.workers.role import Condition

LOCK = "SELECT pg_try_advisory_lock('store'::regclass::oid::bigint)"
STANDBY_SECONDS = 0.5
IDLE_SECONDS = 0.015
"""How long new events may wait unseen; each look is a look-up of one row's key."""

OBSERVE_SECONDS = 1.0

_LOG = structlog.get_logger("relay")


class RelayFigures:
    """The figures of the relays of one process, each with its ledger."""

    def __init__(self, registry: CollectorRegistry) -> None:
        """Register the figures."""

        def gauge(name: str, meaning: str) -> Gauge:
            return Gauge(f"falconpay_relay_{name}", meaning, ["ledger"], registry=registry)

        self.position = gauge("position", "Last position on Kafka.")
        self.lag_events = gauge("lag_events", "Events that are not on Kafka yet.")
        self.lag_seconds = gauge("lag_seconds", "Age of the first event that is not on Kafka yet.")
        self.active = gauge("active", "Whether this relay holds the lock.")


class Relay:
    """Publishes while it holds the ledger's lock; without it, it stands by."""

    name = "relay"

    def __init__(self, settings: Settings, secrets: Secrets, figures: RelayFigures) -> None:
        """Take where everything is and where its figures go; nothing is connected yet."""
        self._settings = settings
        self._secrets = secrets
        self.condition = Condition()
        self._position = figures.position.labels(settings.ledger)
        self._lag_events = figures.lag_events.labels(settings.ledger)
        self._lag_seconds = figures.lag_seconds.labels(settings.ledger)
        self._active = figures.active.labels(settings.ledger)
        self._observe_due = 0.0

    def attempt(self, stop: threading.Event) -> None:
        """Publish until `stop`; raises whatever is away or wrong."""
        if self._settings.kafka_bootstrap is None:
            # Without a broker there is nothing to publish to: projectors read the store.
            self.condition.reason = None
            stop.wait()
            return
        login = conninfo(self._settings, self._secrets, "relay", "ledger")
        with psycopg.connect(login, autocommit=True) as connection:
            check(connection, self._settings, "ledger")
            try:
                if self._wait_for_lock(connection, stop):
                    self._publish(connection, self._settings.kafka_bootstrap, stop)
            finally:
                self._active.set(0)

    def _wait_for_lock(self, connection: psycopg.Connection, stop: threading.Event) -> bool:
        """Stand by until the other relay's session ends; no when told to stop before."""
        while not stop.is_set():
            if connection.execute(LOCK).fetchone() == (True,):
                self._active.set(1)
                return True
            if self.condition.reason is not None:
                _LOG.info("relay-stands-by")
                self.condition.reason = None
            stop.wait(STANDBY_SECONDS)
        return False

    def _publish(
        self, connection: psycopg.Connection, bootstrap: str, stop: threading.Event
    ) -> None:
        """Publish to the topic of the store's epoch until `stop`, or until another has begun."""
        reader = EventReader(connection)
        secret = self._secrets.get_or_create("kafka_mac").encode()
        records = RecordCodec(self._settings.ledger, secret)
        epoch = reader.epoch()
        topic = epoch_topic(self._settings.topic, epoch)
        publisher = Publisher(bootstrap, topic, records, EventCodec(), reader)
        try:
            while not stop.is_set():
                publisher.step(IDLE_SECONDS)
                self.condition.reason = None
                if time.monotonic() >= self._observe_due:
                    self._observe(reader, publisher)
                    if reader.epoch() != epoch:
                        return
        finally:
            publisher.close()

    def _observe(self, reader: EventReader, publisher: Publisher) -> None:
        self._observe_due = time.monotonic() + OBSERVE_SECONDS
        position = publisher.position
        waiting = reader.after(position, 1)
        age = datetime.now(UTC) - moment(waiting[0].recorded_at) if waiting else None
        self._position.set(position)
        self._lag_events.set(max(0, reader.head() - position))
        self._lag_seconds.set(max(0.0, age.total_seconds()) if age else 0.0)
