"""Kafka's classes are archived once; with a damaged archive, or none, a broker starts as well."""

import fcntl
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from infrastructure.embedded.kafka import Kafka
from infrastructure.embedded.kafka_archive import KafkaArchive
from infrastructure.embedded.kafka_jars import KAFKA_VERSION, kafka_jars
from infrastructure.embedded.server import ServerUnavailable, wait_until_ready
from infrastructure.settings import read_settings
from tests.tools.absent_server import server_absent

PREPARE = """
import sys
from pathlib import Path
from infrastructure.embedded.kafka import Kafka
Kafka(Path(sys.argv[1]), Path(sys.argv[2])).prepare()
"""


def cache_in(folder: Path) -> Path:
    """Return a cache that has this machine's jars, and no archive."""
    try:
        jars = kafka_jars(read_settings().cache)
    except ServerUnavailable as problem:
        server_absent(str(problem))
    folder.mkdir()
    (folder / jars[0].parent.name).symlink_to(jars[0].parent)
    return folder


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give an archive, made by the one who came after one that was killed at it."""
    folder = tmp_path_factory.mktemp("archive")
    cache = cache_in(folder / "cache")
    killed = subprocess.Popen([sys.executable, "-c", PREPARE, folder / "killed", cache])
    while not (at_it := trained_in(cache)):
        assert killed.poll() is None
        time.sleep(0.02)
    killed.kill()
    killed.wait()
    _, left = psutil.wait_procs(at_it, timeout=60)
    assert left == []
    assert list(cache.glob("*.aot")) == []
    Kafka(folder / "home", cache).prepare()
    (made,) = cache.glob("*.aot")
    lock = made.with_name(f"{made.name}.lock")
    assert set(cache.iterdir()) == {made, lock, cache / f"kafka-{KAFKA_VERSION}"}
    return made


def trained_in(cache: Path) -> list[psutil.Process]:
    """Return the processes of brokers that run so that they are archived in a cache."""
    asked = f"-XX:AOTCacheOutput={cache}/"
    found = psutil.process_iter(["cmdline"])
    return [each for each in found if any(asked in word for word in each.info["cmdline"] or [])]


@contextmanager
def running(home: Path, cache: Path) -> Iterator[str]:
    """Give what a broker has mapped into its memory."""
    server = Kafka(home, cache)
    server.prepare()
    try:
        process = server.start()
        wait_until_ready(server, 60)
        yield Path(f"/proc/{process.pid}/maps").read_text()
    finally:
        server.stop(20)


def test_a_broker_starts_from_it(archive: Path, tmp_path: Path) -> None:
    """It is made by the first one, also where somebody was killed at it, and used by the others."""
    made = archive.stat()
    with running(tmp_path / "home", archive.parent) as mapped:
        assert str(archive) in mapped
    assert archive.stat() == made
    assert trained_in(archive.parent) == []


def test_a_damaged_one_is_not_used(archive: Path, tmp_path: Path) -> None:
    """One byte is enough, wherever it is; the broker starts without."""
    whole = archive.read_bytes()
    middle = len(whole) // 2
    archive.write_bytes(whole[:middle] + bytes([whole[middle] ^ 1]) + whole[middle + 1 :])
    try:
        with running(tmp_path / "home", archive.parent) as mapped:
            assert str(archive) not in mapped
    finally:
        archive.write_bytes(whole)


class Asked:
    """A broker that cannot be had, and how often it was asked for."""

    def __init__(self) -> None:
        self.times = 0

    def __call__(self, _home: Path, _option: str) -> tuple[list[str], int]:
        self.times += 1
        raise ServerUnavailable("the folder of what was downloaded is full")


def java_in(folder: Path, release: str | None) -> Path:
    """Return the path of a Java of which a file tells the version."""
    (folder / "bin").mkdir(parents=True)
    if release is not None:
        (folder / "release").write_text(f'IMPLEMENTOR="x"\n{release}\n')
    return folder / "bin" / "java"


def test_who_comes_second_does_not_wait(tmp_path: Path) -> None:
    """While somebody makes it others start without it, and so does who may not write there."""
    java, asked = java_in(tmp_path, 'JAVA_VERSION="25.0.2"'), Asked()
    archive = KafkaArchive(tmp_path, "1", java)
    guard = tmp_path / "kafka-1-java-25.0.2.aot.lock"
    with guard.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        archive.make_once(asked, bool)
    guard.unlink()
    guard.mkdir()
    archive.make_once(asked, bool)
    assert asked.times == 0
    guard.rmdir()
    archive.make_once(asked, bool)
    assert (asked.times, archive.options()) == (1, [])
    assert set(tmp_path.iterdir()) == {guard, tmp_path / "release", tmp_path / "bin"}


@pytest.mark.parametrize(
    ("release", "able"),
    [
        ('JAVA_VERSION="25"', True),
        ('JAVA_VERSION="26.0.1-ea"', True),
        ('JAVA_VERSION="21.0.9"', False),
        ("nothing", False),
        (None, False),
    ],
)
def test_only_a_java_that_can_is_asked(release: str | None, able: bool, tmp_path: Path) -> None:
    """An older one would not start at all with an option that it does not know."""
    java, asked = java_in(tmp_path, release), Asked()
    found = KafkaArchive(tmp_path, "1", java)
    found.make_once(asked, bool)
    for version in ("21.0.9", "25", "26.0.1-ea", ""):
        (tmp_path / f"kafka-1-java-{version}.aot").touch()
    assert (asked.times, bool(found.options())) == (int(able), able)
