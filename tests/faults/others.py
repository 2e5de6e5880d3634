"""Second processes of the roles that `up` runs, each with a proxy before its PostgreSQL."""

import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tests.tools.cutting_proxy import CuttingProxy

ROOT = Path(__file__).parents[2]


@dataclass
class Other:
    """One process of one role that no supervisor keeps; whoever ends it starts it again.

    `health` is where it tells its health, for `command-api` also where it takes commands.
    """

    role: str
    environ: Mapping[str, str]
    health: int
    proxy: CuttingProxy
    output: Path
    child: subprocess.Popen[bytes] | None = field(default=None, init=False)

    @property
    def pid(self) -> int | None:
        """The id of its process while it lives."""
        return self.child.pid if self.child is not None and self.child.poll() is None else None

    def start(self) -> None:
        """Start it unless it lives."""
        if self.pid is not None:
            return
        with self.output.open("ab") as output:
            self.child = subprocess.Popen(
                [sys.executable, "-P", "-m", "interfaces.cli", "run", self.role],
                env={**self.environ, "PYTHONPATH": str(ROOT)},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                process_group=0,
            )

    def send(self, number: signal.Signals) -> None:
        """Send it a signal, if it lives."""
        if self.pid is not None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        """End it as kill -9 does, also while it is paused."""
        if self.child is not None:
            self.send(signal.SIGKILL)
            self.child.wait(20)

    def drain(self, seconds: float = 20) -> int:
        """Ask it to end, and return its exit code."""
        assert self.child is not None
        self.child.terminate()
        return self.child.wait(seconds)
