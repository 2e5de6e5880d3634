"""Sums of reports: counterparties in order, points of a chart, and what is kept of them."""

from random import Random

from hypothesis import given
from hypothesis import strategies as st

from infrastructure.report_store.kept_sums import MOST_KEPT, KeptSums
from projections.wallet_reports.balance_history import Curve
from projections.wallet_reports.counterparties import Dealing, Dealings

AMOUNTS = st.integers(-(10**18), 10**18).filter(bool)
MOVEMENTS = st.lists(st.tuples(st.sampled_from("abcdefg"), AMOUNTS), max_size=60)


def numbered(movements: list[tuple[str, int]]) -> list[tuple[str, int, int]]:
    return [(name, 1 + at, amount) for at, (name, amount) in enumerate(movements)]


@given(MOVEMENTS, st.integers(0, 60), st.integers(1, 4), st.randoms(use_true_random=False))
def test_counterparties_are_summed_up(
    movements: list[tuple[str, int]], cut: int, limit: int, random: Random
) -> None:
    """In one go or in two, in any order: sums, counts and pages are those of all movements."""
    dealt = numbered(movements)
    parts = [dealt[:cut], dealt[cut:]]
    for part in parts:
        random.shuffle(part)
    dealings = Dealings().after(parts[0]).after(parts[1])
    expected = []
    for name in {name for name, _, _ in dealt}:
        paid = [-amount for other, _, amount in dealt if other == name and amount < 0]
        received = [amount for other, _, amount in dealt if other == name and amount > 0]
        last = max(at for other, at, _ in dealt if other == name)
        sums = len(paid), sum(paid), len(received), sum(received)
        expected.append(Dealing(name, *sums, last))
    expected.sort(key=lambda dealing: (-dealing.volume, dealing.counterparty))
    found: list[Dealing] = []
    while page := dealings.page(
        (found[-1].volume, found[-1].counterparty) if found else None, limit
    ):
        found += page
    assert found == expected
    assert dealings.movements == len(dealt)


@given(st.lists(st.integers(-5, 5), max_size=300), st.integers(0, 300), st.integers(10, 40))
def test_a_chart_has_the_points_that_matter(posted: list[int], cut: int, points: int) -> None:
    """In one go or in two: first, last, lowest and highest are among them, and few are all."""
    positions = list(range(7, 7 + 3 * len(posted), 3))
    curve = Curve().after(positions[:cut], posted[:cut]).after(positions[cut:], posted[cut:])
    drawn = curve.drawn(points)
    if len(posted) <= points:
        assert drawn == positions
    else:
        low, high = posted.index(min(posted)), posted.index(max(posted))
        assert {positions[at] for at in (0, len(posted) - 1, low, high)} <= set(drawn)
        assert points - 4 <= len(drawn) <= points
        assert drawn == sorted(set(drawn))


def test_later_sums_stay_and_too_many_go() -> None:
    """Who was slower does not put earlier sums back; those asked for longest ago are let go of."""
    kept: KeptSums[str] = KeptSums((), 10)
    kept.keep(("a",), 7, "later", 4)
    kept.keep(("a",), 5, "earlier", 1)
    assert kept.find(("a",), 9) == (7, "later")
    assert kept.find(("a",), 6) is None
    kept.keep(("b",), 1, "other", 4)
    kept.keep(("a",), 8, "latest", 6)
    assert kept.find(("b",), 9) == (1, "other")
    kept.keep(("c",), 1, "third", 1)
    assert kept.find(("b",), 9) is None
    assert kept.find(("a",), 9) == (8, "latest")
    assert kept.find(("c",), 9) == (1, "third")
    kept.keep(("d",), 1, "too large", 11)
    assert kept.find(("d",), 9) is None
    assert kept.find(("a",), 9) == (8, "latest")


def test_small_sums_are_not_kept_without_end() -> None:
    """Whoever asks for one period after the other does not fill the memory."""
    kept: KeptSums[str] = KeptSums((), 10**9)
    for period in range(MOST_KEPT + 1):
        kept.keep((period,), 1, "one row", 1)
    assert [kept.find((period,), 1) is None for period in (0, 1, MOST_KEPT)] == [True, False, False]
