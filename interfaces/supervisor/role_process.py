"""Keeps one role process running: starts it, notices its end, starts it again after a pause.

One that lives and does not answer any more is ended, so that it is started again as well.
"""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import psutil

from interfaces.supervisor.pauses import Pauses
from interfaces.supervisor.probes import answers_ok, diverged, listens
from interfaces.supervisor.processes import ProcessMark, mark
from interfaces.supervisor.pulse import Pulse
from interfaces.supervisor.state import Part

SUPERVISOR_VARIABLE = "FALCONPAY_SUPERVISOR_PID"
"""Tells a role whose child it is, so that it ends when its supervisor does."""

END_SECONDS = 5.0
"""How long one that does not answer may take to end by itself."""

Say = Callable[..., None]


@dataclass(frozen=True, slots=True)
class RoleSpec:
    """Roles that share one process, and the port at which that process tells its health.

    `own_port` is there where others share the port: at it this process alone answers.
    """

    names: tuple[str, ...]
    host: str
    port: int
    settings: Mapping[str, str]
    own_port: int | None = None

    @property
    def title(self) -> str:
        """Return the names as one word for messages and file names."""
        return "+".join(self.names)

    def pulse(self) -> Pulse:
        """Return what asks this very process whether it lives."""
        return Pulse(self.host, self.port) if self.own_port is None else Pulse("", self.own_port)


class RoleProcess:
    """One role process over all its restarts."""

    def __init__(
        self, spec: RoleSpec, environ: Mapping[str, str], home: Path, say: Say, patience: float
    ) -> None:
        """Take what to run, in which environment; nothing is started yet.

        `patience` is for how many seconds it may be silent, 0 for ever.
        """
        self.spec = spec
        self._environ = {**environ, **spec.settings, SUPERVISOR_VARIABLE: str(os.getpid())}
        self._home = home
        self._say = say
        self._patience = patience
        self._pulse = spec.pulse()
        self._end_before: float | None = None
        self._pauses = Pauses()
        self._child: subprocess.Popen[bytes] | None = None
        self._mark = ProcessMark(0, 0)
        self._started_at = 0.0
        self._start_after = 0.0
        self.restarts = -1

    def keep(self) -> bool:
        """Start it when it is down and its pause is over; return whether anything changed."""
        if self._child is not None:
            self._end_silent()
            return self._notice_end()
        if time.monotonic() < self._start_after:
            return False
        try:
            self._start()
        except OSError as problem:
            # No memory or no process to be had just now must not end everything else.
            self._start_after = time.monotonic() + self._pauses.after_run_of(0)
            self._say("cannot be started", level="error", role=self.spec.title, why=str(problem))
        return True

    def parts(self) -> list[Part]:
        """Return an entry for each role of the process."""
        pid, started = self._mark.pid, self._mark.started
        count = max(0, self.restarts)
        return [Part(name, pid, started, self.spec.port, count) for name in self.spec.names]

    def ready(self) -> bool:
        """Say whether this process listens and says that its dependencies are there."""
        return is_ready(self.spec.host, self.spec.port, self._mark.pid)

    def waits_for_recover(self) -> str | None:
        """Return what it says when it works but has seen another past than the store's."""
        if self._mark.pid == 0 or not listens(self._mark.pid, self.spec.port):
            return None
        return diverged(self.spec.host, self.spec.port)

    def terminate(self) -> None:
        """Ask it to drain and end."""
        if self._child is not None:
            self._child.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """End it by force."""
        if self._child is not None:
            self._child.kill()

    def ended(self) -> bool:
        """Say whether the process has ended."""
        return self._child is None or self._child.poll() is not None

    def _start(self) -> None:
        # What a role prints before its log is open, and the last words of a crash.
        with (self._home / "logs" / f"{self.spec.title}.out").open("ab") as output:
            command = [sys.executable, "-P", "-m", "interfaces.cli", "run"]
            self._child = subprocess.Popen(
                [*command, ",".join(self.spec.names)],
                env=self._environ,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                cwd=self._home,
                # Ctrl-C at the terminal reaches the supervisor alone, which then drains roles.
                process_group=0,
            )
        try:
            self._mark = mark(self._child.pid)
        except psutil.NoSuchProcess:
            self._mark = ProcessMark(self._child.pid, 0)
        self._started_at = time.monotonic()
        self.restarts += 1
        self._say("started" if self.restarts == 0 else "started again", role=self.spec.title)

    def _end_silent(self) -> None:
        """Ask it to end when it has not answered for too long, and soon end it by force."""
        silence = self._pulse.silence()
        if not 0 < self._patience <= silence:
            return
        now = time.monotonic()
        if self._end_before is None:
            self._end_before = now + END_SECONDS
            told = {"role": self.spec.title, "seconds": round(silence)}
            self._say("does not answer any more", level="error", **told)
            self.terminate()
        elif now > self._end_before:
            self.kill()

    def _notice_end(self) -> bool:
        if not self.ended() or self._child is None:
            return False
        code = self._child.returncode
        pause = self._pauses.after_run_of(time.monotonic() - self._started_at)
        self._start_after = time.monotonic() + pause
        self._child, self._mark = None, ProcessMark(0, 0)
        self._pulse.forget()
        self._end_before = None
        self._say("ended", level="warning", role=self.spec.title, exit_code=code, pause=pause)
        return True


def is_ready(host: str, port: int, pid: int) -> bool:
    """Say whether the process listens on its port, and what listens there says it is ready.

    Processes that share a port are asked as one; each is known to listen only when it serves.
    """
    return pid > 0 and listens(pid, port) and answers_ok(host, port, "/readyz")
