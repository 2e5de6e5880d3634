"""A database clock that jumps decides nothing until it is settled."""

import pytest

from application.clock import ClockGuard
from application.commands import ClockUnsure

START = 1_800_000_000.0

# Each step: seconds that pass on the monotonic clock, how far the database's clock is then from
# where it began, and whether it is trusted.
STORIES = {
    "a clock that keeps time": [(0, 0, True), (1, 0, True), (3600, 0, True)],
    "a small step is taken at once": [(0, 0, True), (1, 60, True), (1, 119, True)],
    "a small step back too": [(0, 0, True), (1, -60, True), (1, -119, True)],
    "a jump forward settles after a minute": [
        (0, 0, True),
        (1, 3600, False),
        (59, 3600, False),
        (1, 3600, True),
        (1, 3600, True),
    ],
    "a jump back settles after a minute": [(0, 0, True), (1, -61, False), (60, -61, True)],
    "a clock that is back where it was is trusted at once": [
        (0, 0, True),
        (1, 3600, False),
        (1, 0, True),
        (1, 0, True),
        (1, 3600, False),
    ],
    "a second jump starts the minute again": [
        (0, 0, True),
        (1, 3600, False),
        (50, 7200, False),
        (50, 7200, False),
        (10, 7200, True),
    ],
    "a clock that keeps jumping is never trusted": [
        (0, 0, True),
        *[(61, 3600 + 100 * number, False) for number in range(10)],
    ],
    "a wobble within a second does not start the minute again": [
        (0, 0, True),
        (1, 3600, False),
        (30, 3600.9, False),
        (30, 3599.1, True),
    ],
    "two clocks that take turns are never both trusted": [
        (0, 0, True),
        (30, 3600, False),
        (30, 0, True),
        (30, 3600, False),
        (31, 3600, False),
        (30, 3600, True),
        (1, 0, False),
    ],
}


@pytest.mark.parametrize("story", STORIES.values(), ids=STORIES)
def test_a_clock_is_trusted_only_while_it_is_settled(
    story: list[tuple[float, float, bool]],
) -> None:
    """More than a minute between the clocks is a jump; a minute of the new pace settles it."""
    passed = 0.0
    guard = ClockGuard(lambda: passed)
    for number, (seconds, offset, trusted) in enumerate(story):
        passed += seconds
        try:
            guard.check(START + passed + offset)
            verdict = True
        except ClockUnsure:
            verdict = False
        assert verdict is trusted, f"step {number}"


def test_the_first_reading_is_the_one_that_is_believed() -> None:
    """There is nothing to compare it with, whatever it says."""
    ClockGuard(lambda: 5.0).check(-1e12)
