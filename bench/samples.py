"""Samples of what a running system holds: memory, handles, threads, connections, lag."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import psutil
import psycopg

from bench.place import Place

HELD = re.compile(r"^Pss_(?:Anon|Shmem):\s+(\d+) kB$", re.MULTILINE)
"""What a process holds itself; pages of files are the kernel's, which drops them when it likes."""

MEASURES = ("memory MiB", "handles", "threads")


@dataclass(frozen=True, slots=True)
class Sample:
    """All measures at one time, by the part they are of."""

    seconds: float
    measures: dict[str, float]


def take(place: Place, seconds: float) -> Sample:
    """Look at every role and server, its children included, at the database and at the lag."""
    status = place.status()
    measures: dict[str, float] = {}
    for part in (*status["roles"], *status["servers"]):
        if part["pid"] is None:
            continue
        process = psutil.Process(part["pid"])
        processes = [process, *process.children(recursive=True)]
        for measure, value in zip(MEASURES, _measured(processes), strict=True):
            name = f"{part['name']}: {measure}"
            measures[name] = measures.get(name, 0.0) + value
    measures["postgres: connections"] = _connections(place)
    lags = [projection["lag_events"] for projection in status["projections"]]
    measures["projector: lag events"] = float(max(lags, default=0))
    return Sample(seconds, measures)


def _measured(processes: Iterable[psutil.Process]) -> tuple[float, float, float]:
    memory = handles = threads = 0
    for process in processes:
        try:
            memory += _held_bytes(process.pid)
            handles += process.num_fds()
            threads += process.num_threads()
        except (psutil.NoSuchProcess, FileNotFoundError, ProcessLookupError):
            continue
    return memory / 2**20, float(handles), float(threads)


def _held_bytes(pid: int) -> int:
    """Return a process's part of the memory that no file is behind."""
    told = Path(f"/proc/{pid}/smaps_rollup").read_text()
    return 1024 * sum(int(kib) for kib in HELD.findall(told))


def _connections(place: Place) -> float:
    """Return how many connections the database has, our own look not counted."""
    with psycopg.connect(place.admin("ledger")) as connection:
        row = connection.execute(
            "SELECT count(*) FROM pg_stat_activity"
            " WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()"
        ).fetchone()
    assert row is not None
    return float(row[0])
