"""A home belongs to one version and to one `up` at a time."""

import fcntl
import json
import os
from dataclasses import asdict
from pathlib import Path

from infrastructure.version import VERSION
from interfaces.supervisor.failure import StartRefused
from interfaces.supervisor.processes import ProcessMark, mark

# Who has just taken the lock may not have written its name yet; no process has the id 0.
UNKNOWN_HOLDER = b'{"pid": 0, "started": 0}'


class HomeLock:
    """The lock of a home, held by its supervisor as long as that lives, however it ends."""

    def __init__(self, home: Path) -> None:
        """Point at a home; nothing is locked yet."""
        self._path = home / "run" / "up.lock"
        self._file = -1

    def take(self) -> bool:
        """Take the lock and write down who holds it; return False when another process does."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        file = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(file)
            return False
        os.ftruncate(file, 0)
        os.write(file, json.dumps(asdict(mark(os.getpid()))).encode())
        self._file = file
        return True

    def release(self) -> None:
        """Let the next one take it."""
        os.close(self._file)

    def holder(self) -> ProcessMark | None:
        """Return the process that holds the lock, or None when nobody does."""
        try:
            file = os.open(self._path, os.O_RDONLY | os.O_CLOEXEC)
        except FileNotFoundError:
            return None
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            found = json.loads(os.read(file, 4096) or UNKNOWN_HOLDER)
            return ProcessMark(int(found["pid"]), float(found["started"]))
        else:
            return None
        finally:
            os.close(file)


def open_home(home: Path) -> None:
    """Make the home where there is none, closed to other users; refuse one of a newer version.

    Raises `StartRefused`.
    """
    try:
        home.mkdir(mode=0o700, parents=True, exist_ok=True)
        (home / "logs").mkdir(exist_ok=True)
        (home / "run").mkdir(exist_ok=True)
        found = _read_version(home / "version")
        if found is not None and found > _numbers(VERSION):
            raise StartRefused(
                f"The home {home} was written by FalconPay {'.'.join(map(str, found))} and this is"
                f" {VERSION}: start that version or a later one, or choose another FALCONPAY_HOME."
            )
    except OSError as problem:
        raise StartRefused(
            f"The home {home} cannot be used ({problem.strerror}): make room and give yourself"
            " the right to write there, or choose another FALCONPAY_HOME."
        ) from problem


def write_version(home: Path) -> None:
    """Say in the home that this version has worked there, so that older ones leave it alone."""
    path = home / "version"
    if _read_version(path) != _numbers(VERSION):
        draft = path.with_name(".version.new")
        draft.write_text(f"{VERSION}\n")
        draft.replace(path)


def _read_version(path: Path) -> tuple[int, ...] | None:
    try:
        text = path.read_text().strip()
    except FileNotFoundError:
        return None
    try:
        return _numbers(text)
    except ValueError:
        raise StartRefused(
            f"{path} holds {text[:40]!r}, which is no version of FalconPay: choose another"
            " FALCONPAY_HOME, or put the file right."
        ) from None


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split("."))
