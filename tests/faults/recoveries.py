"""How long after each strike commands were taken again and read models had caught up."""

import json
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

LOOKED_AT = 200
"""How many answers after a moment are looked at for the earliest: more than are under way."""


@dataclass(frozen=True, slots=True)
class Recovery:
    """Seconds from the moment when nothing was in the way any more; None was not seen to be."""

    kinds: str
    commands: float | None
    read_models: float | None


def recoveries(
    notes: Iterable[dict[str, Any]], logs: Iterable[Path], progress: Path
) -> list[Recovery]:
    """Return the recovery after each strike, from the clients' logs and the measured progress."""
    taken, positions = _taken(logs)
    samples = [json.loads(line) for line in progress.read_text().splitlines()]
    return [
        Recovery(names, _commands(taken, at), _read_models(samples, positions, at))
        for names, at in _moments(notes)
    ]


def _moments(notes: Iterable[dict[str, Any]]) -> list[tuple[str, float]]:
    """Return each strike's kinds and the moment from which its recovery counts."""
    found: list[tuple[str, float]] = []
    free: float | None = None
    for note in notes:
        if "begins" in note:
            free = None
        elif note.get("recovers"):
            free = note["at"]
        elif "ends" in note and note["struck"]:
            found.append((" + ".join(note["struck"]), free or note["at"]))
    return found


def _taken(
    logs: Iterable[Path],
) -> tuple[dict[str, list[tuple[float, float]]], list[tuple[float, int]]]:
    """Return by place when what was answered was sent and answered, and positions by time."""
    taken: dict[str, list[tuple[float, float]]] = defaultdict(list)
    positions: list[tuple[float, int]] = []
    for log in logs:
        with log.open() as lines:
            for line in lines:
                entry = json.loads(line)
                if entry["status"] not in (200, 201, 422):
                    continue
                taken[entry["place"]].append((entry["sent"], entry["at"]))
                if entry["status"] == 201:
                    positions.append((entry["at"], json.loads(entry["answer"])["position"]))
    for times in taken.values():
        times.sort()
    positions.sort()
    return taken, positions


def _commands(taken: dict[str, list[tuple[float, float]]], at: float) -> float | None:
    """Return the seconds until every place has taken a command that was sent after a moment."""
    seconds: list[float] = []
    for times in taken.values():
        first = bisect_left(times, (at, 0.0))
        after = [answered for _, answered in times[first : first + LOOKED_AT]]
        if not after:
            return None
        seconds.append(min(after) - at)
    return max(seconds, default=None)


def _read_models(
    samples: list[dict[str, Any]], positions: list[tuple[float, int]], at: float
) -> float | None:
    """Return the seconds until read models had all that was answered before a moment."""
    until = bisect_left(positions, (at, 0))
    wanted = max(
        (position for _, position in positions[max(0, until - LOOKED_AT) : until]), default=0
    )
    reached = (s["at"] for s in samples if s["at"] >= at and s["lowest"] >= wanted)
    first = next(reached, None)
    return None if first is None else first - at
