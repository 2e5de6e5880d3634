"""How fast balances are read, and how soon after its commit a transfer is seen in them."""

import statistics
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

import psycopg

from bench.arithmetic import percentile, seen_after
from bench.figure import Figure
from bench.generator import Generator, Order, open_wallets
from bench.place import Place
from bench.plan import Plan

QUERIES = 500
TRANSFERS = 1_000
WARM_UP_SECONDS = 15.0
LEAST_SECONDS = 20.0
LOOK_SECONDS = 0.004


def figures(place: Place, plan: Plan) -> list[Figure]:
    """Measure balance queries at 500/s, then visibility through the broker at 1,000 transfers/s."""
    wallets, generator = open_wallets(place), Generator(place)
    commands = Order(place.urls["command"], wallets, 64, WARM_UP_SECONDS, rate=TRANSFERS)
    generator.run(commands)
    place.caught_up()
    queries = Order(place.urls["query"], wallets, 32, plan.seconds, query=True, rate=QUERIES)
    answered = [generator.run(queries) for _ in range(plan.runs)]
    seconds = max(plan.seconds, LEAST_SECONDS)
    delays = [_visible(place, generator, wallets, seconds) for _ in range(plan.runs)]
    return [
        Figure(
            "balance query at 500/s: p99",
            "ms",
            tuple(seen["p99"] for seen in answered),
            25,
            at_most=True,
            remarks={"p50": f"{statistics.median(seen['p50'] for seen in answered):.2g} ms"},
        ),
        delay("commit to visible in balances through the broker, at 1,000 transfers/s", delays),
    ]


def delay(name: str, runs: Sequence[Sequence[float]]) -> Figure:
    """Return how late the slowest hundredth was in each run; the delays are in seconds."""
    middle = sorted(runs, key=lambda run: percentile(run, 0.99))[len(runs) // 2]
    return Figure(
        f"{name}: p99",
        "ms",
        tuple(1000 * percentile(run, 0.99) for run in runs),
        250,
        at_most=True,
        remarks={
            "p50": f"{1000 * percentile(middle, 0.5):.0f} ms",
            "p95": f"{1000 * percentile(middle, 0.95):.0f} ms",
        },
    )


def _visible(place: Place, generator: Generator, wallets: list[str], seconds: float) -> list[float]:
    """Return the delay of each event committed in the steady part of a load."""
    order = Order(place.urls["command"], wallets, 64, seconds + 5, rate=TRANSFERS)
    running = generator.start(order)
    time.sleep(4)
    with Watch(place) as watch:
        time.sleep(seconds)
        watch.stop_written()
        running.seen()
        place.caught_up()
    return seen_after(watch.written, watch.seen)


@dataclass
class Watch:
    """Looks every few milliseconds how far the log is and how far the balances are."""

    place: Place
    written: list[tuple[float, int]] = field(default_factory=list)
    seen: list[tuple[float, int]] = field(default_factory=list)

    def __enter__(self) -> "Watch":
        """Begin to look."""
        self._over, self._no_more = threading.Event(), threading.Event()
        statements = {
            "ledger": "SELECT coalesce(max(notification_id), 0) FROM events",
            "reports": "SELECT position FROM checkpoint WHERE projection = 'balances'",
        }
        ledger = psycopg.connect(self.place.admin("ledger"), autocommit=True)
        reports = psycopg.connect(self.place.admin("reports"), autocommit=True)
        self._threads = [
            threading.Thread(
                target=self._look,
                args=(ledger, statements["ledger"], self.written, self._no_more),
            ),
            threading.Thread(
                target=self._look, args=(reports, statements["reports"], self.seen, self._over)
            ),
        ]
        for thread in self._threads:
            thread.start()
        return self

    def stop_written(self) -> None:
        """Count no commit from now on."""
        self._no_more.set()

    def __exit__(self, *_: object) -> None:
        """Stop looking."""
        self._no_more.set()
        self._over.set()
        for thread in self._threads:
            thread.join()

    def _look(
        self,
        connection: psycopg.Connection,
        statement: str,
        found: list[tuple[float, int]],
        over: threading.Event,
    ) -> None:
        with connection:
            while not over.wait(LOOK_SECONDS):
                row = connection.execute(statement.encode(), prepare=True).fetchone()
                assert row is not None
                if not found or row[0] > found[-1][1]:
                    found.append((time.perf_counter(), int(row[0])))
