"""Three times what the system can do: what is accepted, what is refused how fast, what is left."""

import itertools
import statistics
import time
from dataclasses import replace

import psutil

from bench.figure import Figure
from bench.generator import Generator, Order, Seen, open_wallets
from bench.place import Place
from bench.plan import Plan

FACTOR = 3
CONNECTIONS = (1_000, 4_000)
SECONDS = 15.0
NORMAL_SECONDS = 10.0
PART_AFTERWARDS = 0.5
RECOVERED_WITHIN = 5
AT_ONCE_MS = 1_000.0


def figures(place: Place, plan: Plan) -> list[Figure]:
    """Measure the full rate with everything running, then offer three times that, in turns."""
    wallets, generator = open_wallets(place), Generator(place)
    url = place.urls["command"]
    full = Order(url, wallets, 256, plan.seconds)
    generator.run(full)
    found = []
    for connections in CONNECTIONS:
        for _ in range(plan.runs):
            rate = float(generator.run(full)["per_second"])
            found.append((connections, rate, *_overload(place, generator, full, connections, rate)))
    figures = []
    for connections in CONNECTIONS:
        runs = [run[1:] for run in found if run[0] == connections]
        figures += _figures(connections, runs)
    return figures


def _overload(
    place: Place, generator: Generator, full: Order, connections: int, rate: float
) -> tuple[Seen, Seen, float]:
    """Offer three times a rate, then half of it; return both loads and the growth in MiB."""
    seconds = max(SECONDS, full.seconds)
    much = replace(
        full,
        connections=connections,
        seconds=seconds,
        rate=FACTOR * rate,
        wait=False,
        refusals=True,
    )
    running = generator.start(much)
    time.sleep(seconds / 3)
    early = command_memory(place)
    time.sleep(seconds / 2)
    grown = command_memory(place) - early
    seen = running.seen()
    calm = replace(
        full,
        connections=64,
        seconds=NORMAL_SECONDS,
        rate=PART_AFTERWARDS * rate,
        refusals=True,
    )
    return seen, generator.run(calm), grown


def command_memory(place: Place) -> float:
    """Return the resident memory of the command API's processes in MiB."""
    roles = [role for role in place.status()["roles"] if role["name"] == "command-api"]
    sizes: list[int] = [psutil.Process(role["pid"]).memory_info().rss for role in roles]
    return sum(sizes) / 2**20


def _figures(connections: int, runs: list[tuple[float, Seen, Seen, float]]) -> list[Figure]:
    refused = [seen for _, seen, _, _ in runs if seen["refused_per_second"] > 0]
    middle = statistics.median(seen["refused_per_second"] for _, seen, _, _ in runs)
    offered = statistics.median(FACTOR * rate for rate, *_ in runs)
    over = f"overload, {connections:,} connections"
    return [
        Figure(
            f"{over}: accepted, against the full rate",
            "",
            tuple(seen["per_second"] / rate for rate, seen, _, _ in runs),
            0.8,
            remarks={"offered": f"{offered:,.0f}/s", "refused": f"{middle:,.0f}/s"},
        ),
        Figure(
            f"{over}: p99 of the accepted",
            "ms",
            tuple(seen["p99"] for _, seen, _, _ in runs),
            1_000,
            at_most=True,
        ),
        Figure(
            f"{over}: p99 of the refusals (503 with Retry-After)",
            "ms",
            tuple(seen["refused_p99"] for seen in refused) or (0.0,),
            AT_ONCE_MS,
            at_most=True,
        ),
        Figure(
            f"{over}: memory of the command API gained while it lasts",
            "MiB",
            tuple(grown for *_, grown in runs),
            32,
            at_most=True,
        ),
        Figure(
            f"{over}: seconds until half load is answered in full again",
            "s",
            tuple(
                recovery(calm["each_second"], PART_AFTERWARDS * rate) for rate, _, calm, _ in runs
            ),
            RECOVERED_WITHIN,
            at_most=True,
        ),
    ]


def recovery(each_second: list[int], rate: float) -> int:
    """Return after how many seconds two in a row do what is offered, all but a tenth.

    The last second is not looked at, as it is not a whole one.
    """
    kept = [done >= 0.9 * rate for done in each_second[:-1]]
    pairs = itertools.pairwise(kept)
    return next((second for second, pair in enumerate(pairs) if all(pair)), len(kept))
