"""What a campaign does and in which order: drawn from its seed alone, so that it repeats."""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from tests.faults.kinds import Kind

COMBINED = 0.25
"""How often two kinds strike at once, where both may."""


@dataclass(frozen=True, slots=True)
class Strike:
    """One moment of harm: after a pause, one or two kinds at once, each with a seed of its own."""

    pause_seconds: float
    kinds: tuple[Kind, ...]
    seed: int

    def __str__(self) -> str:
        """Name the kinds, as the plan is printed."""
        return " + ".join(kind.name for kind in self.kinds)


def draw(seed: int, kinds: Sequence[Kind], pace_seconds: float) -> Iterator[Strike]:
    """Yield strikes without end; every kind strikes once before any strikes again."""
    choose = random.Random(seed)
    while True:
        round_of = list(kinds)
        choose.shuffle(round_of)
        while round_of:
            chosen = [round_of.pop()]
            if choose.random() < COMBINED and not chosen[0].alone:
                second = next((kind for kind in reversed(round_of) if not kind.alone), None)
                if second is not None:
                    round_of.remove(second)
                    chosen.append(second)
            pause = pace_seconds * choose.uniform(0.5, 1.5)
            yield Strike(pause, tuple(chosen), choose.randrange(2**32))
