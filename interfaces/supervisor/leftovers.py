"""Ends what a supervisor that was killed left behind, and nothing of anybody else's."""

import shutil
from pathlib import Path

from interfaces.supervisor.plan import figures_folder
from interfaces.supervisor.processes import end, lives
from interfaces.supervisor.state import forget, read_state

DRAIN_SECONDS = 10.0


def clear_leftovers(home: Path) -> list[str]:
    """End roles that outlived their supervisor and return their names; servers go on."""
    state = read_state(home)
    left = [part for part in state.roles if lives(part.process)] if state else []
    end({part.process for part in left}, DRAIN_SECONDS)
    # Figures begin anew with each system, as those of a single process do.
    shutil.rmtree(figures_folder(home), ignore_errors=True)
    for output in (home / "logs").glob("*.out"):
        output.unlink(missing_ok=True)
    forget(home)
    return [part.name for part in left]
