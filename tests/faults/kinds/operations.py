"""What operators do while money moves: close a period, and rebuild read models, also cut off."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from projections.catalogue import CATALOGUE
from tests.faults.closing import close_under_load
from tests.faults.ground import Ground, NotStruck
from tests.faults.kinds import Kind
from tests.faults.kinds.points import met
from tests.faults.sessions import administration

ROOT = Path(__file__).parents[3]
NAMES = tuple(projection.name for projection in CATALOGUE)
AWAY = 3
"""The exit code of a command whose database, or whose turn, is not there."""

TRIES = 3
BEGINS_SECONDS = 15.0
CUT_OFF_SECONDS = (0.0, 1.0)
"""When a rebuild is killed, from the moment when it is connected: anywhere in its work."""


def _rebuild(ground: Ground, name: str) -> None:
    """Rebuild a read model to its end; a comparison that fails is a fault of the product."""
    words = ["replay", "rebuild", name, "--json"]
    words += ["--drop-old"] if ground.choose.random() < 0.5 else []
    why = ""
    for _ in range(TRIES):
        ground.note(f"{name} is being rebuilt", rebuild="begun")
        done = ground.system.falcon(*words)
        if done.returncode == 0:
            told = json.loads(done.stdout)
            facts = {fact: told[fact] for fact in ("position", "began_at", "attempts")}
            ground.note(f"{name} was rebuilt", rebuild="done", **facts)
            return
        if done.returncode != AWAY:
            ground.complain(f"a rebuild of {name} ended with {done.returncode}: {done.stderr}")
            return
        why = done.stderr.strip()
        ground.pause(2)
    raise NotStruck(f"{name} could not be rebuilt: {why}")


def _rebuild_whole(ground: Ground) -> None:
    _rebuild(ground, ground.choose.choice(NAMES))


def _rebuild_cut_off(ground: Ground) -> None:
    """Kill a rebuild somewhere in its work; the next one goes on, whatever was left."""
    name = ground.choose.choice(NAMES)
    ground.note(f"{name} is being rebuilt, to be killed", rebuild="begun")
    with subprocess.Popen(
        [sys.executable, "-m", "interfaces.cli", "replay", "rebuild", name],
        cwd=ROOT,
        env=ground.system.environ,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as process:
        try:
            with administration(ground, "reports") as connection:
                met(ground, connection, "rebuild", lambda _session: True, BEGINS_SECONDS)
            time.sleep(ground.choose.uniform(*CUT_OFF_SECONDS))
        finally:
            os.kill(process.pid, signal.SIGKILL)
    ground.note(f"a rebuild of {name} was killed", code=process.returncode)
    _rebuild(ground, name)


# A rebuild beside read models that begin anew, or whose server is away, rightly ends with a
# sentence, and proves nothing: so nothing else strikes meanwhile.
KINDS = (
    Kind("close a period under load", close_under_load),
    Kind("rebuild a read model", _rebuild_whole, alone=True),
    Kind("kill a rebuild and do it again", _rebuild_cut_off, alone=True),
)
"""The kinds of this module."""
