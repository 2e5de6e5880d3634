"""Old movements moved to an archive while money moves, and a move that is cut off."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from tests.faults.ground import Ground, NotStruck
from tests.faults.kinds import Kind
from tests.faults.kinds.points import met
from tests.faults.sessions import administration

ROOT = Path(__file__).parents[3]
AWAY = 3
"""The exit code of a command whose database, or whose turn, is not there."""

EPOCH = "SELECT max(number) FROM ledger_main.epoch"
TRIES = 3
BEGINS_SECONDS = 30.0
CUT_OFF_SECONDS = (0.0, 0.5)
"""When a move is killed, from the moment when it is connected: anywhere in its work."""


def _words(ground: Ground) -> list[str]:
    """Return the command: all that is sealed by now counts as old."""
    with administration(ground, "ledger") as connection:
        row = connection.execute(EPOCH).fetchone()
    assert row is not None, "a ledger has its first epoch"
    place = ground.logs / f"archive-{row[0]}"
    return ["archive", "--to", str(place), "--older-than", "0", "--move"]


def _move(ground: Ground) -> None:
    """Move to its end; an archive that does not hold what was sealed is a fault of the product."""
    why = ""
    for _ in range(TRIES):
        done = ground.system.falcon(*_words(ground), "--json")
        if done.returncode == 0:
            moved = json.loads(done.stdout)["moved"]
            ground.note(f"{moved} events were moved", moved=moved)
            return
        if done.returncode != AWAY:
            ground.complain(f"a move ended with {done.returncode}: {done.stderr}")
            return
        why = done.stderr.strip()
        ground.pause(2)
    raise NotStruck(f"nothing could be moved: {why}")


def _move_cut_off(ground: Ground) -> None:
    """Kill a move somewhere in its work; the next one goes on, whatever was left."""
    with subprocess.Popen(
        [sys.executable, "-m", "interfaces.cli", *_words(ground)],
        cwd=ROOT,
        env=ground.system.environ,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as process:
        try:
            with administration(ground, "ledger") as connection:
                met(ground, connection, "archiver", lambda _session: True, BEGINS_SECONDS)
            time.sleep(ground.choose.uniform(*CUT_OFF_SECONDS))
        finally:
            os.kill(process.pid, signal.SIGKILL)
    ground.note("a move was killed", code=process.returncode)
    _move(ground)


# Without the role that puts it on record a move rightly ends with a sentence, and proves nothing.
KINDS = (
    Kind("move old movements to an archive", _move, alone=True),
    Kind("kill a move and do it again", _move_cut_off, alone=True),
)
"""The kinds of this module."""
