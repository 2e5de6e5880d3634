"""Second processes of the roles that `up` runs, each with a proxy before its PostgreSQL."""

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from tests.tools.cutting_proxy import CuttingProxy
from tests.tools.whole_system import WholeSystem, four_free_ports

ROOT = Path(__file__).parents[2]


LOOK_SECONDS = 0.3
WORKERS = ("relay", "projector", "payments", "sealer")


@dataclass
class Other:
    """One process of one role; a keeper starts it again when it ends, but while it is `held`.

    `health` is where it tells its health, for `command-api` also where it takes commands.
    """

    role: str
    environ: Mapping[str, str]
    health: int
    proxy: CuttingProxy
    output: Path
    program: str = "interfaces.cli"
    child: subprocess.Popen[bytes] | None = field(default=None, init=False)
    held: bool = field(default=False, init=False)
    exits: list[int] = field(default_factory=list, init=False)
    _lock: threading.RLock = field(default_factory=threading.RLock, init=False)

    @property
    def pid(self) -> int | None:
        """The id of its process while it lives."""
        return self.child.pid if self.child is not None and self.child.poll() is None else None

    @property
    def url(self) -> str:
        """Where it is reached by HTTP."""
        return f"http://127.0.0.1:{self.health}"

    def ready(self) -> bool:
        """Say whether it has all that it needs."""
        try:
            return httpx.get(f"{self.url}/readyz", timeout=5).status_code == 200
        except httpx.HTTPError:
            return False

    def start(self) -> None:
        """Start it unless it lives."""
        with self._lock, self.output.open("ab") as output:
            if self.pid is not None:
                return
            if self.child is not None:
                self.exits.append(self.child.returncode)
            self.child = subprocess.Popen(
                [sys.executable, "-P", "-m", self.program, "run", self.role],
                env={**self.environ, "PYTHONPATH": str(ROOT)},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                process_group=0,
            )

    def send(self, number: signal.Signals) -> None:
        """Send it a signal, if it lives."""
        with self._lock:
            if self.pid is not None:
                os.kill(self.pid, number)

    def kill(self) -> None:
        """End it as kill -9 does, also while it is paused."""
        with self._lock:
            if self.child is not None:
                self.send(signal.SIGKILL)
                self.child.wait(20)

    def drain(self, seconds: float = 30) -> int:
        """Ask it to end, and return its exit code; only while it is held."""
        assert self.child is not None, "it has been started"
        self.child.terminate()
        return self.child.wait(seconds)

    @contextmanager
    def hold(self) -> Iterator[None]:
        """Keep the keeper from starting it again."""
        with self._lock:
            self.held = True
        try:
            yield
        finally:
            self.held = False


class Keeper:
    """Starts the second processes again when they have ended, as a supervisor would."""

    def __init__(self, others: Mapping[str, Other]) -> None:
        """Start all of them and keep them from now on."""
        self._others = others
        self._stop = threading.Event()
        for other in others.values():
            other.start()
        self._thread = threading.Thread(target=self._keep, daemon=True)
        self._thread.start()

    def close(self) -> None:
        """End them, and what stands before their database."""
        self._stop.set()
        self._thread.join()
        for other in self._others.values():
            other.kill()
            other.proxy.close()

    def _keep(self) -> None:
        while not self._stop.wait(LOOK_SECONDS):
            for other in self._others.values():
                if not other.held:
                    other.start()


def others_of(system: WholeSystem, folder: Path) -> dict[str, Other]:
    """Return a second process of each role for a system that is up; none is started yet."""
    settings = json.loads((system.home / "run" / "endpoints.json").read_text())
    made = {}
    for role in ("command-api", *WORKERS):
        proxy = CuttingProxy(int(settings["FALCONPAY_DATABASE_PORT"]))
        first = four_free_ports()
        health = first if role in WORKERS else first + 1
        # What a process is told by its environment comes before what the home says.
        environ = {
            **system.environ,
            "FALCONPAY_PORT": str(first),
            "FALCONPAY_DATABASE_PORT": str(proxy.port),
            "FALCONPAY_HEALTH_PORT": str(first if role in WORKERS else 0),
        }
        made[role] = Other(role, environ, health, proxy, folder / f"second-{role}.log")
    return made
