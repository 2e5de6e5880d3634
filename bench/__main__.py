"""`./falcon bench`: every figure on a throw-away home, as a table or as JSON."""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from bench.figure import Figure, row
from bench.groups import GROUPS, Group, listing
from bench.machine import machine
from bench.place import Place, free_ports
from bench.plan import Plan

DEPENDENCY_MISSING = 3


def main(arguments: Sequence[str]) -> int:
    """Measure what is asked for; 1 when a figure is not reached, 3 when nothing can be measured."""
    chosen = _parser().parse_args(arguments)
    usual = (name for name, group in GROUPS.items() if group.present and not group.named_only)
    names = chosen.only or list(usual)
    plan = Plan(chosen.seconds, chosen.runs, chosen.minutes, chosen.events)
    began = time.monotonic()
    found: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory(prefix="falconpay-bench-") as folder:
        for name in names:
            try:
                with _told(name):
                    figures = _measure(GROUPS[name], Path(folder) / name, plan)
            except subprocess.CalledProcessError as fault:
                print(f"{name} was not measured: {_ended(fault)}", file=sys.stderr)
                return DEPENDENCY_MISSING
            found += [{"group": name, **figure.document()} for figure in figures]
    document = {
        "machine": machine(),
        "seconds": round(time.monotonic() - began),
        "run_seconds": plan.seconds,
        "runs": plan.runs,
        "figures": found,
    }
    if chosen.json:
        json.dump(document, sys.stdout, indent=2)
        print()
    else:
        _print(document)
    return 1 if any(figure["reached"] is False for figure in found) else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="falcon bench",
        description=__doc__,
        epilog=listing(),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    present = [name for name, group in GROUPS.items() if group.present]
    parser.add_argument("--seconds", type=float, default=5, help="length of one run")
    parser.add_argument("--runs", type=int, default=3, help="runs of each figure")
    parser.add_argument("--minutes", type=float, default=30, help="length of the soak")
    parser.add_argument("--events", type=int, help="size of a full ledger, else the group's own")
    parser.add_argument("--only", choices=present, action="append", help="measure this group only")
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    return parser


def _ended(fault: subprocess.CalledProcessError) -> str:
    """Say which command failed; it has said itself what was missing."""
    command = " ".join(map(str, fault.cmd))
    return f"`{command}` ended with {fault.returncode}; its reason stands above."


@contextmanager
def _told(name: str) -> Iterator[None]:
    """Say on standard error what is measured, and how long it took."""
    began = time.monotonic()
    print(f"measuring: {name}", file=sys.stderr, flush=True)
    yield
    print(f"measured: {name}, {time.monotonic() - began:.0f} s", file=sys.stderr, flush=True)


def _measure(group: Group, home: Path, plan: Plan) -> list[Figure]:
    """Measure one group on a home of its own."""
    place = Place(home, free_ports())
    place.up()
    try:
        return group.measure(place, plan)
    finally:
        place.down()


def _print(document: dict[str, Any]) -> None:
    table = Table("figure", "median", "spread", "goal", "reached", "remarks")
    for figure in document["figures"]:
        table.add_row(*row(figure))
    console = Console(width=None if sys.stdout.isatty() else 160)
    console.print(table)
    console.print(", ".join(f"{name}: {value}" for name, value in document["machine"].items()))
    console.print(
        f"{document['runs']} runs of {document['run_seconds']:g} s each; all took"
        f" {document['seconds'] / 60:.1f} min."
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
