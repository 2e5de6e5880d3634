"""The import of a real bank's transactions, and the proof of what it left."""

import json
import os
import sys
import time
from pathlib import Path

from bench.figure import Figure
from bench.place import ROOT, Place
from bench.plan import Plan

BERKA = Path(
    os.environ.get("FALCONPAY_BENCH_BERKA", ROOT.parent / "shared/data/berka/trans.asc.gz")
)


def figures(place: Place, _plan: Plan) -> list[Figure]:
    """Measure the import with everything running and the proof afterwards, once each."""
    if not BERKA.exists():
        print(f"The import is not measured: {BERKA} is not there.", file=sys.stderr)
        return []
    report = json.loads(place.falcon("import", str(BERKA), "--profile", "berka", "--json"))
    place.caught_up()
    started = time.perf_counter()
    place.falcon("replay", "verify")
    proof = time.perf_counter() - started
    rate = report["rows"] / report["seconds"]
    return [
        Figure("import, profile berka", "rows/s", (rate,), 4000, remarks={"rows": report["rows"]}),
        Figure("replay verify of what it left", "s", (proof,), 5, at_most=True),
    ]
