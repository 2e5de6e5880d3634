"""Samples of what a running system holds: memory, handles, threads, connections, lag."""

from collections.abc import Iterable
from dataclasses import dataclass

import psutil
import psycopg

from bench.place import Place, proportional_bytes

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
            memory += proportional_bytes(process)
            handles += process.num_fds()
            threads += process.num_threads()
        except psutil.NoSuchProcess:
            continue
    return memory / 2**20, float(handles), float(threads)


def _connections(place: Place) -> float:
    """Return how many connections the database has, our own look not counted."""
    with psycopg.connect(place.admin("ledger")) as connection:
        row = connection.execute(
            "SELECT count(*) FROM pg_stat_activity"
            " WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()"
        ).fetchone()
    assert row is not None
    return float(row[0])
