"""A throw-away home with the real system in it, started and stopped by the command line."""

import contextlib
import json
import os
import random
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
from psycopg.conninfo import make_conninfo

from infrastructure.databases.logins import Database, database_name
from infrastructure.embedded.postgres import Postgres
from infrastructure.secrets import Secrets
from infrastructure.settings import Settings, read_settings

ROOT = Path(__file__).parents[1]


def free_ports(count: int = 5) -> int:
    """Return the first of so many free ports side by side, below those that clients get."""
    while True:
        first = random.randrange(20_000, 32_000)
        with contextlib.ExitStack() as probes, contextlib.suppress(OSError):
            for port in range(first, first + count):
                probes.enter_context(socket.socket()).bind(("127.0.0.1", port))
            return first


@dataclass(frozen=True, slots=True)
class Place:
    """One home and its first port."""

    home: Path
    port: int

    @property
    def environ(self) -> dict[str, str]:
        """The environment in which every command runs."""
        kept = ("FALCONPAY_CACHE",)
        return {
            **{k: v for k, v in os.environ.items() if not k.startswith("FALCONPAY_") or k in kept},
            "FALCONPAY_HOME": str(self.home),
            "FALCONPAY_PORT": str(self.port),
            # What is paused for a measurement is not to be taken for a role that hangs.
            "FALCONPAY_SILENT_SECONDS": "0",
        }

    @property
    def settings(self) -> Settings:
        """The settings of the running home."""
        return read_settings(self.environ)

    @property
    def secrets(self) -> Secrets:
        """The secrets of the home."""
        return Secrets(self.home, {})

    def admin(self, database: Database) -> str:
        """Return the superuser's connection string, to set up a baseline."""
        return make_conninfo(
            Postgres(self.home, self.secrets).admin_conninfo(),
            dbname=database_name(self.settings, database),
            options=f"-c search_path={_schema(self.settings, database)}",
        )

    @contextlib.contextmanager
    def fan_out_paused(self) -> Iterator[None]:
        """Stop relay and projector for a while, as SIGSTOP does."""
        names = {"relay", "projector"}
        pids = {role["pid"] for role in self.status()["roles"] if role["name"] in names}
        for pid in pids:
            os.kill(pid, signal.SIGSTOP)
        try:
            yield
        finally:
            for pid in pids:
                os.kill(pid, signal.SIGCONT)

    def falcon(self, *arguments: str) -> str:
        """Run a command of the command line; raises `CalledProcessError` where it fails."""
        done = subprocess.run(
            [sys.executable, "-m", "interfaces.cli", *arguments],
            env=self.environ,
            cwd=ROOT,
            stdout=subprocess.PIPE,
            text=True,
            check=True,
        )
        return done.stdout

    @property
    def urls(self) -> dict[str, str]:
        """Where each API of the running home is."""
        found: dict[str, str] = self.status()["urls"]
        return found

    def up(self) -> float:
        """Start everything; return the seconds until it was ready."""
        started = time.perf_counter()
        self.falcon("up", "--detach")
        return time.perf_counter() - started

    def down(self) -> None:
        """Stop everything."""
        self.falcon("down")

    def status(self) -> dict[str, Any]:
        """Return what `status --json` says."""
        found: dict[str, Any] = json.loads(self.falcon("status", "--json"))
        return found

    def caught_up(self, seconds: float = 120) -> None:
        """Wait until every read model has all events."""
        end = time.monotonic() + seconds
        while any(projection["lag_events"] for projection in self.status()["projections"]):
            assert time.monotonic() < end, "the read models do not catch up"
            time.sleep(0.5)

    def behind(self) -> float:
        """Return the seconds from now until every read model has all events."""
        started = time.monotonic()
        self.caught_up()
        return time.monotonic() - started

    def token(self, subject: str, scope: str, ledger: str = "main") -> str:
        """Return a signed token for two hours."""
        arguments = ("--subject", subject, "--scope", scope, "--expires-in", "7200")
        return self.falcon("token", "--ledger", ledger, *arguments).strip()

    def memory(self) -> float:
        """Return the memory of everything in MiB, what processes share counted once (PSS)."""
        return sum(proportional_bytes(process) for process in self._processes()) / 2**20

    def _processes(self) -> set[psutil.Process]:
        found: set[psutil.Process] = set()
        status = self.status()
        for part in (*status["roles"], *status["servers"]):
            process = psutil.Process(part["pid"])
            found |= {process, *process.children(recursive=True)}
        supervisor = psutil.Process(status["roles"][0]["pid"]).parent()
        return found | ({supervisor} if supervisor else set())


def _schema(settings: Settings, database: Database) -> str:
    return settings.reports_schema if database == "reports" else settings.ledger_schema


def proportional_bytes(process: psutil.Process) -> int:
    """Return a process's part of the memory it shares (PSS); 0 when it has ended."""
    try:
        return int(process.memory_full_info().pss)
    except psutil.NoSuchProcess:
        return 0
