"""PostgreSQL is mended after every unclean end, and says why where it cannot be started."""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import psycopg
import pytest

from infrastructure.embedded.postgres import Postgres
from infrastructure.embedded.postgres_binaries import SHARED_PLACE, packaged_binaries
from infrastructure.embedded.server import ServerUnavailable, wait_until_ready
from infrastructure.secrets import Secrets
from tests.servers import chosen_binaries

ROOT = Path(__file__).parents[2]
STARTER = """
import pathlib, sys
import psycopg
from infrastructure.embedded.postgres import Postgres
from infrastructure.embedded.postgres_binaries import SHARED_PLACE, packaged_binaries
from infrastructure.embedded.server import wait_until_ready
from infrastructure.secrets import Secrets
home = pathlib.Path(sys.argv[1])
for turn in range(2):
    binaries = pathlib.Path(sys.argv[2]) if sys.argv[2:] else None
    server = Postgres(home, Secrets(home, {}), binaries)
    server.prepare()
    server.start()
    try:
        wait_until_ready(server, 30)
        with psycopg.connect(server.admin_conninfo()) as connection:
            print(connection.execute("SELECT 40 + 2").fetchone()[0], server._account.user)
    finally:
        server.stop(10)
"""
AS_ORDINARY_USER = ["unshare", "--user", "--map-user=1000", "--map-group=1000", "--"]


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Path]:
    yield tmp_path
    Postgres(tmp_path, Secrets(tmp_path, {}), chosen_binaries()).stop(10)


def _started(home: Path) -> Postgres:
    server = Postgres(home, Secrets(home, {}), chosen_binaries())
    server.prepare()
    server.start()
    wait_until_ready(server, 30)
    return server


def test_what_was_committed_survives_a_kill_under_load(home: Path) -> None:
    """Every commit is on disk (fsync and synchronous_commit), and recovery runs by itself."""
    server = _started(home)
    with psycopg.connect(server.admin_conninfo(), autocommit=True) as connection:
        assert connection.execute("SHOW fsync").fetchone() == ("on",)
        assert connection.execute("SHOW synchronous_commit").fetchone() == ("on",)
        connection.execute("CREATE TABLE kept (number int)")
        connection.execute("INSERT INTO kept SELECT generate_series(1, 10000)")
    _kill_while_busy(server)
    begun = time.monotonic()
    server = _started(home)
    assert time.monotonic() - begun < 10
    with psycopg.connect(server.admin_conninfo()) as connection:
        assert connection.execute("SELECT count(*) FROM kept").fetchone() == (10000,)


def _kill_while_busy(server: Postgres) -> None:
    """Kill the server while a session works, which goes on a moment and holds the memory."""
    running = server.running()
    assert running is not None
    session = psycopg.pq.PGconn.connect(server.admin_conninfo().encode())
    session.send_query(b"SELECT count(*) FROM generate_series(1, 30000000)")
    session.flush()
    time.sleep(0.2)
    os.kill(running.pid, signal.SIGKILL)
    while server.alive():
        time.sleep(0.01)
    session.finish()


def test_a_pid_file_that_names_a_stranger_is_dropped(home: Path) -> None:
    """After a restart of the machine the old number belongs to somebody else's program."""
    server = _started(home)
    running = server.running()
    assert running is not None
    lock = home / "servers" / "postgres" / "data" / "postmaster.pid"
    lines = lock.read_text().splitlines()
    os.kill(running.pid, signal.SIGKILL)
    while server.alive():
        time.sleep(0.01)
    stranger = subprocess.Popen(["sleep", "60"], start_new_session=True)
    try:
        lock.write_text("\n".join([str(stranger.pid), *lines[1:]]))
        _started(home)
        assert stranger.poll() is None
    finally:
        stranger.kill()
        stranger.wait()


def test_a_server_started_by_something_else_is_named(home: Path) -> None:
    """A second server on one data folder would destroy it, so the processes are named instead."""
    server = _started(home)
    running = server.running()
    assert running is not None
    record = home / "servers" / "postgres" / "process.json"
    kept = record.read_text()
    record.unlink()
    with pytest.raises(
        ServerUnavailable, match=f"started by something else.*{running.pid}.* stop it"
    ):
        server.start()
    record.write_text(kept)


def test_data_of_another_version_are_not_touched(home: Path) -> None:
    server = Postgres(home, Secrets(home, {}), chosen_binaries())
    server.prepare()
    version = home / "servers" / "postgres" / "data" / "PG_VERSION"
    version.write_text("9\n")
    with pytest.raises(ServerUnavailable, match=r"made by PostgreSQL 9 .* bring PostgreSQL 9"):
        server.prepare()


def test_damaged_data_end_in_the_words_of_the_log(home: Path) -> None:
    server = Postgres(home, Secrets(home, {}), chosen_binaries())
    server.prepare()
    (home / "servers" / "postgres" / "data" / "global" / "pg_control").unlink()
    server.start()
    with pytest.raises(ServerUnavailable, match=r"postgres ended while starting: .*pg_control"):
        wait_until_ready(server, 30)


def test_an_interrupted_initialisation_is_begun_again(home: Path) -> None:
    """Only a complete data folder bears the name `data`."""
    draft = home / "servers" / "postgres" / "data.new"
    draft.mkdir(parents=True)
    (draft / "half").write_text("done")
    server = _started(home)
    assert server.ready()
    assert not draft.exists()


def test_a_folder_without_postgresql_is_named(tmp_path: Path) -> None:
    with pytest.raises(ServerUnavailable, match=r"no PostgreSQL in .*pg_config --bindir"):
        Postgres(tmp_path, Secrets(tmp_path, {}), tmp_path)


def test_the_password_is_neither_in_a_file_others_read_nor_among_the_arguments(home: Path) -> None:
    server = _started(home)
    running = server.running()
    assert running is not None
    password = Secrets(home, {}).get("db_admin")
    assert password not in " ".join(psutil.Process(running.pid).cmdline())
    readable = [path for path in home.rglob("*") if path.is_file() and path.stat().st_mode & 0o077]
    assert not [path for path in readable if password.encode() in path.read_bytes()]
    with pytest.raises(psycopg.OperationalError, match="password"):
        psycopg.connect(server.admin_conninfo(), password="wrong")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root needs another identity")
@pytest.mark.parametrize("private_binaries", [False, True])
def test_root_without_name_spaces_starts_it_as_nobody(
    tmp_path: Path, private_binaries: bool
) -> None:
    """The home and the virtual environment may be private: data and binaries lie elsewhere.

    A PATH without `unshare` is the same as a kernel that forbids it.
    """
    private = tmp_path / "private"
    private.mkdir(mode=0o700)
    places = [private]
    before = set(SHARED_PLACE.glob("*/*"))
    if private_binaries:
        places.append(_copied_package(private) / "pginstall18" / "bin")
    try:
        done = subprocess.run(
            [sys.executable, "-c", STARTER, *map(str, places)],
            cwd=ROOT,
            env={"PATH": str(tmp_path), "LANG": "C.UTF-8"},
            capture_output=True,
            text=True,
            check=False,
            umask=0o077,
        )
    finally:
        for made in set(SHARED_PLACE.glob("*/*")) - before:
            shutil.rmtree(made)
    assert done.stdout.split() == ["42", "65534"] * 2, done.stderr


def _copied_package(private: Path) -> Path:
    installed = packaged_binaries().parent
    package = installed.parent
    copy = private / package.name
    shutil.copytree(installed, copy / installed.name)
    shutil.copytree(package.with_name(f"{package.name}.libs"), private / f"{package.name}.libs")
    for path in (copy, *copy.rglob("*")):
        path.chmod(0o700)
    return copy


@pytest.mark.skipif(os.geteuid() != 0, reason="an ordinary user runs all the other tests so")
def test_an_ordinary_user_starts_it_as_himself(tmp_path: Path) -> None:
    done = subprocess.run(
        [*AS_ORDINARY_USER, sys.executable, "-c", STARTER, str(tmp_path)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout.split() == ["42", "None"] * 2, done.stderr
