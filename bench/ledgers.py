"""Transfers a second of 1, 2 and 4 ledgers together on one machine, all else being equal."""

import time
from dataclasses import replace

from bench.figure import Figure
from bench.generator import Generator, Order, open_wallets
from bench.place import Place
from bench.plan import Plan

GENERATORS = 4
"""As many in every run, so that what they take of the machine is the same."""

CONNECTIONS = 16
NOTICED_SECONDS = 6.0
NAMES = ("main", "second", "third", "fourth")
COUNTS = (1, 2, 4)


def figures(place: Place, plan: Plan) -> list[Figure]:
    """Measure the totals in turns, with everything running; the load is dealt out to the ledgers.

    All ledgers are there from the beginning, so that only how many are used differs.
    """
    for name in NAMES[1:]:
        place.falcon("ledger", "create", name)
    time.sleep(NOTICED_SECONDS)
    url = place.urls["command"]
    generators = {name: Generator(place, name) for name in NAMES}
    orders = {
        name: Order(url, open_wallets(place, 200, name), CONNECTIONS, plan.seconds)
        for name in NAMES
    }

    def total(count: int, seconds: float) -> float:
        used = [NAMES[number % count] for number in range(GENERATORS)]
        running = [generators[n].start(replace(orders[n], seconds=seconds)) for n in used]
        rate = sum(load.seen()["per_second"] for load in running)
        # What one run leaves to relays and projectors must not be work of the next one.
        _caught_up(place)
        return float(rate)

    total(len(NAMES), min(plan.seconds, 2.0))
    rates: dict[int, list[float]] = {count: [] for count in COUNTS}
    for _ in range(plan.runs):
        for count in COUNTS:
            rates[count].append(total(count, plan.seconds))
    return [
        Figure(
            f"POST /v1/transfers, {count} ledger{'s' if count > 1 else ''}, everything running",
            "transfers/s",
            tuple(rates[count]),
            remarks={"connections": GENERATORS * CONNECTIONS},
        )
        for count in COUNTS
    ]


def _caught_up(place: Place, seconds: float = 120) -> None:
    end = time.monotonic() + seconds
    while True:
        status = place.status()
        models = [*status["projections"]]
        models += [model for ledger in status["ledgers"] for model in ledger["projections"]]
        if not any(model["lag_events"] for model in models):
            return
        assert time.monotonic() < end, "the read models do not catch up"
        time.sleep(0.3)
