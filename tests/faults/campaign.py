"""`python -m tests.faults.campaign`: a campaign from the command line."""

import argparse
import random
import shutil
import signal
import sys
import tempfile
from pathlib import Path

from rich.console import Console
from rich.table import Table

from tests.faults.kinds.catalogue import KINDS
from tests.faults.report import Report, as_json, summary, write_into
from tests.faults.running import Options, plan, run, to_stderr
from tests.tools.whole_system import WholeSystem, end_left_systems

PLANNED = 40


def main() -> int:
    """Run one campaign, print its report, and return 1 when a promise was broken."""
    chosen = _parse()
    kinds = [kind for kind in KINDS if not chosen.only or kind.name in chosen.only]
    unknown = set(chosen.only) - {kind.name for kind in KINDS}
    if unknown:
        to_stderr(f"There is no fault {min(unknown)!r}: --list tells the names.")
        return 2
    options = Options(
        chosen.minutes * 60, chosen.seed, kinds, chosen.clients, pace_seconds=chosen.pace
    )
    if chosen.list:
        sys.stdout.writelines(f"{kind.name}: {kind.missing() or 'possible'}\n" for kind in kinds)
        return 0
    if chosen.plan:
        sys.stdout.writelines(f"{line}\n" for line in plan(options, PLANNED))
        return 0
    # A run that is told to end stops its system first, as it does at Ctrl-C.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    end_left_systems()
    logs = Path(tempfile.mkdtemp(prefix="falconpay-campaign-"))
    report = run(WholeSystem(), logs, options, to_stderr)
    if chosen.json:
        sys.stdout.write(as_json(report) + "\n")
    else:
        _print(report)
    if chosen.write_report is not None:
        write_into(chosen.write_report, report)
    if report.right and not chosen.keep:
        shutil.rmtree(logs)
    else:
        to_stderr(f"The logs of the clients and the notes are in {logs}")
    return 0 if report.right else 1


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="./falcon campaign", description=__doc__)
    parser.add_argument("--minutes", type=float, default=5)
    parser.add_argument("--seed", type=int, default=random.randrange(10**6))
    parser.add_argument("--clients", type=int, default=5)
    parser.add_argument("--pace", type=float, default=4, help="seconds between two strikes")
    parser.add_argument("--only", action="append", default=[], help="a kind, may be repeated")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--plan", action="store_true", help="print the plan of a seed and end")
    parser.add_argument("--list", action="store_true", help="print the kinds and end")
    parser.add_argument("--keep", action="store_true", help="keep the logs of a run without faults")
    parser.add_argument("--write-report", type=Path, metavar="PAGE")
    return parser.parse_args()


def _print(report: Report) -> None:
    console = Console()
    table = Table("what", "figure")
    for name, told in report.rows():
        table.add_row(name, told)
    faults = Table("fault", "times")
    for kind, count in sorted(report.kinds.items()):
        faults.add_row(kind, str(count))
    console.print(table, faults)
    for kind, why in report.missing.items():
        console.print(f"not possible here: {kind}: {why}", markup=False, highlight=False)
    for fault in report.faults:
        console.print(f"WRONG: {fault}", markup=False, highlight=False)
    console.print(summary(report.faults), highlight=False)


if __name__ == "__main__":
    sys.exit(main())
