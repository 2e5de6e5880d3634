"""After a restore to an older state: whoever has seen more stops, and a new epoch heals."""

import json
from collections.abc import Callable

import pytest

from infrastructure.kafka.clients import new_admin, new_consumer
from infrastructure.kafka.publisher import StoreDiverged
from infrastructure.kafka.topic import epoch_topic, last_epoch, offsets
from projections.catalogue import CATALOGUE
from projections.worker import Diverged, EpochBegun
from tests.backups import as_owner
from tests.fan_out import (
    SECRET,
    FanOut,
    copy_of_the_store,
    drain,
    some_traffic,
    until,
    unused_ledger,
)
from tests.faults.roles import roles
from tests.read_model_fold import checkpoints, folded_rows, stored_rows
from tests.servers import FreshDatabases
from tests.topics import make_topic


@pytest.fixture
def fan_out(make_databases: Callable[..., FreshDatabases], kafka_bootstrap: str) -> FanOut:
    databases = make_databases(unused_ledger(), kafka_bootstrap)
    databases.secrets.put("kafka_mac", SECRET.decode())
    return FanOut(databases, kafka_bootstrap)


def follow(fan_out: FanOut) -> None:
    with fan_out.worker() as worker:
        worker.begin()
        drain(worker)


def some_more(fan_out: FanOut, seed: int) -> None:
    writer = fan_out.writer(seed)
    wallets = [writer.open(kind="system") for _ in range(3)]
    writer.busy(wallets, 40)
    writer.flush()


def published(fan_out: FanOut, epoch: int) -> int:
    """Return how many records the topic of an epoch has."""
    topic = epoch_topic(fan_out.databases.settings.topic, epoch)
    if last_epoch(new_admin(fan_out.bootstrap), fan_out.databases.settings.topic) < epoch:
        return 0
    consumer = new_consumer(fan_out.bootstrap)
    try:
        return offsets(consumer, topic).high
    finally:
        consumer.close()


def test_the_same_wallet_at_the_same_version_is_another_event(fan_out: FanOut) -> None:
    """A hot wallet hides a restore from whoever compares no more than ids and versions."""
    writer = fan_out.writer()
    shop, buyer = writer.open(kind="system"), writer.open(kind="system")
    writer.transfer(buyer, shop, 1)
    kept = writer.flush().last
    writer.transfer(buyer, shop, 2)
    head = writer.flush().last
    fan_out.publish()
    follow(fan_out)
    copy_of_the_store(fan_out, kept)
    versions = writer.versions
    for wallet in (shop, buyer):
        versions[wallet] -= 1
    writer.transfer(buyer, shop, 3)
    assert writer.flush().last == head
    with fan_out.publisher() as publisher, pytest.raises(StoreDiverged, match="another event at"):
        publisher.step(0.0)
    with fan_out.worker() as worker, pytest.raises(Diverged, match="another event at"):
        worker.begin()


def test_a_worker_stops_when_an_epoch_begins(fan_out: FanOut) -> None:
    """It would read the topic of the last one; and read models of a later one are no past of it."""
    some_traffic(fan_out, commands=5)
    with fan_out.worker() as worker:
        worker.begin()
        drain(worker)
        assert as_owner(fan_out.databases, "recover", "--force").returncode == 0
        with pytest.raises(EpochBegun):
            worker.check()
    with fan_out.databases.connect_admin("reports") as reports:
        schema = fan_out.databases.settings.reports_schema
        reports.execute(f'UPDATE "{schema}".checkpoint SET epoch = 3')
    with fan_out.worker(epoch=2) as worker, pytest.raises(Diverged, match="built in epoch 3"):
        worker.begin()


def test_an_epoch_is_never_one_that_was_already(fan_out: FanOut) -> None:
    """A restored store does not know how far its epochs went, but the topics do."""
    some_traffic(fan_out, commands=5)
    fan_out.publish()
    follow(fan_out)
    done = as_owner(fan_out.databases, "recover")
    assert done.returncode == 1
    assert "Nothing of the ledger" in done.stderr
    first = fan_out.databases.settings.topic
    make_topic(fan_out, name=epoch_topic(first, 4))
    assert last_epoch(new_admin(fan_out.bootstrap), first) == 4
    copy_of_the_store(fan_out, fan_out.head() - 3)
    done = as_owner(fan_out.databases, "recover", "--json")
    assert done.returncode == 0, done.stderr
    begun = json.loads(done.stdout)
    assert (begun["epoch"], begun["topic"]) == (5, f"{first}.5")
    assert len(begun["reasons"]) == 1 + len(CATALOGUE)
    done = as_owner(fan_out.databases, "recover")
    assert done.returncode == 1, "what is being built again has not diverged"


def test_without_a_broker(make_databases: Callable[..., FreshDatabases]) -> None:
    """The read models alone are begun anew."""
    fan_out = FanOut(make_databases(unused_ledger()))
    some_traffic(fan_out, commands=10)
    kept = fan_out.head()
    some_more(fan_out, seed=8)
    follow(fan_out)
    copy_of_the_store(fan_out, kept)
    done = as_owner(fan_out.databases, "recover")
    assert done.returncode == 0, done.stderr
    assert "Epoch 2" in done.stdout
    with fan_out.worker(epoch=2) as worker:
        worker.begin()
        assert drain(worker) == kept
    assert stored_rows(fan_out.databases) == folded_rows(fan_out.databases)


@pytest.mark.timeout(180)
def test_roles_that_run_go_on_in_the_new_epoch(fan_out: FanOut) -> None:
    """Diverged, recovered, and with what the store has they go on; the old topic is left alone."""
    databases = fan_out.databases
    some_traffic(fan_out, commands=20)
    kept = fan_out.head()
    some_more(fan_out, seed=8)
    with roles(databases, "relay", "projector") as (relay, projector):

        def followed() -> bool:
            positions = {position for position, _ in checkpoints(databases).values()}
            return positions == {fan_out.head()} and relay.ready() and projector.ready()

        until(followed, 60)
        head = fan_out.head()
        relay.kill()
        copy_of_the_store(fan_out, kept)
        until(lambda: "diverged: " in projector.ask("/readyz")[1])
        relay.start()
        until(lambda: "diverged: " in relay.ask("/readyz")[1])
        assert "run ./falcon recover" in relay.ask("/readyz")[1]
        assert as_owner(databases, "recover").returncode == 0
        until(followed, 60)
        assert stored_rows(databases) == folded_rows(databases)
        some_more(fan_out, seed=9)
        until(followed, 60)
        assert stored_rows(databases) == folded_rows(databases)
        assert as_owner(databases, "recover", "--force").returncode == 0
        until(lambda: published(fan_out, epoch=3) == fan_out.head() and followed(), 60)
    assert fan_out.positions() == list(range(1, head + 1))
