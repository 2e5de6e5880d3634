"""A million events: how long rebuilding and proving them takes, and what they cost to keep."""

import json
import subprocess
import sys
import time

import psutil
import psycopg

from bench.figure import Figure
from bench.filling import Filling
from bench.place import ROOT, Place
from bench.plan import Plan
from bench.rebuilding import rebuild, rebuild_beside

EVENTS = 1_000_000
WALLETS = 20_000
HOT_EVENTS = 20_000
KIB = 1_024


def figures(place: Place, plan: Plan) -> list[Figure]:
    """Measure rebuilds (a whole one from Kafka too), the proof, and storage; once each is long."""
    events = plan.events or EVENTS
    share = events / EVENTS
    with place.fan_out_paused():
        filling = Filling(place)
        filled = filling.fill(int(WALLETS * share), events, int(HOT_EVENTS * share))
        count = filling.position
        stored = _bytes_stored(place) / ((count - len(filling.wallets)) / 3)
    place.caught_up(600)
    runs = range(min(plan.runs, 2))
    with place.fan_out_paused():
        sustained = tuple(count / rebuild(place, from_topic=True) for _ in runs)
        every = tuple(rebuild(place) for _ in runs)
    beside = {name: rebuild_beside(place, name) for name in ("balances", "entries", "payments")}
    proofs = [verify(place) for _ in runs]
    at_size = f"of {count:,} events"
    return [
        Figure("projection of all read models, sustained from Kafka", "events/s", sustained, 30e3),
        Figure(f"rows {at_size} emptied and made again, all read models", "s", every),
        *[
            Figure(
                f"replay rebuild {at_size} beside the live rows, {name}: made",
                "s",
                (seconds["build"],),
                15 * share,
                at_most=True,
                remarks={
                    "compared": f"{seconds['compare']:.1f} s",
                    "exchanged": f"{seconds['switch']:.1f} s",
                },
            )
            for name, seconds in beside.items()
        ],
        Figure(
            f"replay verify {at_size}",
            "s",
            tuple(seconds for seconds, _ in proofs),
            30 * share,
            at_most=True,
            remarks={"peak memory": f"{max(peak for _, peak in proofs):.0f} MiB"},
        ),
        Figure(
            "storage a transfer, tables and indexes of the ledger database",
            "kB",
            (stored / KIB,),
            1.6,
            at_most=True,
            remarks={"filled": f"{count / filled:,.0f} events/s"},
        ),
    ]


def verify(place: Place) -> tuple[float, float]:
    """Prove the ledger by the command line; return the seconds and the peak of memory in MiB."""
    began = time.monotonic()
    process = subprocess.Popen(
        [sys.executable, "-m", "interfaces.cli", "replay", "verify", "--json"],
        env=place.environ,
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    )
    watched, peak = psutil.Process(process.pid), 0
    while process.poll() is None:
        try:
            peak = max(peak, watched.memory_info().rss)
            process.wait(0.05)
        except (psutil.NoSuchProcess, subprocess.TimeoutExpired):
            continue
    assert process.stdout is not None
    report = json.load(process.stdout)
    assert process.returncode == 0, report
    assert report["differences"] == 0, report
    return time.monotonic() - began, peak / 2**20


def _bytes_stored(place: Place) -> int:
    """Return the size of events and heads with their indexes and what else belongs to them."""
    with psycopg.connect(place.admin("ledger")) as connection:
        row = connection.execute(
            "SELECT pg_total_relation_size('events') + pg_total_relation_size('wallet_head')"
        ).fetchone()
    assert row is not None
    return int(row[0])
