"""`python -m tests.simulation`: hunts for a seed whose world breaks a promise, or replays one."""

import argparse
import random
import sys
import time
from collections import Counter

from tests.simulation.worlds import Finding, live


def main() -> int:
    """Run one seed or many; exit with 1 when a promise was broken."""
    parser = argparse.ArgumentParser(prog="python -m tests.simulation", description=__doc__)
    parser.add_argument("--seed", type=int, help="the world to run, or the first of many")
    parser.add_argument("--trace", action="store_true", help="print every step of the world")
    parser.add_argument("--runs", type=int, help="so many worlds from the seed on")
    parser.add_argument("--seconds", type=float, help="as many worlds as fit")
    chosen = parser.parse_args()
    if chosen.runs is None and chosen.seconds is None and chosen.seed is not None:
        return _show(live(chosen.seed), chosen.trace)
    first = random.randrange(10**9) if chosen.seed is None else chosen.seed
    return _hunt(first, chosen.runs or sys.maxsize, chosen.seconds or 60.0)


def _show(finding: Finding, trace: bool) -> int:
    if trace or finding.faults:
        print("\n".join(finding.lines()))
    print(f"seed {finding.seed}: {finding.requests} requests, {finding.events} events")
    print("\n".join(finding.faults) or "Every promise was kept.")
    print(f"digest of the trace: {finding.digest}")
    return 1 if finding.faults else 0


def _hunt(first: int, runs: int, seconds: float) -> int:
    begun, counts, worlds, steps = time.perf_counter(), Counter[str](), 0, 0
    while worlds < runs and time.perf_counter() - begun < seconds:
        finding = live(first + worlds)
        worlds, steps = worlds + 1, steps + finding.scheduler.steps
        counts += finding.scheduler.counts
        if finding.faults:
            print("\n".join([*finding.lines(), *finding.faults]))
            print(f"Replay it by: python -m tests.simulation --seed {finding.seed}")
            return 1
    taken = time.perf_counter() - begun
    print(f"{worlds} worlds from seed {first}, {worlds / taken:,.0f} worlds/s,", end=" ")
    print(f"{steps / taken:,.0f} steps/s; every promise was kept.")
    for what, times in counts.most_common():
        print(f"{times:10,}  {what}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
