"""A backup is consistent while the system runs, is checked, and is there whole or not at all."""

import json
import resource
import shutil
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import LiteralString

import msgspec
import pytest

from application.commands import Answer
from domain.identifiers import WalletId, bits
from infrastructure.databases.migrate import migrate
from infrastructure.databases.provision import provision
from interfaces.cli.failure import Failure
from interfaces.recovery.archive import open_archive
from interfaces.recovery.copied import rows
from interfaces.recovery.manifest import FORMAT, Manifest
from interfaces.recovery.restore import check_file
from tests.backups import as_owner, rewritten, some_book
from tests.books import ROOT, falcon_command
from tests.every_payment import write_every_payment
from tests.fan_out import until
from tests.servers import FreshDatabases, PostgresHome, fresh_databases
from tests.written import Written


@dataclass(frozen=True)
class Kept:
    """A small book of the module's, and a backup of it that every test may read."""

    databases: FreshDatabases
    wallet: WalletId
    file: Path


@pytest.fixture(scope="module")
def kept(postgres: PostgresHome, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kept]:
    folder = tmp_path_factory.mktemp("kept")
    databases = fresh_databases(postgres, folder / "home")
    writer = Written(databases.settings, databases.secrets)
    wallet, _ = some_book(writer)
    writer.close()
    done = as_owner(databases, "backup", folder / "book.backup")
    assert done.returncode == 0, done.stderr
    yield Kept(databases, wallet, folder / "book.backup")
    databases.drop()


@pytest.fixture
def file(kept: Kept, tmp_path: Path) -> Path:
    """Give a copy of the module's backup, in a folder with nothing else."""
    (tmp_path / "files").mkdir()
    return Path(shutil.copy(kept.file, tmp_path / "files" / "book.backup"))


def positions(path: Path) -> list[int]:
    with open_archive(path) as archive:
        events = archive.manifest.ledgers[0].table("events")
        with archive.part(events.part) as source:
            return [row[0] for row in rows(source, events, ["notification_id"])]


def test_what_was_acknowledged_before_it_began_is_in_it(
    databases: FreshDatabases, make_writer: Callable[..., Written], tmp_path: Path
) -> None:
    """While two writers go on; it holds whole commands, folds, and is for its owner alone."""
    writers, stop = [make_writer(), make_writer()], threading.Event()
    wallets = some_book(writers[0])
    acknowledged: list[int] = []

    def load(writer: Written) -> None:
        while not stop.is_set():
            answer = writer.pay(wallets[0], wallets[1], 1)
            if isinstance(answer, Answer):
                acknowledged.append(answer.position)
            answer = writer.pay(wallets[1], wallets[0], 1)

    threads = [threading.Thread(target=load, args=(writer,)) for writer in writers]
    for thread in threads:
        thread.start()
    path = tmp_path / "book.backup"
    try:
        until(lambda: len(acknowledged) > 10)
        before = list(acknowledged)
        done = as_owner(databases, "backup", path, "--json")
        count = len(acknowledged)
        until(lambda: len(acknowledged) > count)
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    assert done.returncode == 0, done.stderr
    (told,) = json.loads(done.stdout)["ledgers"]
    assert positions(path) == list(range(1, told["position"] + 1))
    assert max(before) <= told["position"] < max(acknowledged)
    assert path.stat().st_mode & 0o777 == 0o600


def test_every_ledger_and_what_the_home_is_known_by_are_in_it(
    databases: FreshDatabases, writer: Written, tmp_path: Path
) -> None:
    """But not the passwords of servers, which are made with these."""
    second = replace(databases.settings, ledger="second")
    provision(databases.admin, second, databases.secrets)
    migrate(databases.admin, second)
    some_book(writer)
    databases.secrets.put("kafka_mac", "known")
    path = tmp_path / "book.backup"
    done = as_owner(databases, "backup", path, "--json")
    assert [
        (ledger["name"], ledger["position"] > 0) for ledger in json.loads(done.stdout)["ledgers"]
    ] == [("main", True), ("second", False)]
    with open_archive(path) as archive:
        assert [part.name for part in archive.manifest.secrets] == ["secrets/kafka_mac"]


def test_a_book_that_is_not_as_its_events_say_is_not_kept(kept: Kept, tmp_path: Path) -> None:
    change = "UPDATE ledger_main.wallet_head SET posted = posted + %s WHERE id = %s"
    with kept.databases.connect_admin() as admin:
        admin.execute(change, [1, bits(kept.wallet)])
        try:
            done = as_owner(kept.databases, "backup", tmp_path / "book.backup")
        finally:
            admin.execute(change, [-1, bits(kept.wallet)])
    assert done.returncode == 1
    assert "is not as its events say" in done.stderr
    assert "posted should be" in done.stderr
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("change", ["spent_on = spent_on - 1", "spent = 0", "members = NULL"])
def test_members_and_what_was_spent_are_as_their_events_say(
    databases: FreshDatabases, tmp_path: Path, change: LiteralString
) -> None:
    """Of a book with every kind of payment: it is kept, and not any more with an altered head."""
    home = write_every_payment(databases).wallets["home"]
    assert as_owner(databases, "backup", tmp_path / "book.backup").returncode == 0
    with databases.connect_admin() as admin:
        admin.execute(
            "UPDATE ledger_main.wallet_head SET " + change + " WHERE id = %s", [bits(home)]
        )
    done = as_owner(databases, "backup", tmp_path / "altered.backup")
    assert done.returncode == 1
    assert f"wallet_head, {home}: {change.split()[0]} should be" in done.stderr


def test_a_gap_in_a_stream_is_noticed(
    databases: FreshDatabases, writer: Written, tmp_path: Path
) -> None:
    """Also in one that is no wallet's, since its restore would be refused."""
    some_book(writer, transfers=2)
    with databases.connect_admin() as admin:
        admin.execute("SET session_replication_role = replica")
        admin.execute("ALTER TABLE ledger_main.events DISABLE TRIGGER USER")
        admin.execute(
            "UPDATE ledger_main.events SET originator_version = 2 WHERE topic LIKE 'payment.%'"
            " AND notification_id > 3"
        )
    done = as_owner(databases, "backup", tmp_path / "book.backup")
    assert done.returncode == 1
    assert "goes on behind an event that is missing" in done.stderr


def test_tables_of_another_version_are_not_copied(kept: Kept, tmp_path: Path) -> None:
    """Its restore would begin with the migrations that this version has."""
    with kept.databases.connect_admin() as admin:
        admin.execute(
            "INSERT INTO ledger_main.schema_migration (number, name, sha256)"
            " VALUES (9999, 'later', '')"
        )
        try:
            done = as_owner(kept.databases, "backup", tmp_path / "book.backup")
        finally:
            admin.execute("DELETE FROM ledger_main.schema_migration WHERE number = 9999")
    assert done.returncode == 3
    assert "is of a newer version" in done.stderr
    assert not list(tmp_path.iterdir())


def test_a_file_that_is_there_is_replaced_only_when_told(kept: Kept, file: Path) -> None:
    databases, before = kept.databases, file.read_bytes()
    done = as_owner(databases, "backup", file)
    assert (done.returncode, file.read_bytes()) == (2, before)
    assert "--force" in done.stderr
    assert as_owner(databases, "backup", file, "--force").returncode == 0


def test_a_full_disk_leaves_nothing(kept: Kept, file: Path) -> None:
    databases, before = kept.databases, file.read_bytes()
    done = subprocess.run(
        falcon_command("backup", file, "--force", "--database", databases.admin),
        cwd=ROOT,
        env=databases.environ,
        capture_output=True,
        text=True,
        check=False,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (2048, 2048)),
    )
    assert done.returncode == 3
    assert "no room" in done.stderr
    assert "Traceback" not in done.stderr
    assert [path.name for path in file.parent.iterdir() if path.is_file()] == [file.name]
    assert file.read_bytes() == before


def test_killed_in_the_middle_it_leaves_the_last_one(kept: Kept, file: Path) -> None:
    """It is stopped at the heads, whose table somebody has locked, with the events written."""
    databases, before = kept.databases, file.read_bytes()
    with databases.connect_admin() as admin, admin.transaction():
        admin.execute("LOCK TABLE ledger_main.wallet_head IN ACCESS EXCLUSIVE MODE")
        with subprocess.Popen(
            falcon_command("backup", file, "--force", "--database", databases.admin),
            cwd=ROOT,
            env=databases.environ,
        ) as child:
            deadline = time.monotonic() + 30
            while not admin.execute(
                "SELECT 1 FROM pg_locks WHERE NOT granted"
                " AND relation = 'ledger_main.wallet_head'::regclass"
            ).fetchone():
                assert time.monotonic() < deadline
                time.sleep(0.05)
            child.send_signal(signal.SIGKILL)
    assert file.read_bytes() == before
    assert as_owner(databases, "backup", file, "--force").returncode == 0


def test_any_flipped_byte_is_noticed(file: Path, tmp_path: Path) -> None:
    """Wherever it lies: in a part, in the manifest, in what the ZIP says of itself."""
    whole = file.read_bytes()
    damaged = tmp_path / "damaged.backup"
    for place in {*range(0, len(whole), 97), *range(len(whole) - 200, len(whole))}:
        damaged.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
        with pytest.raises(Failure, match="is damaged or no backup") as refusal:
            check_file(damaged)
        assert refusal.value.exit_code == 1


def test_a_file_of_another_length_is_refused(file: Path, tmp_path: Path) -> None:
    whole = file.read_bytes()
    damaged = tmp_path / "damaged.backup"
    for other in (whole[:-1], whole[: len(whole) // 2], whole + b"\0", b"", b"something else"):
        damaged.write_bytes(other)
        with pytest.raises(Failure, match="is damaged or no backup"):
            check_file(damaged)


def test_a_file_of_a_newer_version_is_refused(file: Path, tmp_path: Path) -> None:
    newer = tmp_path / "newer.backup"
    rewritten(
        file,
        newer,
        lambda manifest: msgspec.structs.replace(manifest, format=FORMAT + 1, version="9.1.0"),
    )
    with pytest.raises(Failure, match=r"written by FalconPay 9\.1\.0, whose backups") as refusal:
        check_file(newer)
    assert refusal.value.exit_code == 1


def test_tables_that_this_version_cannot_make_are_refused(file: Path, tmp_path: Path) -> None:
    def with_another_migration(manifest: Manifest) -> Manifest:
        ledger, *others = manifest.schemas
        steps = (
            *ledger.migrations[:-1],
            msgspec.structs.replace(ledger.migrations[-1], sha256="0"),
        )
        changed = msgspec.structs.replace(ledger, migrations=steps)
        return msgspec.structs.replace(manifest, schemas=(changed, *others))

    newer = tmp_path / "newer.backup"
    rewritten(file, newer, with_another_migration)
    with pytest.raises(Failure, match="migrations of ledger_main this version does not have"):
        check_file(newer)


def test_a_part_that_is_not_the_manifests_is_refused(file: Path, tmp_path: Path) -> None:
    def with_another_digest(manifest: Manifest) -> Manifest:
        ledger, *others = manifest.schemas
        events = ledger.table("events")
        part = msgspec.structs.replace(events.part, sha256="0" * 64)
        tables = tuple(
            msgspec.structs.replace(table, part=part) if table is events else table
            for table in ledger.tables
        )
        changed = msgspec.structs.replace(ledger, tables=tables)
        return msgspec.structs.replace(manifest, schemas=(changed, *others))

    other = tmp_path / "other.backup"
    rewritten(file, other, with_another_digest)
    with pytest.raises(Failure, match="has another SHA-256 than the manifest"):
        check_file(other)
