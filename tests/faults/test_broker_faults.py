"""The broker stands still, drops records, and loses its storage, while relay and projector work."""

import os
import shutil
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from confluent_kafka import TopicPartition
from confluent_kafka.admin import AdminClient

from infrastructure.embedded.kafka import Kafka
from infrastructure.embedded.server import wait_until_ready
from tests import servers
from tests.fan_out import FanOut, until, unused_ledger
from tests.faults.roles import Load, RoleProcess, assert_projected, roles
from tests.servers import FreshDatabases

pytestmark = pytest.mark.timeout(240)

STILL_SECONDS = 8.0
"""Longer than what a client waits for an answer before it asks again."""


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give the broker's home."""
    return tmp_path_factory.mktemp("broker")


@pytest.fixture(scope="module")
def broker(home: Path) -> Iterator[Kafka]:
    """Give a broker that nobody else uses."""
    kafka = servers.start_kafka(home)
    yield kafka
    kafka.stop(10)


@pytest.fixture
def databases(make_databases: Callable[..., FreshDatabases], broker: Kafka) -> FreshDatabases:
    return make_databases(ledger=unused_ledger(), kafka=broker.bootstrap())


def pid(broker: Kafka) -> int:
    running = broker.running()
    assert running is not None
    return running.pid


def until_ready(*started: RoleProcess) -> None:
    until(lambda: all(role.ready() for role in started), 60)


def until_published(relay: RoleProcess, position: int) -> None:
    until(lambda: (relay.figure("falconpay_relay_position") or 0) > position, 60)


def positions(databases: FreshDatabases) -> list[int]:
    """Return the positions in the topic in its order, each where it first comes."""
    fan_out = FanOut(databases, databases.settings.kafka_bootstrap or "")
    return list(dict.fromkeys(fan_out.positions()))


def test_it_stands_still(databases: FreshDatabases, broker: Kafka) -> None:
    """Commands go on meanwhile; when it wakes, everything comes in order."""
    with roles(databases, "relay", "projector") as started:
        with Load(databases) as load:
            until_ready(*started)
            until_published(started[0], load.last)
            os.kill(pid(broker), signal.SIGSTOP)
            before = load.last
            time.sleep(STILL_SECONDS)
            os.kill(pid(broker), signal.SIGCONT)
            assert load.last > before
            until_ready(*started)
        assert_projected(databases)
    assert positions(databases) == list(range(1, FanOut(databases).head() + 1))


def test_it_drops_records_that_were_not_read(databases: FreshDatabases) -> None:
    """A projector that comes late takes from the store what the topic has no more."""
    bootstrap = databases.settings.kafka_bootstrap
    admin = AdminClient({"bootstrap.servers": str(bootstrap)})
    with roles(databases, "relay", "projector") as (relay, projector):
        with Load(databases) as load:
            until_ready(relay, projector)
            projector.kill()
            end = load.last
            until_published(relay, end + 100)
            # To the end: -1 is where the topic ends now.
            everything = TopicPartition(databases.settings.topic, 0, -1)
            for dropped in admin.delete_records([everything]).values():
                assert dropped.result(10).low_watermark > end
            projector.start()
            until_ready(relay, projector)
        assert_projected(databases)
    left = positions(databases)
    assert left[0] > end
    assert left == list(range(left[0], FanOut(databases).head() + 1))


def test_it_loses_its_storage(databases: FreshDatabases, broker: Kafka, home: Path) -> None:
    """The relay that runs makes the topic anew and writes all of it, from the first event on."""
    with roles(databases, "relay", "projector") as started:
        with Load(databases) as load:
            until_ready(*started)
            until_published(started[0], load.last)
            os.killpg(pid(broker), signal.SIGKILL)
            until(lambda: not broker.alive())
            shutil.rmtree(home / "servers" / "kafka" / "data")
            broker.start()
            wait_until_ready(broker, 60)
            until_ready(*started)
        assert_projected(databases)
        assert all(role.child is not None and role.child.poll() is None for role in started)
        head = FanOut(databases).head()
        until(lambda: positions(databases) == list(range(1, head + 1)), 60)
