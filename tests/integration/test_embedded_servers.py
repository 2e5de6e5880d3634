"""Every embedded server starts, is found again, and comes back with its data after kill -9."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil
import psycopg
import pytest
import valkey
from confluent_kafka import Consumer, Producer, TopicPartition
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic

from infrastructure.embedded.kafka import Kafka
from infrastructure.embedded.postgres import Postgres
from infrastructure.embedded.process import WAIT_FOR_RECORD, HomeServer
from infrastructure.embedded.server import (
    EmbeddedServer,
    ServerUnavailable,
    wait_until_ready,
)
from infrastructure.embedded.valkey import Valkey
from infrastructure.secrets import Secrets
from infrastructure.settings import read_settings
from interfaces.supervisor.server_keeper import ServerKeeper
from tests.plain_gateway import answer_of, plain_gateway
from tests.servers import chosen_binaries

READY_SECONDS = 60


@dataclass(frozen=True, slots=True)
class Case:
    """One kind of server, with a way to put something into it and to find it again."""

    make: Callable[[Path], EmbeddedServer]
    put: Callable[[EmbeddedServer], None]
    found: Callable[[EmbeddedServer], bool]


def _postgres(home: Path) -> EmbeddedServer:
    return Postgres(home, Secrets(home, {}), chosen_binaries())


def _put_row(server: EmbeddedServer) -> None:
    assert isinstance(server, Postgres)
    with psycopg.connect(server.admin_conninfo()) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 42 AS number")


def _found_row(server: EmbeddedServer) -> bool:
    assert isinstance(server, Postgres)
    with psycopg.connect(server.admin_conninfo()) as connection:
        return connection.execute("SELECT number FROM kept").fetchall() == [(42,)]


def _kafka(home: Path) -> EmbeddedServer:
    return Kafka(home, read_settings().cache)


def _put_message(server: EmbeddedServer) -> None:
    assert isinstance(server, Kafka)
    admin = AdminClient({"bootstrap.servers": server.bootstrap(), "log_level": 0})
    admin.create_topics([NewTopic("kept", 1, 1)])["kept"].result(20)
    failed: list[object] = []
    producer = Producer({"bootstrap.servers": server.bootstrap(), "acks": "all", "log_level": 0})
    producer.produce("kept", b"42", on_delivery=lambda error, _: failed.append(error))
    producer.flush(20)
    assert failed == [None]


def _found_message(server: EmbeddedServer) -> bool:
    assert isinstance(server, Kafka)
    consumer = Consumer(
        {"bootstrap.servers": server.bootstrap(), "group.id": "test", "log_level": 0}
    )
    consumer.assign([TopicPartition("kept", 0, 0)])
    try:
        message = consumer.poll(20)
        return message is not None and message.value() == b"42"
    finally:
        consumer.close()


def _valkey(home: Path) -> EmbeddedServer:
    return Valkey(home, Secrets(home, {}))


def _put_key(server: EmbeddedServer) -> None:
    assert isinstance(server, Valkey)
    with valkey.Valkey.from_url(server.url()) as client:
        client.set("kept", "42")
        client.waitaof(1, 0, 2000)


def _found_key(server: EmbeddedServer) -> bool:
    assert isinstance(server, Valkey)
    with valkey.Valkey.from_url(server.url()) as client:
        return bool(client.get("kept") == b"42")


CASES = {
    "postgres": Case(_postgres, _put_row, _found_row),
    "kafka": Case(_kafka, _put_message, _found_message),
    "valkey": Case(_valkey, _put_key, _found_key),
    "gateway": Case(plain_gateway, lambda server: None, lambda server: answer_of(server) == "one"),
}


@pytest.fixture(params=CASES)
def case(request: pytest.FixtureRequest) -> Case:
    return CASES[request.param]


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Path]:
    """Give a home whose servers are ended at the end of the test, whatever happened."""
    yield tmp_path / "home"
    for record in (tmp_path / "home").glob("servers/*/process.json"):
        CASES[record.parent.name].make(tmp_path / "home").stop(10)


def _start(server: EmbeddedServer) -> EmbeddedServer:
    server.prepare()
    server.start()
    wait_until_ready(server, READY_SECONDS)
    return server


def _pid(server: EmbeddedServer) -> int:
    running = server.running()
    assert running is not None
    return running.pid


def test_a_server_is_adopted_and_comes_back_with_its_data(case: Case, home: Path) -> None:
    """A second launcher finds the same process; after kill -9 the data and the port are kept."""
    first = _start(case.make(home))
    case.put(first)
    second = case.make(home)
    second.prepare()
    assert second.start() == first.running()
    port = second.start().port
    os.kill(_pid(first), signal.SIGKILL)
    while first.alive():
        time.sleep(0.01)
    assert not second.ready()
    third = _start(case.make(home))
    assert third.start().port == port
    assert case.found(third)
    third.stop(20)
    assert not third.alive()
    third.stop(20)


def test_a_server_lives_on_when_its_starter_is_killed(home: Path) -> None:
    """The server is in a session of its own, so neither kill -9 nor Ctrl-C of `up` reaches it."""
    starter = subprocess.Popen(
        [
            *(sys.executable, "-c"),
            "import pathlib, sys, time\n"
            "from infrastructure.embedded.valkey import Valkey\n"
            "from infrastructure.secrets import Secrets\n"
            "home = pathlib.Path(sys.argv[1])\n"
            "server = Valkey(home, Secrets(home, {}))\n"
            "server.prepare()\n"
            "print(server.start().pid, flush=True)\n"
            "time.sleep(60)\n",
            str(home),
        ],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert starter.stdout is not None
    pid = int(starter.stdout.readline())
    starter.kill()
    starter.communicate()
    server = _valkey(home)
    wait_until_ready(server, READY_SECONDS)
    assert _pid(server) == pid
    assert os.getsid(pid) == pid


@pytest.mark.parametrize("seen", [True, False])
def test_a_keeper_adopts_what_was_started_instead(home: Path, seen: bool) -> None:
    """Whether or not it saw the end, it knows the process that somebody else has started."""
    keeper = ServerKeeper(_valkey(home), lambda *words, **facts: None)
    keeper.server.prepare()
    keeper.start()
    os.kill(keeper.part().pid, signal.SIGKILL)
    while keeper.server.alive():
        time.sleep(0.01)
    if seen:
        _keep_until(keeper, lambda: keeper.part().pid == 0)
    other = _start(_valkey(home))
    _keep_until(keeper, lambda: keeper.part().pid == _pid(other))
    assert keeper.part().port == other.start().port


def _keep_until(keeper: ServerKeeper, met: Callable[[], bool]) -> None:
    deadline = time.monotonic() + READY_SECONDS
    while not met():
        assert time.monotonic() < deadline, keeper.part()
        keeper.keep()
        time.sleep(0.01)


def test_a_server_never_runs_unrecorded(tmp_path: Path) -> None:
    """A starter that is killed before it wrote the process id down leaves nothing running."""
    mark = tmp_path / "ran"
    child = subprocess.Popen(
        ["/bin/sh", "-c", WAIT_FOR_RECORD, "sh", "touch", str(mark)], stdin=subprocess.PIPE
    )
    child.communicate()
    assert not mark.exists()


def test_an_occupied_port_is_chosen_again(home: Path) -> None:
    """Somebody else's program on the kept port is left alone; the server takes another one."""
    server = _start(_valkey(home))
    port = server.start().port
    server.stop(10)
    with socket.create_server(("127.0.0.1", port)):
        moved = _start(_valkey(home)).start().port
        assert moved != port
    server.stop(10)
    assert _start(_valkey(home)).start().port == moved


@pytest.mark.parametrize("how", ["other start time", "damaged", "dead process"])
def test_a_stranger_is_never_taken_for_the_server(how: str, home: Path) -> None:
    """Process ids are given again, so the number alone neither proves nor stops anything."""
    server = _valkey(home)
    server.prepare()
    stranger = subprocess.Popen(["sleep", "60"])
    started = psutil.Process(stranger.pid).create_time() - psutil.boot_time()
    record = {"pid": stranger.pid, "port": 1, "started": started}
    if how == "other start time":
        record["started"] = started - 100
    if how == "dead process":
        stranger.kill()
        stranger.wait()
    text = "{" if how == "damaged" else json.dumps(record)
    (home / "servers" / "valkey" / "process.json").write_text(text)
    try:
        assert server.running() is None
        server.stop(1)
        assert (stranger.poll() is None) == (how != "dead process")
        assert _start(_valkey(home)).start().pid != stranger.pid
    finally:
        stranger.kill()
        stranger.wait()


def test_a_server_that_ignores_its_signal_is_ended_by_force(tmp_path: Path) -> None:
    """After the time-out the whole group is killed, so `down` always comes to an end."""
    server = _Deaf(tmp_path)
    pid = server.start_deaf()
    server.stop(0.3)
    assert not psutil.pid_exists(pid)


class _Deaf(HomeServer):
    name = "deaf"

    def start_deaf(self) -> int:
        self._folder.mkdir(parents=True)
        running = self._spawn(["sh", "-c", "trap '' TERM; echo on; sleep 60; sleep 60"], 1)
        while "on" not in self.last_words():
            assert self.running() == running
        return running.pid


def test_a_server_that_ends_while_starting_says_why(home: Path) -> None:
    """The message carries the last lines of the log, which name the reason."""
    server = _valkey(home)
    server.prepare()
    (home / "servers" / "valkey" / "data" / "appendonlydir").write_text("not a folder")
    server.start()
    with pytest.raises(ServerUnavailable, match=r"valkey ended while starting: .*appendonlydir"):
        wait_until_ready(server, READY_SECONDS)
