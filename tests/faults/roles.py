"""Roles as processes of their own, to be killed and started again in any order."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType

import httpx

from domain.identifiers import WalletId
from tests.events_writer import EventsWriter
from tests.fan_out import FanOut, until
from tests.read_model_fold import checkpoints, folded_rows, stored_rows
from tests.servers import FreshDatabases, free_port

ROOT = Path(__file__).parents[2]


@dataclass
class RoleProcess:
    """One process of one or more roles with its health port."""

    databases: FreshDatabases
    names: str
    port: int = field(default_factory=free_port)
    child: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        log = self.databases.settings.home / f"{self.names}-{self.port}.log"
        with log.open("ab") as output:
            self.child = subprocess.Popen(
                [sys.executable, "-m", "interfaces.cli", "run", self.names],
                cwd=ROOT,
                env={**self.databases.environ, "FALCONPAY_HEALTH_PORT": str(self.port)},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
            )

    def kill(self) -> None:
        """End it as kill -9 does."""
        assert self.child is not None
        self.child.kill()
        self.child.wait(10)

    def pause(self, stopped: bool) -> None:
        """Let it stand still, or go on."""
        assert self.child is not None
        os.kill(self.child.pid, signal.SIGSTOP if stopped else signal.SIGCONT)

    def terminate(self) -> int:
        """End it as its supervisor does, and return its exit code."""
        assert self.child is not None
        self.child.terminate()
        return self.child.wait(15)

    def exit_code(self) -> int:
        """Return the exit code of a process that ends by itself."""
        assert self.child is not None
        return self.child.wait(30)

    def ask(self, path: str) -> tuple[int, str]:
        """Return status and body of a health route, 0 when nobody answers."""
        try:
            answer = httpx.get(f"http://127.0.0.1:{self.port}{path}", timeout=5)
        except httpx.HTTPError:
            return 0, ""
        return answer.status_code, answer.text

    def ready(self) -> bool:
        return self.ask("/readyz")[0] == 200

    def figure(self, name: str) -> float | None:
        """Return a figure of `/metrics` by its name; of several by labels, the first."""
        for line in self.ask("/metrics")[1].splitlines():
            if line.startswith((f"{name} ", f"{name}{{")):
                return float(line.split()[-1])
        return None


@contextmanager
def roles(databases: FreshDatabases, *names: str) -> Iterator[list[RoleProcess]]:
    """Start processes of these roles; whatever lives at the end is ended."""
    processes = [RoleProcess(databases, name) for name in names]
    try:
        for process in processes:
            process.start()
        yield processes
    finally:
        for process in processes:
            if process.child is not None and process.child.poll() is None:
                process.pause(stopped=False)
                process.kill()


def lag(databases: FreshDatabases) -> int:
    """Return how many events some projection has not applied yet."""
    positions = [position for position, _ in checkpoints(databases).values()]
    return FanOut(databases).head() - min(positions, default=-1)


def assert_projected(databases: FreshDatabases) -> None:
    """Wait until every read model is at the end, and compare them with a fold."""
    until(lambda: lag(databases) == 0, 60)
    assert stored_rows(databases) == folded_rows(databases)


class Load:
    """Commands that come all the time, written by a thread; use it as a context."""

    def __init__(self, databases: FreshDatabases, seed: int = 0) -> None:
        self.writer = EventsWriter(databases.connect("command"), seed)
        self.wallets: list[WalletId] = [self.writer.open(kind="system") for _ in range(8)]
        self.writer.flush()
        self.last = 0
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._write)

    def _write(self) -> None:
        while not self._stop.wait(0.01):
            self.writer.busy(self.wallets, 5)
            self.last = self.writer.flush().last

    def __enter__(self) -> "Load":
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        fault: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stop.set()
        self._thread.join()
