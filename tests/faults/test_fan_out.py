"""Relay and projector as processes, killed and started in every order, broker and all."""

import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from infrastructure.embedded.kafka import Kafka
from infrastructure.embedded.process import HomeServer
from infrastructure.embedded.server import wait_until_ready
from tests import servers
from tests.fan_out import FanOut, copy_of_the_store, until, unused_ledger
from tests.faults.roles import Load, RoleProcess, assert_projected, lag, roles
from tests.read_model_fold import checkpoints, stored_rows
from tests.servers import FreshDatabases

pytestmark = pytest.mark.timeout(240)

ACTIVE = "falconpay_relay_active"


@pytest.fixture
def databases(
    make_databases: Callable[..., FreshDatabases], kafka_bootstrap: str
) -> FreshDatabases:
    return make_databases(ledger=unused_ledger(), kafka=kafka_bootstrap)


ORDERS = {
    "relay first": ("kill relay", "start relay", "kill projector", "start projector"),
    "projector first": ("kill projector", "start projector", "kill relay", "start relay"),
    "both, relay back first": ("kill relay", "kill projector", "start relay", "start projector"),
    "both, projector back first": (
        "kill projector",
        "kill relay",
        "start projector",
        "start relay",
    ),
}


@pytest.mark.parametrize("order", ORDERS)
def test_killed_and_started(databases: FreshDatabases, order: str) -> None:
    """Under load, and again: nothing is lost, doubled or out of order."""
    with roles(databases, "relay", "projector") as started:
        by_name = {role.names: role for role in started}
        with Load(databases):
            until(lambda: all(role.ready() for role in started))
            for step in ORDERS[order] * 2:
                what, name = step.split()
                role = by_name[name]
                role.kill() if what == "kill" else role.start()
                time.sleep(0.7)
        assert_projected(databases)


def test_one_process_for_both(databases: FreshDatabases) -> None:
    """As one machine runs them; SIGTERM ends it at once with code 0, at any moment."""
    with roles(databases, "relay,projector") as (both,):
        with Load(databases) as load:
            until(lambda: both.ready() and load.last > 200)
            assert both.figure(ACTIVE) == 1
            begun = time.monotonic()
            assert both.terminate() == 0
            assert time.monotonic() - begun < 5
            both.start()
        assert_projected(databases)


def test_two_relays(databases: FreshDatabases) -> None:
    """The second stands by, ready, and takes over when the first dies."""
    with roles(databases, "relay", "relay", "projector") as (one, other, _):
        with Load(databases):
            until(lambda: one.ready() and other.ready())
            figures = [role.figure(ACTIVE) for role in (one, other)]
            assert sorted(figures, key=str) == [0.0, 1.0]
            active, standby = (one, other) if figures[0] else (other, one)
            active.kill()
            until(lambda: standby.figure(ACTIVE) == 1, 20)
            active.start()
            until(active.ready)
            assert active.figure(ACTIVE) == 0
            standby.pause(stopped=True)
            time.sleep(1)
            standby.pause(stopped=False)
        assert_projected(databases)
    positions = FanOut(databases, databases.settings.kafka_bootstrap or "").positions()
    assert positions == list(range(1, len(positions) + 1))


def test_two_projectors(databases: FreshDatabases) -> None:
    """They may be at work at once, asleep or killed: every event is applied once."""
    with roles(databases, "relay", "projector", "projector") as (_, one, other):
        with Load(databases):
            until(lambda: one.ready() and other.ready())
            for _ in range(2):
                one.pause(stopped=True)
                time.sleep(1)
                one.pause(stopped=False)
                other.kill()
                other.start()
                time.sleep(1)
        assert_projected(databases)


def test_diverged_is_told(databases: FreshDatabases) -> None:
    """Both say that they are not ready, why, and what to do; with the end back they go on."""
    with roles(databases, "relay", "projector") as (relay, projector):
        with Load(databases):
            until(lambda: relay.ready() and projector.ready())
        assert_projected(databases)
        head = FanOut(databases).head()
        relay.kill()
        copy_of_the_store(FanOut(databases), head - 3)
        until(lambda: projector.ask("/readyz")[0] == 503)
        _, told = projector.ask("/readyz")
        assert f"ends at position {head - 3} and {head} has been seen" in told
        assert "restore a newer one" in told
        assert projector.figure("falconpay_projector_diverged") == 1
        assert {state for _, state in checkpoints(databases).values()} == {"diverged"}
        relay.start()
        until(lambda: "restore a newer one" in relay.ask("/readyz")[1])
        assert relay.ask("/healthz")[0] == projector.ask("/healthz")[0] == 200


def test_a_broken_invariant_ends_the_process(databases: FreshDatabases) -> None:
    """Money that moves in a wallet which is not there is nothing to pass over."""
    with roles(databases, "relay", "projector") as (_, projector), Load(databases):
        until(lambda: "wal_" in str(stored_rows(databases)["entries"]))
        with databases.connect("projector", "reports") as reports:
            reports.execute("DELETE FROM balances")
        assert projector.exit_code() == 1
    log = databases.settings.home / f"projector-{projector.port}.log"
    assert '"level":"critical"' in log.read_text()


def test_without_a_broker(make_databases: Callable[..., FreshDatabases]) -> None:
    """The same roles follow the event store itself."""
    databases = make_databases(ledger=unused_ledger())
    with roles(databases, "relay,projector") as (both,):
        with Load(databases):
            until(both.ready)
            both.kill()
            both.start()
        assert_projected(databases)


@pytest.fixture
def own_broker(tmp_path: Path) -> Iterator[Kafka]:
    kafka = servers.start_kafka(tmp_path / "broker")
    yield kafka
    kafka.stop(10)


def kill(server: HomeServer) -> None:
    """End a server and its children as kill -9 does."""
    running = server.running()
    assert running is not None
    os.killpg(running.pid, signal.SIGKILL)
    until(lambda: not server.alive())


def says(role: RoleProcess, word: str) -> None:
    """Wait until a role is not ready for this reason."""
    until(lambda: word in role.ask("/readyz")[1])


def test_a_broker_killed_and_back(
    make_databases: Callable[..., FreshDatabases], own_broker: Kafka
) -> None:
    """Commands go on, roles say what is away, and after its return nothing is missing."""
    databases = make_databases(ledger=unused_ledger(), kafka=own_broker.bootstrap())
    with roles(databases, "relay", "projector") as (relay, projector):
        with Load(databases) as load:
            until(lambda: relay.ready() and projector.ready())
            for _ in range(2):
                kill(own_broker)
                before = load.last
                says(relay, "broker")
                says(projector, "broker")
                assert load.last > before
                assert lag(databases) > 0
                own_broker.start()
                wait_until_ready(own_broker, 60)
                until(lambda: relay.ready() and projector.ready(), 60)
        assert_projected(databases)
        assert relay.terminate() == projector.terminate() == 0
    positions = FanOut(databases, own_broker.bootstrap()).positions()
    assert set(positions) == set(range(1, FanOut(databases).head() + 1))


def test_a_database_killed_and_back(tmp_path: Path, kafka_bootstrap: str) -> None:
    """Both roles wait for it, not ready, and go on."""
    postgres = servers.start_postgres(tmp_path / "database")
    try:
        databases = servers.fresh_databases(
            postgres, tmp_path / "home", unused_ledger(), kafka_bootstrap
        )
        with roles(databases, "relay", "projector") as (relay, projector):
            with Load(databases) as load:
                until(lambda: relay.ready() and projector.ready() and load.last > 100)
            kill(postgres.server)
            says(relay, "database")
            says(projector, "database")
            postgres.server.start()
            wait_until_ready(postgres.server, 30)
            until(lambda: relay.ready() and projector.ready())
            with Load(databases, seed=1):
                time.sleep(0.5)
            assert_projected(databases)
            assert relay.terminate() == projector.terminate() == 0
    finally:
        postgres.server.stop(10)
