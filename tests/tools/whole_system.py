"""Runs `up` as a person does, on a throw-away home and free ports, for tests from outside."""

import contextlib
import json
import os
import random
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import psutil

ROOT = Path(__file__).parents[2]
LEFT_HOME = re.compile(r"falconpay-e2e-(\d+)-")


class WholeSystem:
    """One home and what runs in it, reached by the command line and nothing else."""

    def __init__(self, home: Path | None = None, **settings: str) -> None:
        """Take a home, or make an empty one, and four free ports; nothing runs yet."""
        self.home = home or Path(tempfile.mkdtemp(prefix=f"falconpay-e2e-{os.getpid()}-"))
        self.port = four_free_ports()
        self.welcome = ""
        self.environ = {
            **{name: text for name, text in os.environ.items() if "FALCONPAY_" not in name},
            **{name: os.environ[name] for name in ("FALCONPAY_CACHE",) if name in os.environ},
            "FALCONPAY_HOME": str(self.home),
            "FALCONPAY_PORT": str(self.port),
            **settings,
        }

    def falcon(self, *words: str, **settings: str) -> subprocess.CompletedProcess[str]:
        """Run one command to its end."""
        return subprocess.run(
            [sys.executable, "-m", "interfaces.cli", *words],
            cwd=ROOT,
            env={**self.environ, **settings},
            capture_output=True,
            text=True,
            check=False,
            timeout=180,
        )

    def up(self, *options: str) -> str:
        """Start detached and return what a person then reads, also kept in `welcome`."""
        done = self.falcon("up", "--detach", *options)
        assert done.returncode == 0, done.stderr + done.stdout
        self.welcome = done.stdout
        return done.stdout

    def status(self) -> dict[str, Any]:
        """Return what `status --json` says."""
        done = self.falcon("status", "--json")
        assert done.returncode in (0, 3), done.stderr
        found: dict[str, Any] = json.loads(done.stdout)
        return found

    def token(self, scope: str, subject: str = "tester") -> str:
        """Return a token of this home."""
        done = self.falcon("token", "--subject", subject, "--scope", scope)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def open_wallet(self, key: str) -> int:
        """Return the HTTP status of opening a wallet at the gateway, 0 when nobody answers."""
        headers = {"Authorization": f"Bearer {self.token('wallets')}", "Idempotency-Key": key}
        body = {"name": "Mine", "currency": "EUR"}
        try:
            url = f"http://127.0.0.1:{self.port}/v1/wallets"
            return httpx.post(url, json=body, headers=headers, timeout=10).status_code
        except httpx.HTTPError:
            return 0

    def supervisor(self) -> psutil.Process:
        """Return the supervisor's process."""
        return psutil.Process(json.loads((self.home / "run" / "up.lock").read_text())["pid"])

    def processes(self) -> list[psutil.Process]:
        """Return every process on this machine that was started for this home."""
        mark, found = f"FALCONPAY_HOME={self.home}", []
        for process in psutil.process_iter():
            try:
                words = [*process.cmdline(), *(f"{k}={v}" for k, v in process.environ().items())]
            except psutil.Error:
                continue
            if process.pid != os.getpid() and any(
                word == mark or str(self.home) in word for word in words
            ):
                found.append(process)
        return found

    def close(self) -> None:
        """Stop everything and remove the home."""
        self.falcon("down")
        shutil.rmtree(self.home, ignore_errors=True)


def end_left_systems() -> None:
    """Stop what test runs that were killed have left running."""
    for left in Path(tempfile.gettempdir()).glob("falconpay-e2e-*"):
        match = LEFT_HOME.match(left.name)
        if match and not psutil.pid_exists(int(match[1])):
            system = WholeSystem(left)
            system.close()
            for process in system.processes():
                with contextlib.suppress(psutil.Error):
                    process.kill()


def until(condition: Callable[[], bool], seconds: float, what: str) -> float:
    """Wait until a condition holds and return the seconds it took; fail after so many."""
    begun = time.monotonic()
    while not condition():
        assert time.monotonic() - begun < seconds, f"not within {seconds} s: {what}"
        time.sleep(0.1)
    return time.monotonic() - begun


def four_free_ports() -> int:
    """Return the first of four ports side by side on which nobody listens."""
    for _ in range(200):
        first = random.randrange(20000, 32000, 4)
        probes = [socket.socket() for _ in range(4)]
        try:
            for offset, probe in enumerate(probes):
                probe.bind(("127.0.0.1", first + offset))
        except OSError:
            continue
        else:
            return first
        finally:
            for probe in probes:
                probe.close()
    raise AssertionError("no four free ports side by side")
