"""Gathers log lines of busy processes, so that a request does not wait for a system call."""

import atexit
import threading
import time

from infrastructure.rotating_file import RotatingFile

EVERY_SECONDS = 0.05


class GatheredLines:
    """Appends lines to a file some milliseconds later, many in one system call.

    A process that is killed loses the lines of its last `EVERY_SECONDS`: for lines that report
    what went well, never for faults.
    """

    def __init__(self, file: RotatingFile) -> None:
        """Take the file; the thread that writes begins with the first line."""
        self._file = file
        self._lines: list[bytes] = []
        self._some = threading.Event()
        self._thread: threading.Thread | None = None
        self._lock = threading.Lock()

    def write(self, line: bytes) -> int:
        """Keep a line until the next time that all are written."""
        self._lines.append(line)
        if not self._some.is_set():
            self._some.set()
            if self._thread is None:
                self._begin()
        return len(line)

    def flush(self) -> None:
        """Do nothing: the thread writes soon, and whoever cannot wait calls `write_out`."""

    def write_out(self) -> None:
        """Write what has been gathered."""
        with self._lock:
            lines, self._lines = self._lines, []
            if lines:
                self._file.write(b"".join(lines))

    def _begin(self) -> None:
        with self._lock:
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="log", daemon=True)
                self._thread.start()
                atexit.register(self.write_out)

    def _run(self) -> None:
        while self._some.wait():
            time.sleep(EVERY_SECONDS)
            # Before the lines are taken: one that comes now wakes the thread again.
            self._some.clear()
            self.write_out()
