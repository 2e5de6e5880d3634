"""Begins a new epoch of a ledger: what followed a past that is void begins anew."""

from dataclasses import dataclass

import psycopg
from confluent_kafka import KafkaException
from psycopg import sql

from infrastructure.databases.logins import OWNER, database_name
from infrastructure.databases.provision import connect_as_admin
from infrastructure.event_log.reader import EventReader
from infrastructure.kafka.clients import new_admin
from infrastructure.kafka.topic import epoch_topic, last_epoch
from infrastructure.seals.memory import sealed_epochs
from infrastructure.secrets import Secrets
from infrastructure.settings import Settings
from interfaces.cli.failure import CHECK_FAILED, DEPENDENCY_MISSING, Failure
from interfaces.recovery.divergence import read_models_ahead, seals_ahead, topic_ahead
from interfaces.replay.snapshot import snapshot


@dataclass(frozen=True, slots=True)
class Begun:
    """A new epoch: its number and topic, the store's last position, and what had diverged."""

    ledger: str
    epoch: int
    topic: str
    position: int
    reasons: tuple[str, ...]


def begin_epoch(admin: str, settings: Settings, secrets: Secrets, forced: bool) -> Begun:
    """Begin an epoch that no topic or read model has been in; one row in the store decides.

    Relay and projector notice within a second. Raises `Failure` when nothing has diverged and
    it is not forced, and when the broker is away.
    """
    with (
        snapshot(settings, secrets, "ledger") as ledger,
        snapshot(settings, secrets, "reports") as reports,
    ):
        reader = EventReader(ledger)
        try:
            reasons = _reasons(settings, secrets, reports, reader)
            topics = _last_topic(settings)
        except KafkaException:
            raise Failure(
                f"The broker at {settings.kafka_bootstrap} does not answer, so which topics there"
                " are is unknown: look at ./falcon status, then try again.",
                DEPENDENCY_MISSING,
            ) from None
        if not reasons and not forced:
            raise Failure(
                f"Nothing of the ledger {settings.ledger} has diverged, it stays in epoch"
                f" {reader.epoch()}: to build topic and read models anew all the same, add"
                " --force.",
                CHECK_FAILED,
            )
        position = reader.head()
        sealed = sealed_epochs(settings.home, settings.ledger)
        number = 1 + max(reader.epoch(), topics, _last_read_models(reports), *sealed)
    _record(admin, settings, number, position)
    topic = epoch_topic(settings.topic, number)
    return Begun(settings.ledger, number, topic, position, reasons)


def _reasons(
    settings: Settings, secrets: Secrets, reports: psycopg.Connection, reader: EventReader
) -> tuple[str, ...]:
    others = (topic_ahead(settings, secrets, reader), seals_ahead(settings, reader))
    return (*filter(None, others), *read_models_ahead(reports, reader))


def _last_topic(settings: Settings) -> int:
    if settings.kafka_bootstrap is None:
        return 0
    return last_epoch(new_admin(settings.kafka_bootstrap), settings.topic)


def _last_read_models(reports: psycopg.Connection) -> int:
    row = reports.execute("SELECT coalesce(max(epoch), 0) FROM checkpoint").fetchone()
    return int(row[0]) if row else 0


def _record(admin: str, settings: Settings, number: int, position: int) -> None:
    table = sql.Identifier(settings.ledger_schema, "epoch")
    with connect_as_admin(admin, database_name(settings, "ledger")) as connection:
        connection.execute(sql.SQL("SET ROLE {}").format(sql.Identifier(OWNER)))
        done = connection.execute(
            sql.SQL(
                "INSERT INTO {} (number, after_position) VALUES (%s, %s) ON CONFLICT DO NOTHING"
            ).format(table),
            [number, position],
        )
    if done.rowcount != 1:
        raise Failure(
            f"Another ./falcon recover has begun epoch {number} just now: look at ./falcon status.",
            CHECK_FAILED,
        )
