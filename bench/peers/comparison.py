"""Ours in process and over HTTP beside a plain-SQL ledger and the library's own recorder."""

import statistics
from collections.abc import Callable

import psycopg
from psycopg.conninfo import make_conninfo

from bench import in_process
from bench.figure import Figure
from bench.generator import Generator, Order
from bench.peers import library
from bench.peers.plain import PlainLedger
from bench.place import Place
from bench.plan import Plan

CASES: tuple[tuple[int, bool], ...] = ((16, False), (64, False), (256, False), (64, True))
"""How many callers, and whether all of them pay into one account."""

OURS = ("ours, in process", "ours, over HTTP")
OTHERS = ("a plain-SQL ledger", "the event-sourcing library's recorder")
Rate = Callable[[int, bool], float]


def figures(place: Place, plan: Plan) -> list[Figure]:
    """Measure all contenders in turns for each number of callers, the fan-out of ours paused."""
    contenders = _contenders(place, plan)
    rates: dict[tuple[int, bool, str], list[float]] = {}
    with place.fan_out_paused():
        for callers, hot in CASES:
            for _ in range(plan.runs):
                for name, rate in contenders.items():
                    rates.setdefault((callers, hot, name), []).append(rate(callers, hot))
    found = []
    for callers, hot in CASES:
        where = f"{callers} callers, {'all to one account' if hot else 'random accounts'}"
        runs = {name: rates[callers, hot, name] for name in contenders}
        found += [
            Figure(f"{where}: {name}", "transfers/s", tuple(runs[name])) for name in contenders
        ]
        found += [
            Figure(
                f"{where}: {one} / {other}",
                "",
                tuple(a / b for a, b in zip(runs[one], runs[other], strict=True)),
                remarks={"medians": _medians(runs[one], runs[other])},
            )
            for one in OURS
            for other in OTHERS
        ]
    return found


def _medians(ours: list[float], others: list[float]) -> str:
    return f"{statistics.median(ours):,.0f} / {statistics.median(others):,.0f}"


def _contenders(place: Place, plan: Plan) -> dict[str, Rate]:
    """Set up all of them on one server, each in a database of its own."""
    admin = place.admin("ledger")
    databases = {}
    with psycopg.connect(admin, autocommit=True) as connection:
        for name in ("plain", "library"):
            connection.execute(f"CREATE DATABASE peer_{name}".encode())
            databases[name] = make_conninfo(admin, dbname=f"peer_{name}", options="")
    plain = PlainLedger(databases["plain"])
    application, accounts = library.open_library(databases["library"])
    wallets = in_process.open_wallets(place)
    generator, url, seconds = Generator(place), place.urls["command"], plan.seconds

    def by_plain(callers: int, hot: bool) -> float:
        rate = plain.transfers(callers, seconds, hot=hot)
        assert plain.balanced(), "the plain ledger has lost something"
        return rate

    def by_library(callers: int, hot: bool) -> float:
        return library.transfers(application, accounts, callers, seconds, hot=hot)

    def in_this_process(callers: int, hot: bool) -> float:
        return in_process.transfers(place, wallets, seconds, hot=hot, callers=callers)

    def over_http(callers: int, hot: bool) -> float:
        order = Order(url, wallets, callers, seconds, hot=wallets[0] if hot else None)
        return float(generator.run(order)["per_second"])

    contenders = (in_this_process, over_http, by_plain, by_library)
    return dict(zip((*OURS, *OTHERS), contenders, strict=True))
