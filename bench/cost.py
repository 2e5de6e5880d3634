"""What one transfer costs: processor time of each part, write-ahead log, storage, Kafka's log."""

import json
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil
import psycopg

from bench.figure import Figure
from bench.generator import Generator, Order, open_wallets
from bench.place import Place
from bench.plan import Plan

CONNECTIONS = 64
SETTLE_SECONDS = 1.0
RATES = (10_000, 100_000, 1_000_000)

Costs = Mapping[str, float]

SIZE = """
    SELECT coalesce(sum(pg_total_relation_size(c.oid)), 0)::bigint
    FROM pg_class c WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind = 'r'"""

PARTS = {
    "gateway": "gateway",
    "command-api": "command processes",
    "postgres": "PostgreSQL",
    "relay": "relay and projector",
    "projector": "relay and projector",
    "kafka": "Kafka",
}
WRITING = ("gateway", "command processes", "PostgreSQL")
FOLLOWING = ("relay and projector", "Kafka", "PostgreSQL")


@dataclass(frozen=True, slots=True)
class Reading:
    """Counters at one moment: processor seconds by part, and bytes."""

    seconds: Mapping[str, float]
    wal: int
    ledger: int
    reports: int
    topic: int


def figures(place: Place, plan: Plan) -> list[Figure]:
    """Measure a load through the gateway with the fan-out paused, then the fan-out alone."""
    wallets, generator = open_wallets(place), Generator(place)
    order = Order(place.urls["gateway"], wallets, CONNECTIONS, plan.seconds)
    generator.run(order)
    place.caught_up()
    found = [_run(place, generator, order) for _ in range(plan.runs)]
    return [Figure(name, _unit(name), tuple(run[name] for run in found)) for name in found[0]]


def _unit(name: str) -> str:
    return "us" if name.startswith("processor") else "bytes"


def _run(place: Place, generator: Generator, order: Order) -> dict[str, float]:
    with place.fan_out_paused():
        time.sleep(SETTLE_SECONDS)
        begin = _read(place)
        seen = generator.run(order)
        written = _read(place)
    place.caught_up()
    followed = _read(place)
    count = int(seen["statuses"]["201"])
    costs: dict[str, float] = {}
    for when, parts, before, after in (
        ("", WRITING, begin, written),
        (", for the fan-out", FOLLOWING, written, followed),
    ):
        for part in parts:
            seconds = after.seconds[part] - before.seconds[part]
            costs[f"processor: {part}{when}"] = 1e6 * seconds / count
    costs["write-ahead log of the ledger"] = (written.wal - begin.wal) / count
    costs["write-ahead log of the read models"] = (followed.wal - written.wal) / count
    costs["storage of the ledger"] = (written.ledger - begin.ledger) / count
    costs["storage of the read models"] = (followed.reports - written.reports) / count
    costs["storage of Kafka's topic"] = (followed.topic - written.topic) / count
    return costs


def _read(place: Place) -> Reading:
    seconds: dict[str, float] = {}
    status = place.status()
    for part in (*status["roles"], *status["servers"]):
        if part["name"] in PARTS:
            name = PARTS[part["name"]]
            seconds[name] = seconds.get(name, 0.0) + _processor(part["pid"])
    sizes, wal = {}, 0
    for database in ("ledger", "reports"):
        with psycopg.connect(place.admin(database)) as connection:
            row = connection.execute(SIZE).fetchone()
            assert row is not None
            sizes[database] = int(row[0])
            row = connection.execute("SELECT pg_current_wal_lsn() - '0/0'::pg_lsn").fetchone()
            assert row is not None
            wal = int(row[0])
    logs = (place.home / "servers" / "kafka").rglob("falconpay.main.events-0/*")
    topic = sum(path.stat().st_blocks * 512 for path in logs)
    return Reading(seconds, wal, sizes["ledger"], sizes["reports"], topic)


def _processor(pid: int) -> float:
    """Return the seconds of a process and those that live below it, and of those it has reaped."""
    process = psutil.Process(pid)
    total = 0.0
    for each in (process, *process.children(recursive=True)):
        times = each.cpu_times()
        total += times.user + times.system + times.children_user + times.children_system
    return total


def scaled(costs: Costs, rates: Sequence[int] = RATES) -> str:
    """Return a table in Markdown: what so many transfers a second need, by the costs of one."""
    rows = [
        "| need | one transfer | " + " | ".join(f"{rate:,}/s" for rate in rates) + " |",
        "|---|---|" + "---|" * len(rates),
    ]
    for name, cost in costs.items():
        if _unit(name) == "us":
            cells = [f"{cost * rate / 1e6:,.1f} cores" for rate in rates]
            one = f"{cost:,.0f} us"
        elif name.startswith("write"):
            cells = [f"{cost * rate / 2**20:,.0f} MiB/s" for rate in rates]
            one = f"{cost:,.0f} bytes"
        else:
            cells = [f"{cost * rate * 86_400 / 2**40:,.2f} TiB a day" for rate in rates]
            one = f"{cost:,.0f} bytes"
        rows.append(f"| {name} | {one} | " + " | ".join(cells) + " |")
    total = sum(cost for name, cost in costs.items() if _unit(name) == "us")
    cells = [f"{total * rate / 1e6:,.1f} cores" for rate in rates]
    rows.append(f"| all processors | {total:,.0f} us | " + " | ".join(cells) + " |")
    return "\n".join(rows)


def main(arguments: Sequence[str]) -> None:
    """Print the table from what `./falcon bench --only cost --json` has written to a file."""
    document = json.loads(Path(arguments[0]).read_text())
    costs = {f["name"]: float(f["median"]) for f in document["figures"] if f["group"] == "cost"}
    print(scaled(costs))


if __name__ == "__main__":
    main(sys.argv[1:])
