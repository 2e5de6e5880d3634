"""How a strike runs a command of an operator: to its end with patience, or cut off in its work."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from infrastructure.databases.logins import Database
from tests.faults.ground import Ground, NotStruck
from tests.faults.kinds.points import met
from tests.faults.sessions import administration

ROOT = Path(__file__).parents[3]
AWAY = 3
"""The exit code of a command whose database, or whose turn, is not there."""

TRIES = 3


def ended(
    ground: Ground, words: list[str], trying: Callable[[], None] = lambda: None
) -> dict[str, Any] | None:
    """Run a command to its end; return what it tells, and nothing where that is a fault.

    Before each try `trying` is called.

    Raises `NotStruck` where what it needs is away each time.
    """
    why = ""
    for _ in range(TRIES):
        trying()
        done = ground.system.falcon(*words, "--json")
        if done.returncode == 0:
            told: dict[str, Any] = json.loads(done.stdout)
            return told
        if done.returncode != AWAY:
            ground.complain(f"{' '.join(words)} ended with {done.returncode}: {done.stderr}")
            return None
        why = done.stderr.strip()
        ground.pause(2)
    raise NotStruck(f"{' '.join(words)} could not be done: {why}")


def cut_off(
    ground: Ground,
    words: list[str],
    session: tuple[Database, str],
    begins_seconds: float,
    seconds: tuple[float, float],
) -> int:
    """Kill a command some seconds after it has a session of a login; return how it ended."""
    database, login = session
    with subprocess.Popen(
        [sys.executable, "-m", "interfaces.cli", *words],
        cwd=ROOT,
        env=ground.system.environ,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as process:
        try:
            with administration(ground, database) as connection:
                met(ground, connection, login, lambda _session: True, begins_seconds)
            time.sleep(ground.choose.uniform(*seconds))
        finally:
            os.kill(process.pid, signal.SIGKILL)
    return process.returncode
