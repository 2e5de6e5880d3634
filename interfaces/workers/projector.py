"""The role `projector`: keeps the read models, from Kafka or from the store itself."""

import threading
import time
from contextlib import closing
from datetime import UTC, datetime

import psycopg
import structlog
from prometheus_client import CollectorRegistry, Gauge

from domain.instants import moment
from infrastructure.databases.logins import Database, conninfo
from infrastructure.databases.migrate import check
from infrastructure.event_codec import EventCodec
from infrastructure.event_log.reader import EventReader
from infrastructure.kafka.clients import new_consumer
from infrastructure.kafka.consumer import TopicSource
from infrastructure.kafka.records import RecordCodec
from infrastructure.kafka.topic import epoch_topic
from infrastructure.report_store.read_ahead import ReadAhead
from infrastructure.report_store.stored_events import StoredEvents, StoreSource
from infrastructure.secrets import Secrets
from infrastructure.settings import Settings
from interfaces.workers.renewal import Renewal, older
from interfaces.workers.role import Condition
from projections.catalogue import CATALOGUE
from projections.checkpoints import Superseded, mark, read_checkpoints
from projections.sources import Store
from projections.worker import Diverged, Worker

WAIT_SECONDS = 0.1
OBSERVE_SECONDS = 1.0
SUPERSEDED_PAUSE_SECONDS = 0.5

_LOG = structlog.get_logger("projector")


class ProjectorFigures:
    """The figures of the projectors of one process, each with its ledger."""

    def __init__(self, registry: CollectorRegistry) -> None:
        """Register the figures."""

        def gauge(name: str, meaning: str) -> Gauge:
            labels = ["projection", "ledger"]
            return Gauge(f"falconpay_projection_{name}", meaning, labels, registry=registry)

        self.position = gauge("position", "Last position applied.")
        self.lag_events = gauge("lag_events", "Events that are not applied yet.")
        self.lag_seconds = gauge("lag_seconds", "Age of the first event that is not applied yet.")
        self.diverged = Gauge(
            "falconpay_projector_diverged",
            "Whether events were seen that the store does not have.",
            ["ledger"],
            registry=registry,
        )


class Projector:
    """Feeds every projection of the catalogue from one consumer, in one transaction a chunk."""

    name = "projector"

    def __init__(self, settings: Settings, secrets: Secrets, figures: ProjectorFigures) -> None:
        """Take where everything is and where its figures go; nothing is connected yet."""
        self._settings = settings
        self._secrets = secrets
        self.condition = Condition()
        self._figures = figures
        self._ledger = settings.ledger
        self._diverged = figures.diverged.labels(settings.ledger)
        self._observe_due = 0.0

    def attempt(self, stop: threading.Event) -> None:
        """Project until `stop`; raises whatever is away or wrong.

        It returns before as soon as read models that an older version had made are of this one.
        """
        with self._connect("reports") as reports, self._connect("ledger") as ledger:
            stored = StoredEvents(EventReader(ledger), EventCodec())
            epoch = stored.epoch()
            with (
                closing(ReadAhead(stored)) as store,
                closing(self._source(store, epoch)) as source,
            ):
                known = read_checkpoints(reports, CATALOGUE, store.store_id(), epoch)
                past = older(CATALOGUE, known, epoch)
                mark(reports, [each.name for each in past], "rebuilding", None)
                present = [each for each in CATALOGUE if each not in past]
                worker = Worker(present, reports, store, source, epoch=epoch)
                with closing(Renewal(self._settings, self._secrets, past, stop)) as renewal:
                    renewal.start()
                    try:
                        self._project(worker, store, renewal, stop)
                    except Diverged:
                        self._diverged.set(1)
                        raise

    def _connect(self, database: Database) -> psycopg.Connection:
        login = conninfo(self._settings, self._secrets, "projector", database)
        connection = psycopg.connect(login, autocommit=True)
        try:
            check(connection, self._settings, database)
        except BaseException:
            connection.close()
            raise
        return connection

    def _source(self, store: Store, epoch: int) -> TopicSource | StoreSource:
        bootstrap = self._settings.kafka_bootstrap
        if bootstrap is None:
            return StoreSource(store)
        secret = self._secrets.get_or_create("kafka_mac").encode()
        records = RecordCodec(self._settings.ledger, secret)
        return TopicSource(
            new_consumer(bootstrap),
            epoch_topic(self._settings.topic, epoch),
            records,
            EventCodec(),
            str(store.store_id()),
        )

    def _project(
        self, worker: Worker, store: Store, renewal: Renewal, stop: threading.Event
    ) -> None:
        worker.begin()
        self._diverged.set(0)
        self._observe(worker, store)
        while not stop.is_set() and not renewal.done:
            try:
                worker.step(WAIT_SECONDS)
            except Superseded:
                # Another projector is at work; this one stands by and looks again.
                _LOG.info("checkpoint-moved-by-another")
                stop.wait(SUPERSEDED_PAUSE_SECONDS)
                worker.begin()
            self.condition.reason = renewal.reason
            if time.monotonic() >= self._observe_due:
                self._observe(worker, store)

    def _observe(self, worker: Worker, store: Store) -> None:
        self._observe_due = time.monotonic() + OBSERVE_SECONDS
        now = datetime.now(UTC)
        ages: dict[int, float] = {}
        for name, checkpoint in worker.checkpoints.items():
            position = checkpoint.position
            if position not in ages:
                waiting = store.after(position, 1) if position < worker.head else ()
                age = (now - moment(waiting[0].recorded_at)).total_seconds() if waiting else 0.0
                ages[position] = max(0.0, age)
            self._figures.position.labels(name, self._ledger).set(position)
            self._figures.lag_events.labels(name, self._ledger).set(max(0, worker.head - position))
            self._figures.lag_seconds.labels(name, self._ledger).set(ages[position])
