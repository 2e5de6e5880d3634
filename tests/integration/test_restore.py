"""A restore puts all of a backup in its place, or changes nothing."""

import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from application.commands import Answer
from infrastructure.databases.logins import database_name
from infrastructure.databases.migrate import migrate
from infrastructure.databases.provision import provision
from tests.backups import (
    as_owner,
    content,
    database_names,
    elsewhere,
    of_before_limits,
    rewritten,
    some_book,
)
from tests.books import ROOT, falcon, falcon_command
from tests.servers import FreshDatabases, PostgresHome, fresh_databases
from tests.written import Written

pytestmark = pytest.mark.timeout(180)


@dataclass(frozen=True)
class Kept:
    """A book of the module's, a backup of it, and what was in it then."""

    databases: FreshDatabases
    file: Path
    content: dict[str, object]


@pytest.fixture(scope="module")
def kept(postgres: PostgresHome, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kept]:
    folder = tmp_path_factory.mktemp("kept")
    databases = fresh_databases(postgres, folder / "home")
    databases.secrets.put("kafka_mac", "that of the backup")
    writer = Written(databases.settings, databases.secrets)
    some_book(writer)
    writer.close()
    done = as_owner(databases, "backup", folder / "book.backup")
    assert done.returncode == 0, done.stderr
    yield Kept(databases, folder / "book.backup", content(databases))
    databases.drop()


@pytest.fixture
def place(kept: Kept, tmp_path: Path) -> Iterator[FreshDatabases]:
    """Give an empty home on the same server."""
    databases = elsewhere(kept.databases, tmp_path / "place")
    yield databases
    with psycopg.connect(databases.admin, autocommit=True) as admin:
        for name in database_names(databases):
            admin.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


@pytest.fixture
def grown(kept: Kept, place: FreshDatabases) -> FreshDatabases:
    """Give a home that was restored, and whose ledger has grown since."""
    assert as_owner(place, "restore", kept.file).returncode == 0
    writer = Written(place.settings, place.secrets)
    some_book(writer)
    writer.close()
    return place


def test_an_empty_home_gets_all_of_it(kept: Kept, place: FreshDatabases) -> None:
    """Every row, every trigger and grant as it was, keys, and books that replay and go on."""
    place.secrets.put("kafka_mac", "that of a home never used")
    done = as_owner(place, "restore", kept.file)
    assert done.returncode == 0, done.stderr
    assert content(place) == kept.content
    assert place.secrets.get("kafka_mac") == "that of the backup"
    assert falcon(place, "replay", "verify").returncode == 0
    writer = Written(place.settings, place.secrets)
    wallet = writer.open()
    assert isinstance(writer.one(writer.freeze(wallet)), Answer)
    writer.close()
    with place.connect("command") as command, pytest.raises(psycopg.errors.InsufficientPrivilege):
        command.execute("DELETE FROM events")
    with place.connect_admin() as admin, pytest.raises(psycopg.Error, match="immutable"):
        admin.execute("UPDATE ledger_main.store SET id = gen_random_uuid()")
    assert not any("restoring" in name for name in database_names(place))


def test_a_backup_of_before_there_were_limits_comes_back(
    kept: Kept, place: FreshDatabases, tmp_path: Path
) -> None:
    """What wallets have spent is made of their events, as if it had always been counted."""
    of_before_limits(kept.databases, kept.file, tmp_path / "older.backup")
    done = as_owner(place, "restore", tmp_path / "older.backup")
    assert done.returncode == 0, done.stderr
    heads = content(place, ("wallet_head",))["wallet_head"]
    assert heads == kept.content["wallet_head"]
    with place.connect("reader") as reader:
        assert reader.execute("SELECT min(spent) > 0 FROM wallet_head").fetchone() == (True,)
    assert falcon(place, "replay", "verify").returncode == 0


def test_every_ledger_comes_back(
    databases: FreshDatabases, writer: Written, place: FreshDatabases, tmp_path: Path
) -> None:
    """Side by side as they were, each with its own events."""
    settings = replace(databases.settings, ledger="second")
    provision(databases.admin, settings, databases.secrets)
    migrate(databases.admin, settings)
    second = FreshDatabases(settings, databases.secrets, databases.admin)
    some_book(writer, transfers=2)
    other = Written(settings, databases.secrets)
    some_book(other, transfers=4)
    other.close()
    file = tmp_path / "both.backup"
    assert as_owner(databases, "backup", file).returncode == 0
    done = as_owner(place, "restore", file)
    assert done.returncode == 0, done.stderr
    there = FreshDatabases(replace(place.settings, ledger="second"), place.secrets, place.admin)
    assert content(place) == content(databases)
    assert content(there) == content(second)
    assert content(there)["events"] != content(place)["events"]


def test_a_home_with_events_is_left_alone(kept: Kept, grown: FreshDatabases) -> None:
    before = content(grown)
    done = as_owner(grown, "restore", kept.file)
    assert done.returncode == 2
    assert "holds events already (main up to position 124)" in done.stderr
    assert "--replace" in done.stderr
    done = falcon(grown, "restore", kept.file, "--replace")
    assert done.returncode == 2
    assert "--database URL" in done.stderr
    assert content(grown) == before


def test_told_so_it_goes_back_and_puts_the_newer_books_aside(
    kept: Kept, grown: FreshDatabases
) -> None:
    """Twice: what the first one put aside makes room for what the second one does."""
    grown.secrets.replace("kafka_mac", "rotated since")
    newer = content(grown)
    for _ in range(2):
        done = as_owner(grown, "restore", kept.file, "--replace")
        assert done.returncode == 0, done.stderr
        assert "main up to position" in done.stdout
        assert content(grown) == kept.content
    assert grown.secrets.get("kafka_mac") == "rotated since"
    assert content(grown) != newer
    replaced = database_name(grown.settings, "ledger") + "_replaced"
    assert replaced in database_names(grown)


def test_the_backup_of_another_ledger_is_refused(
    kept: Kept, databases: FreshDatabases, writer: Written
) -> None:
    """Even when told to replace: it would become another's books under the same name."""
    some_book(writer)
    before = content(databases)
    done = as_owner(databases, "restore", kept.file, "--replace")
    assert done.returncode == 2
    assert "is another one than that of the backup" in done.stderr
    assert content(databases) == before


def test_a_damaged_file_changes_nothing(kept: Kept, place: FreshDatabases, tmp_path: Path) -> None:
    damaged = tmp_path / "damaged.backup"
    whole = kept.file.read_bytes()
    damaged.write_bytes(whole[:500] + bytes([whole[500] ^ 1]) + whole[501:])
    done = as_owner(place, "restore", damaged)
    assert done.returncode == 1
    assert "is damaged or no backup of FalconPay" in done.stderr
    assert not database_names(place)
    done = as_owner(place, "restore", tmp_path / "nowhere")
    assert (done.returncode, "cannot be read" in done.stderr) == (2, True)


def test_books_that_do_not_replay_never_take_their_place(
    kept: Kept, grown: FreshDatabases, tmp_path: Path
) -> None:
    """A gap in a payment's stream is seen by the replay alone, with all digests as they must be."""
    altered, before = tmp_path / "altered.backup", content(grown)

    def with_a_gap(name: str, block: bytes) -> bytes:
        if not name.endswith("/events.copy"):
            return block
        # Before the type's length and the type stands the version, eight bytes of it.
        end = block.rindex(b"payment.completed.v1") - 4
        assert block[end - 8 : end] == (1).to_bytes(8, "big")
        return block[: end - 8] + (2).to_bytes(8, "big") + block[end:]

    rewritten(kept.file, altered, alter=with_a_gap)
    done = as_owner(grown, "restore", altered, "--replace")
    assert done.returncode == 1
    assert "is not as its events say, so nothing was changed" in done.stderr
    assert content(grown) == before
    assert not any("restoring" in name for name in database_names(grown))


def test_while_somebody_is_connected_to_one_of_them_none_is_replaced(
    kept: Kept, grown: FreshDatabases
) -> None:
    """The step that puts all databases in place is one: the first is not renamed alone."""
    before = content(grown)
    with grown.connect("identity", "identity"):
        done = as_owner(grown, "restore", kept.file, "--replace")
    assert done.returncode == 3
    assert "Somebody is connected" in done.stderr
    assert content(grown) == before


def staged(databases: FreshDatabases) -> bool:
    """Say whether a restore has begun to build."""
    return any("restoring" in name for name in database_names(databases))


def loaded(databases: FreshDatabases) -> bool:
    """Say whether a restore has loaded the events, which it will replay before it goes on."""
    name = "restoring_" + database_name(databases.settings, "ledger")
    try:
        with psycopg.connect(make_conninfo(databases.admin, dbname=name)) as admin:
            found = admin.execute("SELECT count(*) FROM ledger_main.events").fetchone()
    except psycopg.Error:
        return False
    return found is not None and found[0] > 0


def killed_when(
    reached: Callable[[FreshDatabases], bool], kept: Kept, grown: FreshDatabases
) -> bool:
    """Kill a restore as soon as it has come so far; no when it was through before that was seen."""
    with subprocess.Popen(
        falcon_command("restore", kept.file, "--replace", "--database", grown.admin),
        cwd=ROOT,
        env=grown.environ,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as child:
        while child.poll() is None and not reached(grown):
            time.sleep(0.005)
        child.send_signal(signal.SIGKILL)
    return child.returncode == -signal.SIGKILL


@pytest.mark.parametrize("reached", [staged, loaded])
def test_killed_in_its_middle_it_has_changed_nothing(
    kept: Kept, grown: FreshDatabases, reached: Callable[[FreshDatabases], bool]
) -> None:
    """And then it can be repeated, which clears what was left."""
    before = content(grown)
    for _ in range(5):
        if killed_when(reached, kept, grown):
            break
        before = kept.content
    else:
        pytest.fail("none was killed in its middle")
    assert content(grown) == before
    assert staged(grown)
    assert as_owner(grown, "restore", kept.file, "--replace").returncode == 0
    assert content(grown) == kept.content
    assert not staged(grown)
