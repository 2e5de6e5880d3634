"""The few sums that figures rest on, apart from anything that measures, so that tests hold them."""

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass


def percentile(values: Sequence[float], share: float) -> float:
    """Return the smallest value that so large a share of all values keeps (nearest rank)."""
    assert values, "there is no percentile of nothing"
    ordered = sorted(values)
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]


@dataclass(frozen=True, slots=True)
class Slope:
    """A straight line through samples: what it gains a second, and that figure's own noise."""

    per_second: float
    error: float


def slope(times: Sequence[float], values: Sequence[float]) -> Slope:
    """Fit a line by least squares; `error` is the standard error of its slope.

    At least three samples at different times are needed.
    """
    count = len(times)
    assert count == len(values) >= 3, "a slope with its noise needs three samples"
    middle, level = sum(times) / count, sum(values) / count
    spread = sum((time - middle) ** 2 for time in times)
    pairs = list(zip(times, values, strict=True))
    gain = sum((time - middle) * (value - level) for time, value in pairs) / spread
    rest = sum((value - level - gain * (time - middle)) ** 2 for time, value in pairs)
    return Slope(gain, math.sqrt(rest / (count - 2) / spread))


def seen_after(
    written: Sequence[tuple[float, int]], seen: Sequence[tuple[float, int]]
) -> list[float]:
    """Return for each position written how long afterwards it was seen, in seconds.

    Both are observations of a growing position, as pairs of time and position in order of time.
    What was not seen by the end of the observations is left out.
    """
    delays: list[float] = []
    place = 0
    for (_, before), (time, position) in itertools.pairwise(written):
        reached = before
        while reached < position and place < len(seen):
            at, limit = seen[place]
            if limit <= reached:
                place += 1
                continue
            upto = min(limit, position)
            delays += [max(0.0, at - time)] * (upto - reached)
            reached = upto
    return delays
