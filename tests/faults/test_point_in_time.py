"""The drill: a mistake, and the ledger as it stood the moment before, from a copy and the WAL."""

import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import psycopg
import pytest

from application.commands import Answer
from domain.identifiers import WalletId
from infrastructure.embedded.postgres import ADMIN, ARCHIVE_COMMAND, Postgres
from infrastructure.embedded.postgres_binaries import (
    data_folder,
    packaged_binaries,
    usable_binaries,
)
from infrastructure.embedded.server import wait_until_ready
from infrastructure.embedded.unprivileged import unprivileged_account
from infrastructure.secrets import Secrets
from tests.backups import as_owner
from tests.books import ROOT, falcon, falcon_command
from tests.fan_out import FanOut, until, unused_ledger
from tests.faults.roles import roles
from tests.read_model_fold import checkpoints
from tests.servers import FreshDatabases, PostgresHome, chosen_binaries, fresh_databases
from tests.written import Written

pytestmark = pytest.mark.timeout(240)

RECOVERY = """
restore_command = 'sleep 0.5; cp "{archive}/%f" "%p"'
recovery_target_time = '{moment}'
recovery_target_action = 'promote'
hot_standby = off
"""


@pytest.fixture
def archived(tmp_path: Path) -> Iterator[PostgresHome]:
    """Give a PostgreSQL that archives, in a folder whose name a shell has to be told with care."""
    secrets = Secrets(tmp_path / "home", {})
    archive = tmp_path / "wal of 100% it's"
    server = Postgres(tmp_path / "home", secrets, chosen_binaries(), archive)
    server.prepare()
    server.start()
    wait_until_ready(server, 60)
    yield PostgresHome(tmp_path / "home", secrets, server)
    server.stop(20)


def archive_of(home: PostgresHome) -> Path:
    return home.home.with_name("wal of 100% it's")


def copy_cluster(home: PostgresHome, target: Path) -> None:
    binaries = usable_binaries(chosen_binaries() or packaged_binaries(), unprivileged_account())
    where = ["-h", "127.0.0.1", "-p", str(home.server.port()), "-U", ADMIN]
    done = subprocess.run(
        [binaries / "pg_basebackup", *where, "-D", target, "-X", "none", "-c", "fast"],
        env={**os.environ, "PGPASSWORD": home.secrets.get("db_admin")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def switch_segment(home: PostgresHome) -> None:
    """Let the segment in use be archived, as a minute's time does."""
    with psycopg.connect(home.admin, autocommit=True) as admin:
        row = admin.execute("SELECT pg_walfile_name(pg_switch_wal())").fetchone()
    assert row is not None
    until((archive_of(home) / row[0]).exists, 60)


def recovered(archived: PostgresHome, copied: Path, home: Path, moment: str) -> PostgresHome:
    """Start a server from a copy of the cluster, with the archive's segments up to a moment."""
    account = unprivileged_account()
    shutil.copytree(archived.home / "secrets", home / "secrets")
    folder = home / "servers" / "postgres"
    folder.mkdir(parents=True)
    data = data_folder(folder, account)
    shutil.copytree(copied, data)
    with (data / "postgresql.auto.conf").open("a") as settings:
        archive = str(archive_of(archived)).replace("%", "%%").replace("'", "''")
        settings.write(RECOVERY.format(archive=archive, moment=moment))
    (data / "recovery.signal").touch()
    for path in (data, *data.rglob("*")):
        account.owns(path)
    data.chmod(0o700)
    secrets = Secrets(home, {})
    server = Postgres(home, secrets, chosen_binaries())
    server.prepare()
    server.start()
    return PostgresHome(home, secrets, server)


def migrated(databases: FreshDatabases) -> None:
    """Do what `up` does first: it waits as long as the server says that it is recovering."""
    done = subprocess.run(
        falcon_command("run", "migrate"),
        cwd=ROOT,
        env={**databases.environ, "FALCONPAY_DATABASE": databases.admin},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr


def pay(writer: Written, wallets: list[WalletId], count: int) -> list[int]:
    """Return the positions that were acknowledged."""
    source, destination = wallets
    answers = [writer.pay(source, destination, 1) for _ in range(count)]
    assert all(isinstance(answer, Answer) for answer in answers)
    return [answer.position for answer in answers if isinstance(answer, Answer)]


def followed(databases: FreshDatabases) -> bool:
    head = FanOut(databases).head()
    return {position for position, _ in checkpoints(databases).values()} == {head}


def moment_of(home: PostgresHome) -> str:
    with psycopg.connect(home.admin) as admin:
        row = admin.execute("SELECT clock_timestamp()::text").fetchone()
    assert row is not None
    return str(row[0])


def test_a_segment_is_archived_once(tmp_path: Path) -> None:
    """Again it is well, as after a crash; another one of the same name is never written over."""
    folder, segment = tmp_path / "archive", tmp_path / "segment"
    folder.mkdir()
    command = ARCHIVE_COMMAND.format(folder=folder).replace("%p", str(segment))
    command = command.replace("%f", "0001")
    for content, code in ((b"one", 0), (b"one", 0), (b"two", 1)):
        segment.write_bytes(content)
        assert subprocess.run(["sh", "-c", command], check=False).returncode == code
        assert [path.name for path in folder.iterdir()] == ["0001"]
        assert (folder / "0001").read_bytes() == b"one"


def test_back_to_the_moment_before_a_mistake(
    archived: PostgresHome, tmp_path: Path, kafka_bootstrap: str
) -> None:
    """All that was acknowledged before it is there, nothing after; `recover` heals the rest."""
    databases = fresh_databases(archived, tmp_path / "roles", unused_ledger(), kafka_bootstrap)
    writer = Written(databases.settings, databases.secrets)
    wallets = [writer.open(overdraft_limit=10_000), writer.open()]
    with roles(databases, "relay,projector") as (both,):
        acknowledged = pay(writer, wallets, 50)
        copy_cluster(archived, tmp_path / "copy")
        acknowledged += pay(writer, wallets, 200)
        before = moment_of(archived)
        pay(writer, wallets, 100)
        until(lambda: both.ready() and followed(databases), 60)
        topic_end = FanOut(databases, kafka_bootstrap).positions()[-1]
        writer.close()
    with databases.connect_admin() as admin:
        admin.execute(f'DROP SCHEMA "{databases.settings.ledger_schema}" CASCADE')
    switch_segment(archived)
    running = archived.server.running()
    assert running is not None
    os.killpg(running.pid, signal.SIGKILL)

    again = recovered(archived, tmp_path / "copy", tmp_path / "again", before)
    try:
        settings = replace(databases.settings, database_port=again.server.port())
        back = FreshDatabases(settings, databases.secrets, again.admin)
        migrated(back)
        fan_out = FanOut(back, kafka_bootstrap)
        assert max(acknowledged) == fan_out.head() < topic_end
        with roles(back, "relay,projector") as (both,):
            until(lambda: both.ask("/readyz")[1].count("diverged: ") == 2, 60)
            done = as_owner(back, "recover")
            assert done.returncode == 0, done.stderr
            writer = Written(back.settings, back.secrets)
            pay(writer, wallets, 20)
            writer.close()
            until(lambda: both.ready() and followed(back), 60)
        verified = falcon(back, "replay", "verify")
        assert verified.returncode == 0, verified.stdout + verified.stderr
    finally:
        again.server.stop(20)
