"""`./falcon bench`: every figure on a throw-away home, as a table or as JSON."""

import argparse
import json
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn
from rich.table import Table

from bench import http, in_process, system
from bench.figure import Figure
from bench.machine import machine
from bench.place import Place, free_ports

Part = Callable[[Place, float, int], list[Figure]]

PARTS: dict[str, Part] = {
    "system": system.figures,
    "in-process": in_process.figures,
    "http": http.figures,
    "import": system.import_figures,
}


def main(arguments: list[str]) -> int:
    """Measure what is asked for; 1 when a figure is not reached."""
    parser = argparse.ArgumentParser(prog="falcon bench", description=__doc__)
    parser.add_argument("--seconds", type=float, default=5, help="length of one run")
    parser.add_argument("--runs", type=int, default=3, help="runs of each figure")
    parser.add_argument("--only", choices=PARTS, action="append", help="measure this part only")
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    chosen = parser.parse_args(arguments)
    found: list[Figure] = []
    progress = Progress(
        SpinnerColumn(), TextColumn("{task.description}"), console=Console(stderr=True)
    )
    with tempfile.TemporaryDirectory(prefix="falconpay-bench-") as folder, progress:
        for name in chosen.only or PARTS:
            task = progress.add_task(f"measuring: {name}", total=None)
            found += _measure(PARTS[name], Path(folder) / name, chosen.seconds, chosen.runs)
            progress.remove_task(task)
    _print(found, chosen.json)
    return 0 if all(figure.reached for figure in found) else 1


def _measure(part: Part, home: Path, seconds: float, runs: int) -> list[Figure]:
    """Measure one part on a home of its own, and prove the ledger afterwards."""
    place = Place(home, free_ports())
    place.up()
    try:
        return part(place, seconds, runs)
    finally:
        place.down()


def _print(found: list[Figure], as_json: bool) -> None:
    if as_json:
        document = {"machine": machine(), "figures": [figure.document() for figure in found]}
        json.dump(document, sys.stdout, indent=2)
        return
    table = Table("figure", "median", "spread", "goal", "reached", "remarks")
    for figure in found:
        table.add_row(*figure.row())
    console = Console(width=None if sys.stdout.isatty() else 160)
    console.print(table)
    console.print(", ".join(f"{name}: {value}" for name, value in machine().items()))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
