"""The supervisor's own log, and the readable merger of all logs that `up` shows in front."""

import contextlib
import json
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO

from infrastructure.rotating_file import RotatingFile

LONGEST_LINE = 100_000


class SupervisorLog:
    """Writes JSON lines as all roles do, with the standard library alone to stay small."""

    def __init__(self, home: Path) -> None:
        """Open `logs/up.jsonl`."""
        self._file = RotatingFile(home / "logs" / "up.jsonl")

    def say(self, event: str, *, level: str = "info", **fields: object) -> None:
        """Write down what happened."""
        time = datetime.now(UTC).isoformat().replace("+00:00", "Z")
        entry = {"event": event, **fields, "level": level, "timestamp": time}
        # A full disk must not end the one who keeps everything else up.
        with contextlib.suppress(OSError):
            self._file.write(json.dumps(entry, default=str).encode() + b"\n")


class MergedLog:
    """Follows all logs of a home from now on, across files that are turned over."""

    def __init__(self, folder: Path) -> None:
        """Begin at the present end of each log; logs that come later are read from their start."""
        self._folder = folder
        self._files: dict[Path, BinaryIO] = {}
        for path in self._paths():
            self._open(path).seek(0, 2)

    def lines(self) -> list[str]:
        """Return the new lines of all logs in the order of their times, made readable."""
        found: list[tuple[str, str]] = []
        for path in self._paths():
            file = self._files.get(path) or self._open(path)
            found += [readable(path.stem, line) for line in file.read().splitlines()]
            if _turned_over(path, file):
                file.close()
                fresh = self._open(path).read()
                found += [readable(path.stem, line) for line in fresh.splitlines()]
        return [text for _, text in sorted(found, key=lambda entry: entry[0])]

    def _paths(self) -> list[Path]:
        return [*self._folder.glob("*.jsonl"), *self._folder.glob("*.out")]

    def _open(self, path: Path) -> BinaryIO:
        self._files[path] = path.open("rb")
        return self._files[path]


def readable(role: str, line: bytes) -> tuple[str, str]:
    """Return the time of a log line and the line as a person reads it."""
    text = line[:LONGEST_LINE].decode(errors="replace")
    try:
        entry = json.loads(text)
        time, event = str(entry.pop("timestamp")), str(entry.pop("event"))
    except (ValueError, KeyError, TypeError, AttributeError):
        now = datetime.now(UTC).isoformat()
        return now, f"{now[11:19]} {role:<16} output   {text}"
    level = str(entry.pop("level", "info"))
    role = str(entry.pop("role", role))
    rest = " ".join(f"{name}={field}" for name, field in entry.items() if "\n" not in str(field))
    return time, f"{time[11:19]} {role:<16} {level:<8} {event} {rest}".rstrip()


def _turned_over(path: Path, file: BinaryIO) -> bool:
    try:
        return path.stat().st_ino != os.fstat(file.fileno()).st_ino
    except FileNotFoundError:
        # Between the two renames of another process; the next look finds the new file.
        return False
