"""Keeps one embedded server running, whoever started it first."""

import time

import psutil

from infrastructure.embedded.server import EmbeddedServer, ServerUnavailable
from interfaces.supervisor.pauses import Pauses
from interfaces.supervisor.processes import ProcessMark, mark
from interfaces.supervisor.role_process import Say
from interfaces.supervisor.state import Part

LOOK_EVERY_SECONDS = 0.4


class ServerKeeper:
    """One embedded server over all its restarts."""

    def __init__(self, server: EmbeddedServer, say: Say) -> None:
        """Take a server that has been prepared; nothing is started yet."""
        self.server = server
        self._say = say
        self._pauses = Pauses()
        self._mark = ProcessMark(0, 0)
        self._port = 0
        self._started_at = 0.0
        self._look_after = 0.0
        self.restarts = 0

    def start(self) -> None:
        """Start it or adopt the one that runs; raises `ServerUnavailable`."""
        adopted = self.server.running() is not None
        running = self.server.start()
        self._port = running.port
        try:
            self._mark = mark(running.pid)
        except psutil.NoSuchProcess:
            self._mark = ProcessMark(0, 0)
        self._started_at = time.monotonic()
        self._say("adopted" if adopted else "started", role=self.server.name, port=running.port)

    def keep(self) -> bool:
        """Start it again when it has died, or adopt what was started instead of it.

        Returns whether anything changed.
        """
        now = time.monotonic()
        if now < self._look_after:
            return False
        self._look_after = now + LOOK_EVERY_SECONDS
        running = self.server.running()
        if running is not None and running.pid == self._mark.pid:
            return False
        if running is None and self._mark.pid:
            pause = self._pauses.after_run_of(now - self._started_at)
            self._look_after = now + pause
            self._mark = ProcessMark(0, 0)
            self._say("ended", level="warning", role=self.server.name, pause=pause)
            return True
        self.restarts += 1
        try:
            self.start()
        except (ServerUnavailable, OSError) as problem:
            self._look_after = now + self._pauses.after_run_of(0)
            self._say(str(problem), level="error", role=self.server.name)
        return True

    def part(self) -> Part:
        """Return its entry in the state."""
        name = self.server.name
        return Part(name, self._mark.pid, self._mark.started, self._port, self.restarts)
