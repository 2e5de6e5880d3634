"""Start-up, memory, bulk import and proof of what the import left."""

import json
import os
import time
from pathlib import Path

from bench.figure import Figure
from bench.place import ROOT, Place

BERKA = Path(
    os.environ.get("FALCONPAY_BENCH_BERKA", ROOT.parent / "shared/data/berka/trans.asc.gz")
)


def figures(place: Place, _seconds: float, runs: int) -> list[Figure]:
    """Measure the second and later starts, and the memory of everything at rest."""
    starts, sizes = [], []
    for _ in range(runs):
        place.down()
        starts.append(place.up())
        time.sleep(2)
        sizes.append(place.memory())
    return [
        Figure("up, second start, until ready", "s", tuple(starts), 12, at_most=True),
        Figure(
            "memory of everything, servers included (PSS)",
            "MiB",
            tuple(sizes),
            1.3 * 1024,
            at_most=True,
        ),
    ]


def import_figures(place: Place, _seconds: float, _runs: int) -> list[Figure]:
    """Measure the import of a real bank's transactions and the proof afterwards, once each."""
    if not BERKA.exists():
        print(f"The import is not measured: {BERKA} is not there.")
        return []
    report = json.loads(place.falcon("import", str(BERKA), "--profile", "berka", "--json"))
    _caught_up(place)
    started = time.perf_counter()
    place.falcon("replay", "verify")
    proof = time.perf_counter() - started
    rate = report["rows"] / report["seconds"]
    return [
        Figure("import, profile berka", "rows/s", (rate,), 4000, remarks={"rows": report["rows"]}),
        Figure("replay verify of what it left", "s", (proof,), 5, at_most=True),
    ]


def _caught_up(place: Place) -> None:
    end = time.monotonic() + 120
    while any(projection["lag_events"] for projection in place.status()["projections"]):
        assert time.monotonic() < end, "the projections do not catch up"
        time.sleep(0.5)
