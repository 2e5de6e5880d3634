"""A ledger with millions of events beside an empty one, in turns: what is not to grow with it."""

import gc
import random
import time
from collections.abc import Sequence
from dataclasses import dataclass

from bench import in_process
from bench.figure import Figure
from bench.filling import Filling
from bench.generator import Generator, Order
from bench.million import verify
from bench.place import Place, free_ports
from bench.plan import Plan
from bench.rebuilding import projection, rebuild
from domain.identifiers import WalletId

EVENTS = 5_000_000
ACTIVE = 1_000
SENT_TO = 50_000
CATCH_UP_SECONDS = 1_800
LEAST_RATIO = 0.9
CATCH_UP_EVENTS = 30_000


@dataclass(frozen=True, slots=True)
class Full:
    """What a ledger was filled with, and what proving it took at two sizes."""

    wallets: list[WalletId]
    events: int
    seconds: float
    peaks: tuple[float, float]


def figures(place: Place, plan: Plan) -> list[Figure]:
    """Fill a ledger (a fifth opens wallets, a fiftieth is in one wallet) and compare."""
    empty = Place(place.home.parent / "empty", free_ports())
    empty.up()
    try:
        few = in_process.open_wallets(empty)
        with place.fan_out_paused(), empty.fan_out_paused():
            full = _fill(place, plan.events or EVENTS)
            found = _ratios(place, empty, full, few, plan)
            found += _over_http(place, empty, full, few, plan)
        began, behind = time.monotonic(), place.status()["position"]
        place.caught_up(CATCH_UP_SECONDS)
        followed = behind / (time.monotonic() - began)
        return [*found, *_catching_up(place, full, followed), *_start_up(place, empty, plan)]
    finally:
        empty.down()


def _fill(place: Place, events: int) -> Full:
    """Fill in two steps, with all wallets from the first on, and prove the ledger after each."""
    filling = Filling(place)
    wallets = events // 5
    seconds = filling.fill(wallets, wallets + events // 10, 0)
    _, before = verify(place)
    seconds += filling.fill(0, events - filling.position, events // 50)
    _, after = verify(place)
    full = Full(filling.wallets, filling.position, seconds, (before, after))
    del filling
    gc.collect()
    gc.freeze()
    return full


def _ratios(
    place: Place, empty: Place, full: Full, few: Sequence[WalletId], plan: Plan
) -> list[Figure]:
    """Compare transfers a second of the ledger in this process, 64 callers, in turns."""
    active = random.sample(full.wallets, ACTIVE)
    hot = [full.wallets[0], *active]
    rows = []
    in_process.transfers(place, full.wallets, plan.seconds)  # Brings pages back into memory.
    for _ in range(plan.runs):
        base = in_process.transfers(empty, few, plan.seconds)
        rows.append(
            (
                base,
                in_process.transfers(place, active, plan.seconds) / base,
                in_process.transfers(place, full.wallets, plan.seconds) / base,
                in_process.transfers(place, hot, plan.seconds, hot=True)
                / in_process.transfers(empty, few, plan.seconds, hot=True),
            )
        )
    bases, actives, everywhere, hots = (tuple(column) for column in zip(*rows, strict=True))
    size = f"{full.events:,} events, {len(full.wallets):,} wallets"
    remarks = {
        "empty": f"{sorted(bases)[len(bases) // 2]:,.0f}/s",
        "filled in": f"{full.seconds:.0f} s",
    }
    return [
        Figure(f"transfers/s with {size}, among 1,000 of them, against empty", "", actives, 0.9),
        Figure(
            "transfers/s among all of its wallets, against empty",
            "",
            everywhere,
            LEAST_RATIO,
            remarks=remarks,
        ),
        Figure(
            f"one hot wallet of {full.events // 50:,} events, against a new one",
            "",
            hots,
            LEAST_RATIO,
        ),
    ]


def _over_http(
    place: Place, empty: Place, full: Full, few: Sequence[WalletId], plan: Plan
) -> list[Figure]:
    """Compare rate and latency over HTTP at 64 connections, in turns."""
    many = random.sample(full.wallets, min(SENT_TO, len(full.wallets)))
    sides = [
        (Generator(place), Order(place.urls["command"], many, 64, plan.seconds)),
        (Generator(empty), Order(empty.urls["command"], few, 64, plan.seconds)),
    ]
    pairs = [[each.run(order) for each, order in sides] for _ in range(plan.runs + 1)][1:]
    return [
        Figure(
            "POST /v1/transfers, 64 connections: rate against empty",
            "",
            tuple(big["per_second"] / small["per_second"] for big, small in pairs),
            LEAST_RATIO,
        ),
        Figure(
            "POST /v1/transfers, 64 connections: p99 against empty",
            "",
            tuple(big["p99"] / small["p99"] for big, small in pairs),
            1 / LEAST_RATIO,
            at_most=True,
            remarks={"empty": f"{pairs[0][1]['p99']:.0f} ms"},
        ),
    ]


def _catching_up(place: Place, full: Full, followed: float) -> list[Figure]:
    with place.fan_out_paused():
        rates = {
            name: full.events / rebuild(place, projection(name)) for name in ("balances", "entries")
        }
    before, after = full.peaks
    return [
        *[
            Figure(f"a new {name} catches up", "events/s", (rate,), CATCH_UP_EVENTS)
            for name, rate in rates.items()
        ],
        Figure("all read models and Kafka catch up", "events/s", (followed,)),
        Figure(
            "replay verify: peak memory against that of a quarter of the events, same wallets",
            "",
            (after / before,),
            1.1,
            at_most=True,
            remarks={"peak": f"{after:.0f} MiB"},
        ),
    ]


def _start_up(place: Place, empty: Place, plan: Plan) -> list[Figure]:
    """Compare second starts, in turns."""
    rows = []
    for _ in range(plan.runs):
        times = []
        for each in (place, empty):
            each.down()
            times.append(each.up())
        rows.append(times)
    return [
        Figure(
            "up, second start, against an empty ledger",
            "",
            tuple(big / small for big, small in rows),
            1.25,
            at_most=True,
            remarks={"empty": f"{min(small for _, small in rows):.1f} s"},
        )
    ]
