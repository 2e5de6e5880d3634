"""What every embedded server has in common, so that whoever starts them need not know which."""

import random
import socket
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

LOOPBACK = "127.0.0.1"
LINGER_SECONDS = 3.0
# The system's own: two processes that have seeded Python's alike must not choose the same ports.
_CHOICES = random.SystemRandom()


class ServerUnavailable(RuntimeError):
    """A server cannot be had; the message is one sentence with the remedy."""


@dataclass(frozen=True, slots=True)
class RunningServer:
    """Where a started server is: its process and its TCP port on the loopback address."""

    pid: int
    port: int


class EmbeddedServer(Protocol):
    """One server of a home; every method may be called again at any time.

    The order is `prepare`, `start`, then `ready` until it is true (see `wait_until_ready`).
    The process outlives whoever started it: a later `start` on the same home adopts it.
    """

    name: str

    def prepare(self) -> None:
        """Make what the first start needs (format, initdb); raises `ServerUnavailable`."""

    def start(self) -> RunningServer:
        """Start it, or adopt the one that runs; does not wait; raises `ServerUnavailable`."""

    def running(self) -> RunningServer | None:
        """Return the server of this home that lives now, whoever started it."""

    def alive(self) -> bool:
        """Say whether its process lives."""

    def ready(self) -> bool:
        """Say whether it answers its clients now."""

    def stop(self, timeout_seconds: float) -> None:
        """End it cleanly, after the time-out by force; nothing happens when none runs."""

    def last_words(self) -> str:
        """Return the last lines of its log, for a message that says why it ended."""


def wait_until_ready(server: EmbeddedServer, timeout_seconds: float) -> None:
    """Wait until the server answers; raises `ServerUnavailable` when it ends or takes too long."""
    deadline = time.monotonic() + timeout_seconds
    while not server.ready():
        if not server.alive():
            raise ServerUnavailable(f"{server.name} ended while starting: {server.last_words()}")
        if time.monotonic() > deadline:
            raise ServerUnavailable(
                f"{server.name} does not answer after {timeout_seconds:.0f} s,"
                f" try ./falcon down and ./falcon up: {server.last_words()}"
            )
        time.sleep(0.03)


def port_is_free(port: int, host: str = LOOPBACK) -> bool:
    """Say whether nobody listens on this port of the address."""
    with socket.socket() as probe:
        # Without this a port whose last connections linger in TIME_WAIT would look occupied.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
    return True


def free_port() -> int:
    """Return a port of the loopback address on which nobody listens.

    It lies below those that the system gives to clients, so that none of them takes it while its
    server is away for a moment.
    """
    for _ in range(1000):
        port = _CHOICES.randrange(20_000, 32_000)
        if port_is_free(port):
            return port
    raise ServerUnavailable("No port between 20000 and 32000 is free: end what occupies them.")


def kept_ports(path: Path, count: int = 1) -> tuple[int, ...]:
    """Return this server's ports: those kept in the file, or new ones when one is occupied."""
    try:
        ports = tuple(int(word) for word in path.read_text().split())
    except (OSError, ValueError):
        ports = ()
    if len(ports) != count or not all(map(_is_free_soon, ports)):
        ports = _distinct_free_ports(count)
        path.write_text(" ".join(map(str, ports)))
    return ports


def _is_free_soon(port: int) -> bool:
    """Wait a moment for the threads of a killed server, which hold its port after its leader."""
    deadline = time.monotonic() + LINGER_SECONDS
    while not port_is_free(port):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def _distinct_free_ports(count: int) -> tuple[int, ...]:
    ports: set[int] = set()
    while len(ports) < count:
        ports.add(free_port())
    return tuple(sorted(ports))


def tail(log: Path, lines: int = 4) -> str:
    """Return the last lines of a log as one line of text."""
    try:
        with log.open("rb") as file:
            file.seek(max(0, log.stat().st_size - 4096))
            found: Sequence[str] = file.read().decode(errors="replace").splitlines()
    except OSError:
        return f"(no log in {log})"
    words = [line.strip() for line in found if line.strip()][-lines:]
    return f"{' | '.join(words) or 'nothing said'} (in {log})"
