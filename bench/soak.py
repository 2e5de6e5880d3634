"""Half load for a long time: what a system holds must not grow, within the noise of looking."""

import statistics
import sys
import time
from collections.abc import Sequence
from dataclasses import replace

from bench.arithmetic import slope
from bench.figure import Figure
from bench.generator import Generator, Order, open_wallets
from bench.place import Place
from bench.plan import Plan
from bench.samples import Sample, take

PART = 0.5
EVERY_SECONDS = 10.0
SETTLING = 1 / 3
"""Caches and pools fill in the first part of a run, which is not judged."""

HOUR = 3_600
TOLERATED_SHARE = 0.2
TOLERATED_COUNT = 2.0
TOLERATED_LAG = 1_000.0
TOPIC_BYTES = 1_850
"""What a transfer adds to the topic (`bench.cost`)."""

SEGMENT_BYTES = 2**30
SEGMENT_FILES = 3
"""A segment's records and its two indexes."""

TABLE_BYTES = 2_600
"""What a transfer adds to the tables of the ledger and of the read models (`bench.cost`)."""

SESSIONS = 14
"""Those of the roles, and PostgreSQL's own workers."""


def figures(place: Place, plan: Plan) -> list[Figure]:
    """Find the full rate, send half of it for `minutes`, and fit a line through each measure."""
    wallets, generator = open_wallets(place), Generator(place)
    full = Order(place.urls["command"], wallets, 64, plan.seconds)
    generator.run(full)
    rate = PART * statistics.median(
        float(generator.run(full)["per_second"]) for _ in range(plan.runs)
    )
    place.caught_up()
    running = generator.start(replace(full, seconds=plan.minutes * 60, rate=rate))
    began = time.monotonic()
    samples = []
    while (since := time.monotonic() - began) < plan.minutes * 60:
        samples.append(take(place, since))
        print(f"  {since:.0f} s of {plan.minutes * 60:.0f} s", file=sys.stderr, flush=True)
        rest = plan.minutes * 60 - (time.monotonic() - began)
        time.sleep(max(0.0, min(EVERY_SECONDS - (time.monotonic() - began - since), rest)))
    seen = running.seen()
    place.falcon("replay", "verify")
    kept = Figure(
        f"half load for {plan.minutes:g} minutes: done, against what was offered",
        "",
        (seen["per_second"] / rate,),
        0.99,
        remarks={"offered": f"{rate:,.0f}/s", "p99": f"{seen['p99']:.0f} ms"},
    )
    return [kept, *judged(samples, rate)]


def judged(samples: Sequence[Sample], rate: float) -> list[Figure]:
    """Return what each measure gains an hour; the goal is what is tolerated, or the noise.

    `rate` is what was offered, in transfers a second.
    """
    settled = samples[int(SETTLING * len(samples)) :]
    times = [sample.seconds for sample in settled]
    figures = []
    for name in settled[0].measures:
        values = [sample.measures.get(name, 0.0) for sample in settled]
        line = slope(times, values)
        middle = statistics.median(values)
        figures.append(
            Figure(
                f"{name}, gained an hour",
                "",
                (HOUR * line.per_second,),
                max(_tolerated(name, middle, rate), 3 * HOUR * line.error),
                at_most=True,
                remarks={"median": f"{middle:,.4g}", "noise": f"{HOUR * line.error:,.3g}"},
            )
        )
    return figures


def _tolerated(name: str, middle: float, rate: float) -> float:
    if name == "kafka: handles":
        # The broker keeps every segment of a topic open, and the topic is kept for ever.
        segments = HOUR * rate * TOPIC_BYTES / SEGMENT_BYTES
        return TOLERATED_COUNT + SEGMENT_FILES * (segments + 1)
    if name == "postgres: handles":
        # A table goes on in a new file every gibibyte, which each session opens for itself.
        segments = HOUR * rate * TABLE_BYTES / SEGMENT_BYTES
        return TOLERATED_COUNT + SESSIONS * (segments + 1)
    if name.endswith("lag events"):
        return TOLERATED_LAG
    return TOLERATED_SHARE * middle if name.endswith("MiB") else TOLERATED_COUNT
