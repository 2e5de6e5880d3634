"""How soon after its commit a change is told by the stream, through broker and gateway."""

import contextlib
import re
import threading
import time

import httpx

from bench.arithmetic import seen_after
from bench.figure import Figure
from bench.generator import Generator, Order, open_wallets
from bench.place import Place
from bench.plan import Plan
from bench.reading import LEAST_SECONDS, TRANSFERS, WARM_UP_SECONDS, Watch, delay

SILENT_SECONDS = 3.0
RATES = (TRANSFERS // 2, TRANSFERS)
ID = re.compile(rb"\nid: ([0-9]+)\n")


def figures(place: Place, plan: Plan) -> list[Figure]:
    """Measure under 500 and 1,000 transfers/s, by one who is told of everything."""
    wallets, generator = open_wallets(place), Generator(place)
    urls = place.urls
    generator.run(Order(urls["command"], wallets, 64, WARM_UP_SECONDS, rate=TRANSFERS))
    place.caught_up()
    seconds = max(plan.seconds, LEAST_SECONDS)
    runs = range(plan.runs)
    return [
        delay(
            f"commit to told by GET /v1/stream, at {rate:,} transfers/s",
            [_told(place, generator, wallets, rate, seconds) for _ in runs],
        )
        for rate in RATES
    ]


def _told(
    place: Place, generator: Generator, wallets: list[str], rate: int, seconds: float
) -> list[float]:
    """Return the delay of each event committed in the steady part of a load."""
    order = Order(place.urls["command"], wallets, 64, seconds + 5, rate=rate)
    headers = {"Authorization": f"Bearer {place.token('bench', 'audit')}"}
    running = generator.start(order)
    time.sleep(4)
    told: list[tuple[float, int]] = []
    url, timeout = f"{place.urls['gateway']}/v1/stream", httpx.Timeout(10, read=SILENT_SECONDS)
    with (
        httpx.stream("GET", url, headers=headers, timeout=timeout) as response,
        Watch(place) as watch,
    ):
        reader = threading.Thread(target=_read, args=(response, told))
        reader.start()
        time.sleep(seconds)
        watch.stop_written()
        running.seen()
        place.caught_up()
        reader.join()
    return seen_after(watch.written, told)


def _read(response: httpx.Response, told: list[tuple[float, int]]) -> None:
    """Note how far the stream is until nothing comes any more."""
    with contextlib.suppress(httpx.ReadTimeout):
        for part in response.iter_raw():
            ids = ID.findall(part)
            if ids:
                told.append((time.perf_counter(), int(ids[-1])))
