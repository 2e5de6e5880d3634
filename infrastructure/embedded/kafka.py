"""Apache Kafka of this home: one process that is broker and controller, without ZooKeeper."""

import shutil
import socket
import struct
import subprocess
import uuid
from collections.abc import Sequence
from pathlib import Path

from infrastructure.embedded.kafka_archive import KafkaArchive
from infrastructure.embedded.kafka_jars import KAFKA_VERSION, Progress, java_runtime, kafka_jars
from infrastructure.embedded.process import HomeServer, writing_to
from infrastructure.embedded.server import (
    LOOPBACK,
    RunningServer,
    ServerUnavailable,
    kept_ports,
)

# Metadata, version 5, for no topic: header (key, version, correlation id, client name), an empty
# list of topics, and no automatic creation. The answer begins with length, correlation id,
# throttle time and the number of brokers, which is zero while the broker is not yet taken in.
METADATA_REQUEST = struct.pack(">hhih4sib", 3, 5, 7, 4, b"falc", 0, 0)

JVM_OPTIONS = (
    # All of the heap from the start: one that is touched bit by bit looks like a leak for hours,
    # and the machine that has room at first has none later.
    "-Xms128m",
    "-Xmx128m",
    "-XX:+AlwaysPreTouch",
    "-XX:+UseSerialGC",
    "-XX:TieredStopAtLevel=1",
    "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
    "-Dorg.slf4j.simpleLogger.log.kafka.server.KafkaRaftServer=info",
    "-Dorg.slf4j.simpleLogger.showDateTime=true",
    "-Dorg.slf4j.simpleLogger.dateTimeFormat=yyyy-MM-dd'T'HH:mm:ss.SSSXXX",
)

PROPERTIES = {
    "node.id": "1",
    "process.roles": "broker,controller",
    "controller.listener.names": "CONTROLLER",
    "listener.security.protocol.map": "BROKER:PLAINTEXT,CONTROLLER:PLAINTEXT",
    "inter.broker.listener.name": "BROKER",
    "auto.create.topics.enable": "false",
    "num.network.threads": "2",
    "num.io.threads": "2",
    "offsets.topic.replication.factor": "1",
    "offsets.topic.num.partitions": "1",
    "transaction.state.log.replication.factor": "1",
    "transaction.state.log.min.isr": "1",
    "transaction.state.log.num.partitions": "1",
    "share.coordinator.state.topic.replication.factor": "1",
    "share.coordinator.state.topic.min.isr": "1",
    "group.initial.rebalance.delay.ms": "0",
    "group.consumer.heartbeat.interval.ms": "500",
    "group.consumer.min.heartbeat.interval.ms": "200",
    # The default of 128 MB does not fit into this heap, and Kafka would die at its start.
    "log.cleaner.dedupe.buffer.size": "4194304",
    # After kill -9 the controller first waits for the old broker's session to end.
    "broker.session.timeout.ms": "1500",
    "broker.heartbeat.interval.ms": "300",
}


class Kafka(HomeServer):
    """The home's Apache Kafka in KRaft mode; `cache` is where its jars are kept."""

    name = "kafka"

    def __init__(self, home: Path, cache: Path, progress: Progress | None = None) -> None:
        """Point at a home and a cache; `progress` is told of jars being fetched."""
        super().__init__(home)
        self._cache = cache
        self._progress = progress

    def prepare(self) -> None:
        """Fetch the jars, archive their classes and format the storage, each of them once.

        Raises `ServerUnavailable`.
        """
        self._jars()
        self._archive().make_once(self._trained, _answers)
        self._format()

    def start(self) -> RunningServer:
        """Start Kafka or adopt the one that runs; raises `ServerUnavailable`."""
        running = self.running()
        if running is not None:
            return running
        # Its storage may have been lost: the topic is written again from the store.
        self._format()
        command, port = self._broker(self._archive().options())
        return self._spawn(command, port)

    def ready(self) -> bool:
        """Say whether the broker answers and has been taken in by the controller."""
        running = self.running()
        return running is not None and _answers(running.port)

    def bootstrap(self) -> str:
        """Return `host:port` for clients; raises `ServerUnavailable` when none runs."""
        return f"{LOOPBACK}:{self.port()}"

    def _format(self) -> None:
        if (self._data / "meta.properties").exists():
            return
        draft = self._folder / "data.new"
        shutil.rmtree(draft, ignore_errors=True)
        with writing_to(self._folder):
            draft.mkdir(parents=True)
            properties = self._write_properties(draft, kept_ports(self._folder / "port", 2))
        tool = ["kafka.tools.StorageTool", "format", "--standalone", "-c", str(properties)]
        done = subprocess.run(
            [*self._java(self._archive().options()), *tool, "-t", uuid.uuid4().hex[:22]],
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode != 0:
            said = (done.stderr or done.stdout).strip().splitlines() or ["no reason given"]
            raise ServerUnavailable(
                f"Kafka's storage in {self._data} cannot be formatted: {said[-1]}"
                " (make room or choose another FALCONPAY_HOME)"
            )
        # The rename comes last: a folder named `data` is always a formatted one.
        draft.rename(self._data)

    def _broker(self, options: Sequence[str]) -> tuple[list[str], int]:
        """Return what starts the broker, and its port."""
        with writing_to(self._folder):
            ports = kept_ports(self._folder / "port", 2)
            properties = self._write_properties(self._data, ports)
        return [*self._java(options), "kafka.Kafka", str(properties)], ports[0]

    def _trained(self, home: Path, option: str) -> tuple[list[str], int]:
        """Do as `_broker` for one of another home, which is new."""
        trained = Kafka(home, self._cache)
        trained._format()
        return trained._broker([option])

    def _jars(self) -> tuple[Path, ...]:
        return kafka_jars(self._cache, self._progress)

    def _java(self, options: Sequence[str]) -> list[str]:
        class_path = ":".join(map(str, self._jars()))
        return [str(java_runtime()), *JVM_OPTIONS, *options, "-cp", class_path]

    def _archive(self) -> KafkaArchive:
        return KafkaArchive(self._cache, KAFKA_VERSION, java_runtime())

    def _write_properties(self, data: Path, ports: tuple[int, ...]) -> Path:
        broker, controller = (f"{LOOPBACK}:{port}" for port in ports)
        own = {
            "log.dirs": str(data),
            "listeners": f"BROKER://{broker},CONTROLLER://{controller}",
            "advertised.listeners": f"BROKER://{broker}",
            "controller.quorum.bootstrap.servers": controller,
        }
        path = self._folder / "server.properties"
        path.write_text("".join(f"{name}={text}\n" for name, text in {**PROPERTIES, **own}.items()))
        return path


def _answers(port: int) -> bool:
    """Say whether a broker answers there and has been taken in by its controller."""
    try:
        with socket.create_connection((LOOPBACK, port), timeout=2) as connection:
            size = struct.pack(">i", len(METADATA_REQUEST))
            connection.sendall(size + METADATA_REQUEST)
            answer = connection.makefile("rb").read(16)
    except OSError:
        return False
    return len(answer) == 16 and bool(struct.unpack(">iiii", answer)[3] > 0)
