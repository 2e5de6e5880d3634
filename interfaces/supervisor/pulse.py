"""Notices a process that lives and answers nobody any more."""

import socket
import time
from collections.abc import Callable

from interfaces.supervisor.probes import reachable

ASK_EVERY_SECONDS = 1.0
LONGEST_STEP_SECONDS = 0.5
"""What counts at most between two looks: whoever looks may have stood still in between."""

QUESTION = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"


class Pulse:
    """Asks one process again and again whether it lives, and never waits for the answer.

    It keeps its connection: a process that has very much to do comes late to new ones.
    """

    def __init__(
        self, host: str, port: int, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        """Take where this very process answers, no other one; nothing is asked yet."""
        self._address = (reachable(host), port)
        self._monotonic = monotonic
        self._connection: socket.socket | None = None
        self._looked_at = 0.0
        self.forget()

    def forget(self) -> None:
        """Begin anew, with another process."""
        self._hang_up()
        self._known = False
        self._silence = 0.0
        self._ask_at = 0.0

    def silence(self) -> float:
        """Look once, and return for how many seconds nothing has been heard.

        Zero until the first answer, as a process may take its time to start. Time counts only as
        far as it was looked at: when everything has stood still, nobody has been silent.
        """
        now = self._monotonic()
        step = min(now - self._looked_at, LONGEST_STEP_SECONDS)
        self._looked_at = now
        if self._hears():
            self._known, self._waits, self._silence = True, False, 0.0
            self._ask_at = now + ASK_EVERY_SECONDS
        elif self._known:
            self._silence += step
        if not self._waits and now >= self._ask_at:
            self._ask()
        return self._silence

    def _hears(self) -> bool:
        if self._connection is None:
            return False
        try:
            said = self._connection.recv(4096)
        except BlockingIOError:
            return False
        except OSError:
            said = b""
        if not said:
            self._hang_up()
        return bool(said)

    def _ask(self) -> None:
        try:
            if self._connection is None:
                self._connection = _begin_to_connect(self._address)
            self._connection.send(QUESTION)
            self._waits = True
        except BlockingIOError:
            # Nobody has taken the connection yet, so the question comes with the next look.
            return
        except OSError:
            self._hang_up()

    def _hang_up(self) -> None:
        if self._connection is not None:
            self._connection.close()
        self._connection = None
        self._waits = False


def _begin_to_connect(address: tuple[str, int]) -> socket.socket:
    family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
    connection = socket.socket(family, socket.SOCK_STREAM)
    connection.setblocking(False)
    # Whatever comes of it shows when the connection is used.
    connection.connect_ex(address)
    return connection
