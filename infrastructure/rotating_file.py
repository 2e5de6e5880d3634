"""A log file that several processes append to and that is turned over at a size."""

import contextlib
import fcntl
import os
import threading
from pathlib import Path

MAX_BYTES = 16 * 1024 * 1024
KEPT_FILES = 4
LOOK_EVERY_WRITES = 200
LOOK_EVERY_BYTES = 64 * 1024


class RotatingFile:
    """Appends whole lines; at `max_bytes` the file becomes `.1`, `.1` becomes `.2`, and so on.

    The standard library's handler loses lines when two processes turn the same file over.
    """

    def __init__(self, path: Path, max_bytes: int = MAX_BYTES, kept: int = KEPT_FILES) -> None:
        """Open the file, making its folder where there is none."""
        path.parent.mkdir(parents=True, exist_ok=True)
        self._path = path
        self._max_bytes = max_bytes
        self._kept = kept
        self._writes = 0
        self._bytes = 0
        self._lock = threading.Lock()
        self._file = self._open()

    def write(self, line: bytes) -> int:
        """Append in one system call, which keeps lines of several processes apart.

        What a full disk does not take is lost: a log never fails what it reports.
        """
        self._writes += 1
        self._bytes += len(line)
        if self._writes >= LOOK_EVERY_WRITES or self._bytes >= LOOK_EVERY_BYTES:
            self._writes = self._bytes = 0
            with contextlib.suppress(OSError):
                self._look()
        with contextlib.suppress(OSError):
            os.write(self._file, line)
        return len(line)

    def flush(self) -> None:
        """Do nothing: every write has already reached the operating system."""

    def _open(self) -> int:
        return os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)

    def _look(self) -> None:
        """Turn the file over when it is full; follow when another process has done so."""
        with self._lock:
            fcntl.flock(self._file, fcntl.LOCK_EX)
            try:
                mine = os.fstat(self._file)
                followed = not self._path.exists() or mine.st_ino != self._path.stat().st_ino
                if not followed and mine.st_size < self._max_bytes:
                    return
                if not followed:
                    self._shift()
                # The old number now stands for the new file, also for a writer in between.
                fresh = self._open()
                os.dup2(fresh, self._file, inheritable=False)
                os.close(fresh)
            finally:
                fcntl.flock(self._file, fcntl.LOCK_UN)

    def _shift(self) -> None:
        for number in range(self._kept - 1, 0, -1):
            older = self._path.with_name(f"{self._path.name}.{number}")
            if older.exists():
                older.replace(self._path.with_name(f"{self._path.name}.{number + 1}"))
        self._path.replace(self._path.with_name(f"{self._path.name}.1"))
