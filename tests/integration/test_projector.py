"""Projections over real databases: checkpoints, zombies, divergence, rebuilds and newcomers."""

import re
import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import psycopg
import pytest

from domain.events import WalletOpened
from infrastructure.databases.migrate import MIGRATIONS, migrate
from projections.catalogue import CATALOGUE
from projections.checkpoints import Superseded, reset
from projections.contract import Applied, Cursor, Projection
from projections.transactions import FEW
from projections.worker import Diverged, Halted, Outdated, Worker
from tests.backups import as_owner
from tests.every_payment import write_every_payment
from tests.fan_out import FanOut, copy_of_the_store, drain, some_traffic
from tests.read_model_fold import checkpoints, folded_rows, stored_rows
from tests.servers import FreshDatabases

HOW_TO = Path(__file__).parents[2] / "docs" / "how-to"
ADD_A_PROJECTION = HOW_TO / "add-a-projection.md"


@pytest.fixture
def fan_out(databases: FreshDatabases) -> FanOut:
    return FanOut(databases)


def follow(fan_out: FanOut, few: int = FEW) -> int:
    with fan_out.worker(few=few) as worker:
        worker.begin()
        return drain(worker)


def test_the_read_models_equal_a_fold(fan_out: FanOut) -> None:
    some_traffic(fan_out)
    assert follow(fan_out) == fan_out.head()
    assert stored_rows(fan_out.databases) == folded_rows(fan_out.databases)
    head = fan_out.head()
    assert checkpoints(fan_out.databases) == {p.name: (head, "following") for p in CATALOGUE}


@pytest.mark.parametrize("few", [0, 1_000_000], ids=["copied", "in a pipeline"])
def test_the_read_models_equal_a_fold_of_every_kind_of_payment(fan_out: FanOut, few: int) -> None:
    """A fold that adds up what happened, and believes no event how its payment stands."""
    write_every_payment(fan_out.databases)
    follow(fan_out, few)
    assert stored_rows(fan_out.databases) == folded_rows(fan_out.databases)


def test_two_stretches_are_one(fan_out: FanOut) -> None:
    """What was applied by one worker is the beginning for the next."""
    writer = some_traffic(fan_out, commands=20)
    first = follow(fan_out)
    writer.busy([writer.open(kind="system") for _ in range(3)], 20)
    writer.flush()
    assert follow(fan_out) == fan_out.head() - first
    assert stored_rows(fan_out.databases) == folded_rows(fan_out.databases)


def test_volumes_beyond_any_machine_integer(fan_out: FanOut) -> None:
    """A day's volume may pass 2^63: thirty transfers of 10^18 do."""
    writer = fan_out.writer()
    one, other = writer.open(kind="system"), writer.open(kind="system")
    for _ in range(15):
        writer.transfer(one, other, 10**18)
        writer.transfer(other, one, 10**18)
    writer.flush()
    follow(fan_out)
    assert sum(row[4] for row in stored_rows(fan_out.databases)["daily_totals"]) == 30 * 10**18


def test_from_zero_gives_the_same_rows(fan_out: FanOut) -> None:
    some_traffic(fan_out)
    follow(fan_out)
    before = stored_rows(fan_out.databases)
    with fan_out.worker() as worker, fan_out.databases.connect("projector", "reports") as reports:
        for projection in CATALOGUE:
            reset(reports, projection, worker._store.store_id())
        assert not any(stored_rows(fan_out.databases).values())
        worker.begin()
        drain(worker)
    assert stored_rows(fan_out.databases) == before


def test_a_zombie_changes_nothing(fan_out: FanOut) -> None:
    """A worker that slept while another went on is refused, and goes on from where that one is."""
    writer = some_traffic(fan_out)
    with fan_out.worker(limit=10) as zombie:
        zombie.begin()
        zombie.step(0.0)
        follow(fan_out)
        with pytest.raises(Superseded):
            zombie.step(0.0)
        zombie.begin()
        writer.busy([writer.open(kind="system") for _ in range(3)], 10)
        writer.flush()
        drain(zombie)
    assert stored_rows(fan_out.databases) == folded_rows(fan_out.databases)


def test_a_zombie_in_the_middle_of_its_transaction(fan_out: FanOut) -> None:
    """The checkpoint is the first write, so the second of two waits there, then is refused."""
    some_traffic(fan_out)
    order: list[str] = []

    def overtaken(events: Sequence[Applied], cursor: Cursor) -> None:
        with fan_out.databases.connect("projector", "reports") as other:
            other.execute("SET lock_timeout = '300ms'")
            with pytest.raises(psycopg.errors.LockNotAvailable):
                other.execute("UPDATE checkpoint SET position = 0")
        order.append("locked")

    watching = Projection("watching", 1, (), overtaken)
    with fan_out.worker(catalogue=(watching, *CATALOGUE)) as worker:
        worker.begin()
        worker.step(0.0)
    assert order == ["locked"]


def test_rows_and_checkpoint_are_one_transaction(fan_out: FanOut) -> None:
    """What fails behind the other projections takes their rows and all checkpoints with it."""
    some_traffic(fan_out)

    def failing(events: Sequence[Applied], cursor: Cursor) -> None:
        cursor.execute("SELECT 1/0")

    with fan_out.worker(catalogue=(*CATALOGUE, Projection("failing", 1, (), failing))) as worker:
        worker.begin()
        with pytest.raises(psycopg.errors.DivisionByZero):
            worker.step(0.0)
    assert {position for position, _ in checkpoints(fan_out.databases).values()} == {0}
    assert not any(stored_rows(fan_out.databases).values())


def halted(worker: Worker, kind: type[Halted]) -> str:
    """Return what a worker says that must not go on, neither at its start nor later."""
    with pytest.raises(kind) as refusal:
        worker.begin()
    return str(refusal.value)


def test_a_store_that_lost_its_end(fan_out: FanOut) -> None:
    """Read models ahead of the store stop and say what to do; `recover` mends them."""
    writer = some_traffic(fan_out)
    follow(fan_out)
    head, before = fan_out.head(), stored_rows(fan_out.databases)
    with fan_out.worker() as running:
        running.begin()
        copy_of_the_store(fan_out, head - 3)
        running._check_due = 0.0
        with pytest.raises(Diverged):
            running.step(0.0)
    with fan_out.worker() as worker:
        told = halted(worker, Diverged)
        assert f"ends at position {head - 3} and {head} has been seen" in told
        assert "restore a newer one" in told
        assert set(checkpoints(fan_out.databases).values()) == {(head, "diverged")}
        # Positions are used again for other events: as many are not the same.
        writer.versions.clear()
        writer.busy([writer.open(kind="system") for _ in range(3)], 10)
        writer.flush()
        assert fan_out.head() > head
        assert f"another event at position {head}" in halted(worker, Diverged)
        assert stored_rows(fan_out.databases) == before
    assert as_owner(fan_out.databases, "recover").returncode == 0
    with fan_out.worker(epoch=2) as worker:
        worker.begin()
        drain(worker)
    assert stored_rows(fan_out.databases) == folded_rows(fan_out.databases)


def test_a_store_that_is_another(fan_out: FanOut) -> None:
    some_traffic(fan_out)
    follow(fan_out)
    copy_of_the_store(fan_out, fan_out.head(), "00000000-0000-4000-8000-000000000001")
    with fan_out.worker() as worker:
        assert "is the store 00000000-0000-4000-8000-000000000001" in halted(worker, Diverged)


def test_a_newer_version_has_written_the_rows(fan_out: FanOut) -> None:
    some_traffic(fan_out)
    newer = [replace(p, version=99) if p.name == "balances" else p for p in CATALOGUE]
    with fan_out.worker(catalogue=newer) as worker:
        worker.begin()
        drain(worker)
    with fan_out.worker() as worker:
        assert "start that version or a later one" in halted(worker, Outdated)


def test_an_older_version_has_written_the_rows(fan_out: FanOut) -> None:
    """A projection of a new version is built again while the others go on."""
    some_traffic(fan_out)
    follow(fan_out)
    newer = [replace(p, version=99) if p.name == "entries" else p for p in CATALOGUE]
    with fan_out.worker(catalogue=newer, limit=20) as worker:
        worker.begin()
        found = checkpoints(fan_out.databases)
        assert found["entries"] == (0, "catching-up")
        assert found["balances"] == (fan_out.head(), "following")
        drain(worker)
    assert stored_rows(fan_out.databases) == folded_rows(fan_out.databases)
    assert checkpoints(fan_out.databases)["entries"] == (fan_out.head(), "following")


def blocks(page: Path, language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", page.read_text(), re.DOTALL)


def test_the_how_to_adds_a_projection(fan_out: FanOut, tmp_path: Path) -> None:
    """Its file and its migration work as they stand, beside read models that are far ahead."""
    writer = some_traffic(fan_out)
    follow(fan_out)
    migrations = tmp_path / "migrations"
    shutil.copytree(MIGRATIONS, migrations)
    number = len(list((migrations / "reports").iterdir())) + 1
    (migrations / "reports" / f"{number:04}_owners.sql").write_text(
        blocks(ADD_A_PROJECTION, "sql")[0]
    )
    assert migrate(fan_out.databases.admin, fan_out.databases.settings, migrations) == (
        f"reports/{number:04}_owners",
    )
    module: dict[str, object] = {}
    exec(compile(blocks(ADD_A_PROJECTION, "python")[0], "owners.py", "exec"), module)
    owners = module["OWNERS"]
    assert isinstance(owners, Projection)
    with fan_out.worker(catalogue=(*CATALOGUE, owners), limit=25) as worker:
        worker.begin()
        writer.open(owner="usr_new")
        writer.open(owner="usr_new")
        writer.flush()
        drain(worker)
        wallets = [
            (e.event.owner, e.stream_id)
            for e in worker._store.after(0, 10_000)
            if isinstance(e.event, WalletOpened) and e.event.owner
        ]
    with fan_out.databases.connect("reader", "reports") as reports:
        rows: dict[str, int] = dict(reports.execute("SELECT owner, wallets FROM owners").fetchall())
    assert rows["usr_new"] == 2
    assert sum(rows.values()) == len(wallets)
    assert checkpoints(fan_out.databases)["owners"][0] == fan_out.head()
    assert stored_rows(fan_out.databases) == folded_rows(fan_out.databases)


def test_no_login_but_the_projector_writes(fan_out: FanOut) -> None:
    with fan_out.databases.connect("query", "reports") as query:
        for table in ("checkpoint", "balances", "entries", "payments"):
            with pytest.raises(psycopg.Error):
                query.execute(f"DELETE FROM {table}")
    with fan_out.databases.connect("projector", "reports") as projector:
        for statement in ("TRUNCATE entries", "DROP TABLE balances"):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                projector.execute(statement)
