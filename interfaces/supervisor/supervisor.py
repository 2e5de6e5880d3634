"""Keeps what was started running, and ends it in the order in which nothing is lost."""

import contextlib
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from infrastructure.version import VERSION
from interfaces.supervisor.role_process import RoleProcess, Say
from interfaces.supervisor.server_keeper import ServerKeeper
from interfaces.supervisor.state import SystemState, forget, write_state

TICK_SECONDS = 0.1
DRAIN_SECONDS = 15.0
SERVER_STOP_SECONDS = 15.0


class Supervisor:
    """All parts of one running system; parts are added while it starts."""

    def __init__(self, home: Path, say: Say) -> None:
        """Begin with no parts."""
        self._home = home
        self._say = say
        self.roles: list[RoleProcess] = []
        self.servers: list[ServerKeeper] = []
        self.ready = False
        self.stopping = False

    def keep(self) -> None:
        """Look after every part once, and write down what changed."""
        changed = [server.keep() for server in self.servers]
        changed += [role.keep() for role in self.roles]
        if any(changed):
            self.write_down()

    def write_down(self) -> None:
        """Write the state; a full disk must not end the one who keeps everything up."""
        state = SystemState(
            VERSION,
            self.ready,
            tuple(part for role in self.roles for part in role.parts()),
            tuple(server.part() for server in self.servers),
        )
        try:
            write_state(self._home, state)
        except OSError as problem:
            self._say("the state cannot be written", level="error", reason=str(problem.strerror))

    def run(self, show: Callable[[], None]) -> None:
        """Keep everything up until `stopping` is set; `show` is called at every round."""
        while not self.stopping:
            self.keep()
            show()
            time.sleep(TICK_SECONDS)

    def stop(self, show: Callable[[], None]) -> None:
        """Drain the roles, then stop the servers, those last on which the others depend."""
        self._say("stopping")
        for role in self.roles:
            role.terminate()
        if not _wait(self.roles, DRAIN_SECONDS, show):
            late = [role for role in self.roles if not role.ended()]
            for role in late:
                self._say("killed, as it did not drain", level="error", role=role.spec.title)
                role.kill()
            _wait(late, 5, show)
        for keeper in reversed(self.servers):
            keeper.server.stop(SERVER_STOP_SECONDS)
            self._say("stopped", role=keeper.server.name)
            show()
        with contextlib.suppress(OSError):
            forget(self._home)
        self._say("all is stopped")
        show()


def _wait(roles: Sequence[RoleProcess], seconds: float, show: Callable[[], None]) -> bool:
    deadline = time.monotonic() + seconds
    while any(not role.ended() for role in roles):
        if time.monotonic() > deadline:
            return False
        show()
        time.sleep(0.05)
    return True
