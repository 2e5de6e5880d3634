"""Finds in its logs why a role does not start, for the one sentence that a person is told."""

import json
from pathlib import Path

TAIL_BYTES = 8192


def last_words(home: Path, title: str) -> str:
    """Return the last line that a role printed, or the last event of its log."""
    printed = _last_line(home / "logs" / f"{title}.out")
    if printed:
        return printed
    logged = _last_line(home / "logs" / f"{title}.jsonl")
    try:
        return str(json.loads(logged)["event"])
    except (ValueError, KeyError, TypeError):
        return logged or f"it said nothing in {home / 'logs'}"


def _last_line(path: Path) -> str:
    try:
        with path.open("rb") as file:
            file.seek(max(0, path.stat().st_size - TAIL_BYTES))
            lines = [line.strip() for line in file.read().decode(errors="replace").splitlines()]
    except OSError:
        return ""
    return next((line for line in reversed(lines) if line), "")
