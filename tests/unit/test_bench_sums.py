"""The sums behind the figures, and the page that they are written to; no speed is asserted."""

import asyncio
import json
import math
import random
from pathlib import Path
from typing import Any

import pytest

from bench.arithmetic import percentile, seen_after, slope
from bench.figure import Figure, number, row
from bench.groups import GROUPS, listing
from bench.load import closed, paced
from bench.overload import recovery
from bench.page import PAGE, PlaceMissing, main, written
from bench.samples import Sample
from bench.soak import judged
from interfaces.cli import bench_command

MACHINE = {
    "processor": "Abacus",
    "cores": 2,
    "memory_gib": 1,
    "system": "Linux 6",
    "python": "3.11.0",
}


@pytest.mark.parametrize(("share", "expected"), [(0, 1), (0.5, 50), (0.99, 99), (1, 100)])
def test_a_percentile_is_the_nearest_rank(share: float, expected: float) -> None:
    values = list(range(1, 101))
    random.Random(1).shuffle(values)
    assert percentile(values, share) == expected


def test_a_percentile_of_one_value_is_that_value() -> None:
    assert percentile([7.0], 0.99) == 7.0


def test_a_slope_is_exact_without_noise() -> None:
    line = slope([0, 10, 20, 30], [5, 25, 45, 65])
    assert line.per_second == pytest.approx(2)
    assert line.error == pytest.approx(0)


def test_a_slopes_error_is_that_of_the_textbook() -> None:
    """Five points by hand: the squares left over sum to 3.6, those of the times to 10."""
    times, values = [0, 1, 2, 3, 4], [1.0, 3.0, 2.0, 5.0, 4.0]
    line = slope(times, values)
    assert line.per_second == pytest.approx(0.8)
    assert line.error == pytest.approx(math.sqrt(3.6 / 3 / 10))


def test_each_position_is_seen_after_its_own_commit() -> None:
    """Positions 1 and 2 are there before anybody looked, so they are not counted."""
    written_at = [(0.0, 2), (1.0, 4), (2.0, 5)]
    seen = [(0.5, 2), (1.25, 3), (2.5, 9)]
    assert seen_after(written_at, seen) == pytest.approx([0.25, 1.5, 0.5])


def test_what_was_never_seen_is_left_out() -> None:
    assert seen_after([(0.0, 0), (1.0, 3)], [(1.5, 2)]) == pytest.approx([0.5, 0.5])


def test_a_goal_is_a_bound_on_the_median() -> None:
    fast = Figure("f", "x/s", (1, 5, 9), 5)
    slow = Figure("f", "ms", (1, 5, 9), 4, at_most=True)
    assert (fast.reached, slow.reached, Figure("f", "", (1.0,)).reached) == (True, False, None)
    assert row(slow.document()) == ("f", "5 ms", "1 - 9", "<= 4", "no", "")


@pytest.mark.parametrize(
    ("value", "text"), [(0.1234, "0.123"), (999.4, "999"), (12_345.6, "12,346"), (0, "0")]
)
def test_figures_are_shown_as_exactly_as_they_are_worth(value: float, text: str) -> None:
    assert number(value) == text


@pytest.mark.parametrize(
    ("each_second", "seconds"),
    [([100, 100, 100, 7], 0), ([10, 95, 20, 91, 92, 3], 3), ([10, 10, 10], 2)],
)
def test_recovery_is_over_with_two_good_seconds(each_second: list[int], seconds: int) -> None:
    assert recovery(each_second, 100) == seconds


def samples(gain: float, name: str = "relay: handles") -> list[Sample]:
    noise = random.Random(2)
    return [Sample(10.0 * n, {name: 30 + gain * n + noise.uniform(-1, 1)}) for n in range(60)]


def test_growth_is_told_from_noise() -> None:
    """A handle a minute is a leak, and a number that wavers is not."""
    (leak,) = judged(samples(1 / 6), 1_000)
    (calm,) = judged(samples(0), 1_000)
    assert leak.reached is False
    assert leak.median == pytest.approx(60, abs=15)
    assert calm.reached is True


def test_a_broker_keeps_a_segment_open_for_each_gibibyte() -> None:
    """1,000 transfers a second fill six segments an hour of three files each, and no more."""
    (grows,) = judged(samples(15 / 360, "kafka: handles"), 1_000)
    (leaks,) = judged(samples(60 / 360, "kafka: handles"), 1_000)
    assert (grows.reached, leaks.reached) == (True, False)


def test_a_session_keeps_each_gibibyte_of_tables_open() -> None:
    """1,000 transfers a second fill nine files of tables an hour, for each of fourteen sessions."""
    (grows,) = judged(samples(100 / 360, "postgres: handles"), 1_000)
    (leaks,) = judged(samples(400 / 360, "postgres: handles"), 1_000)
    assert (grows.reached, leaks.reached) == (True, False)


def test_the_page_takes_the_groups_that_were_measured_and_keeps_the_others() -> None:
    page = "# A\n<!-- http -->\nold\n<!-- /http -->\nb\n<!-- soak -->\nkept\n<!-- /soak -->\n"
    document = document_of("http", Figure("a|b", "ms", (1.5, 2.5), 3, at_most=True))
    found = written(page, document)
    assert "old" not in found
    assert "<!-- soak -->\nkept\n<!-- /soak -->" in found
    assert "| a\\|b | 2 ms | 1.5 - 2.5 | ≤ 3 | yes |  |" in found
    assert "Abacus" in found
    assert written(found, document) == found


def test_a_group_without_its_place_is_told() -> None:
    with pytest.raises(PlaceMissing, match="<!-- http -->"):
        written("nothing here", document_of("http", Figure("a", "ms", (1.0,))))


def test_the_page_has_a_place_for_every_group(tmp_path: Path) -> None:
    """The figures of all groups can be written into the page as it is."""
    page, file = tmp_path / "page.md", tmp_path / "figures.json"
    page.write_text(PAGE.read_text())
    figures = [{"group": name, **Figure("x", "", (1.0,)).document()} for name in GROUPS]
    file.write_text(json.dumps({**document_of("", Figure("x", "", (1.0,))), "figures": figures}))
    assert main([str(file)], page) == 0
    assert page.read_text().count("| x |") == len(GROUPS)
    assert main([str(tmp_path / "none.json")], page) == 2


def test_every_group_is_named_where_the_command_is_described() -> None:
    text = Path(bench_command.__file__).read_text()
    assert [name for name in GROUPS if name not in text] == []
    assert all(name in listing() for name, group in GROUPS.items() if group.present)


def document_of(group: str, figure: Figure) -> dict[str, Any]:
    return {
        "machine": MACHINE,
        "run_seconds": 5,
        "runs": 3,
        "figures": [{"group": group, **figure.document()}],
    }


class Answering(asyncio.Protocol):
    """A server that answers every request, in two pieces, and refuses each third one."""

    answered = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        Answering.answered += 1
        status = b"503 No" if Answering.answered % 3 == 0 else b"201 Made"
        self.transport.write(b"HTTP/1.1 " + status + b"\r\nContent-Length: 4\r\n\r\nab")
        asyncio.get_running_loop().call_later(0.001, self.transport.write, b"cd")


@pytest.mark.parametrize("rate", [None, 200.0])
def test_a_load_counts_what_was_done_and_what_was_refused(rate: float | None) -> None:
    async def play() -> dict[str, Any]:
        loop = asyncio.get_running_loop()
        server = await loop.create_server(Answering, "127.0.0.1", 0)
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"

        def make(connection: int, number: int) -> bytes:
            return b"GET / HTTP/1.1\r\n\r\n"

        if rate is None:
            load = await closed(url, make, 4, 0.3)
        else:
            load = await paced(url, make, 4, 0.3, rate, wait=True)
        server.close()
        return load.summary()

    Answering.answered = 0
    summary = asyncio.run(play())
    done, refused = summary["statuses"]["201"], summary["statuses"]["503"]
    assert done + refused == Answering.answered
    assert refused == Answering.answered // 3
    assert sum(summary["each_second"]) == done
    assert 0 < summary["p50"] <= summary["p99"]
