"""Transfers a second over HTTP, with the fan-out paused and with everything running."""

import statistics
from collections.abc import Sequence

from bench.figure import Figure
from bench.generator import Generator, Order, Seen, open_wallets
from bench.place import Place
from bench.plan import Plan

PART_OF_FULL = 0.7


def figures(place: Place, plan: Plan) -> list[Figure]:
    """Measure the command API alone, everything together, the gateway, batches, one caller."""
    urls, wallets = place.urls, open_wallets(place)
    generator = Generator(place)

    def load(name: str, connections: int, size: int = 1, rate: float | None = None) -> list[Seen]:
        order = Order(urls[name], wallets, connections, plan.seconds, size, rate=rate)
        return [generator.run(order) for _ in range(plan.runs)]

    with place.fan_out_paused():
        generator.run(Order(urls["command"], wallets, 64, plan.seconds))
        alone, many = load("command", 64), load("command", 256)
        rate = PART_OF_FULL * statistics.median(seen["per_second"] for seen in (*alone, *many))
        calm = load("command", 128, rate=rate)
        batches, single = load("command", 8, size=100), load("command", 1)

    def followed(name: str) -> list[Seen]:
        """Load with everything running, each run with nothing left to follow from before it."""
        runs = []
        for _ in range(plan.runs):
            place.caught_up()
            seen = generator.run(Order(urls[name], wallets, 64, plan.seconds))
            runs.append({**seen, "behind": place.behind()})
        return runs

    together, through = followed("command"), followed("gateway")
    return [
        _rate("POST /v1/transfers, 64 connections, relay and projections paused", alone, 3500),
        _rate("the same, 256 connections", many, 3500),
        Figure(
            "the same at 70 % of that rate, open loop: p99",
            "ms",
            tuple(seen["p99"] for seen in calm),
            100,
            at_most=True,
            remarks={"offered": f"{rate:,.0f}/s"},
        ),
        _rate("POST /v1/transfers, 64 connections, everything running", together, 2000),
        _rate("the same, through the gateway", through, 1500),
        _rate("POST /v1/transfers/batch of 100, 8 connections", batches, 8000),
        Figure(
            "one caller, one at a time: p50",
            "ms",
            tuple(seen["p50"] for seen in single),
            4,
            at_most=True,
        ),
    ]


def _rate(name: str, runs: Sequence[Seen], goal: float) -> Figure:
    middle = sorted(runs, key=lambda run: float(run["per_second"]))[len(runs) // 2]
    rates = tuple(run["per_second"] for run in runs)
    remarks = {"p50": f"{middle['p50']:.1f} ms", "p99": f"{middle['p99']:.1f} ms"}
    if "behind" in middle:
        remarks["read models behind at the end"] = f"{middle['behind']:.1f} s"
    return Figure(name, "transfers/s", rates, goal, remarks=remarks)
