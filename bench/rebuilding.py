"""Rebuilds read models as a projector does, in this process, while the home's own one stands."""

import gc
import json
import time
from collections.abc import Sequence
from contextlib import closing

import psycopg

from bench.place import Place
from infrastructure.databases.logins import Database, conninfo
from infrastructure.event_codec import EventCodec
from infrastructure.event_log.reader import EventReader
from infrastructure.kafka.clients import new_consumer
from infrastructure.kafka.consumer import TopicSource
from infrastructure.kafka.records import RecordCodec
from infrastructure.report_store.read_ahead import ReadAhead
from infrastructure.report_store.stored_events import StoredEvents, StoreSource
from projections.catalogue import CATALOGUE
from projections.checkpoints import reset
from projections.contract import Projection
from projections.worker import Worker

COLLECTED_AFTER = 200_000
"""As rarely as in the worker's own process."""


def projection(name: str) -> list[Projection]:
    """Return one projection of the catalogue."""
    return [each for each in CATALOGUE if each.name == name]


def rebuild_beside(place: Place, name: str) -> dict[str, float]:
    """Rebuild a read model beside the live one; return the seconds of each part."""
    told = json.loads(place.falcon("replay", "rebuild", name, "--drop-old", "--json"))
    assert told["switched"], told
    found: dict[str, float] = told["seconds"]
    return found


def rebuild(
    place: Place, projections: Sequence[Projection] = CATALOGUE, *, from_topic: bool = False
) -> float:
    """Forget the projections' rows and build them again; return the seconds it took."""
    gc.collect()
    before = gc.get_threshold()
    gc.set_threshold(COLLECTED_AFTER)
    try:
        return _rebuild(place, projections, from_topic)
    finally:
        gc.set_threshold(*before)


def _rebuild(place: Place, projections: Sequence[Projection], from_topic: bool) -> float:
    with (
        psycopg.connect(_login(place, "reports"), autocommit=True) as reports,
        psycopg.connect(_login(place, "ledger"), autocommit=True) as ledger,
        closing(ReadAhead(StoredEvents(EventReader(ledger), EventCodec()))) as store,
        closing(_topic(place, store) if from_topic else StoreSource(store)) as source,
    ):
        began, head = time.monotonic(), store.head()
        for each in projections:
            reset(reports, each, store.store_id())
        worker = Worker(projections, reports, store, source, epoch=store.epoch())
        worker.begin()
        while any(done.position < head for done in worker.checkpoints.values()):
            worker.step(0.1)
        return time.monotonic() - began


def _login(place: Place, database: Database) -> str:
    return conninfo(place.settings, place.secrets, "projector", database)


def _topic(place: Place, store: ReadAhead) -> TopicSource:
    settings = place.settings
    assert settings.kafka_bootstrap is not None
    secret = place.secrets.get_or_create("kafka_mac").encode()
    return TopicSource(
        new_consumer(settings.kafka_bootstrap),
        settings.topic,
        RecordCodec(settings.ledger, secret),
        EventCodec(),
        str(store.store_id()),
    )
