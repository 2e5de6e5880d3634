"""A wall clock that single processes see instead of the machine's, and that can be stepped."""

import contextlib
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import psutil

LIBRARIES = Path("/usr/lib")
SEEN_SECONDS = 2.3
"""Within this time every process sees a step: each looks into the file once a second."""

SHARED_MEMORY = Path("/dev/shm")


def no_library() -> str | None:
    """Say in a sentence why no process can be given a clock of its own here, or None."""
    if _library("libfaketime.so.1") is None:
        return "libfaketime is not installed (Debian: apt-get install libfaketime)"
    return None


def _library(name: str) -> str | None:
    return next((str(path) for path in LIBRARIES.glob(f"*/faketime/{name}")), None)


class SteppedClock:
    """A clock for the processes that are started with its environment; begins at the true time.

    Only the wall clock is another: what measures how long something takes stays true.
    """

    def __init__(self) -> None:
        """Make the file by which the processes learn of steps."""
        self._folder = Path(tempfile.mkdtemp(prefix="falconpay-clock-"))
        # PostgreSQL may run as a user who has no other right than to read this.
        self._folder.chmod(0o755)
        self._file = self._folder / "offset"
        self._offset = 0
        self._write()

    def step(self, seconds: int) -> None:
        """Set the clock to so many seconds after (or, negative, before) the true time.

        Returns when every process that lives by this clock sees it.
        """
        if seconds != self._offset:
            self._offset = seconds
            self._write()
            time.sleep(SEEN_SECONDS)

    def _write(self) -> None:
        draft = self._folder / "draft"
        draft.write_text(f"{self._offset:+d}\n")
        draft.chmod(0o644)
        draft.replace(self._file)

    def environ(self, threads: bool) -> dict[str, str]:
        """Return what a process is started with; `threads` tells whether it has several.

        The library for threads takes a lock at each look, which a handler of signals that looks
        at the clock, as PostgreSQL's does, could wait for for ever; the other takes none.
        """
        library = _library("libfaketimeMT.so.1" if threads else "libfaketime.so.1")
        assert library is not None, no_library()
        return {
            "LD_PRELOAD": library,
            "FAKETIME_TIMESTAMP_FILE": str(self._file),
            "FAKETIME_CACHE_DURATION": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
            "NO_FAKE_STAT": "1",
        }

    @contextlib.contextmanager
    def given(self, threads: bool) -> Iterator[None]:
        """Let the processes that are started meanwhile live by this clock, but not this one."""
        added = self.environ(threads)
        before = {name: os.environ.get(name) for name in added}
        os.environ.update(added)
        try:
            yield
        finally:
            for name, text in before.items():
                if text is None:
                    del os.environ[name]
                else:
                    os.environ[name] = text

    def close(self) -> None:
        """Remove the file, and what the library left of processes that were killed.

        A process that still lives keeps the last time that it was told.
        """
        shutil.rmtree(self._folder, ignore_errors=True)
        for left in SHARED_MEMORY.glob("*faketime_s*_*"):
            owner = left.name.rpartition("_")[2]
            if owner.isdecimal() and not psutil.pid_exists(int(owner)):
                left.unlink(missing_ok=True)
