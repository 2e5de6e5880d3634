"""What a check finds wrong, and where it begins."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from interfaces.replay.stored import time_of

KEPT = 1_000
"""How many differences are kept; beyond that they are counted."""


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that is not as the events say; `where` is events, wallet_head or a read model."""

    position: int
    where: str
    stream: str
    field: str
    expected: object
    found: object

    def sentence(self) -> str:
        """Return the difference for people."""
        return (
            f"Position {self.position}, {self.where}, {self.stream}: {self.field} should be"
            f" {_shown(self.expected)} and is {_shown(self.found)}."
        )


def _shown(value: object) -> str:
    text = "nothing" if value is None else str(value)
    return text if len(text) <= 80 else text[:77] + "..."


def _readable(value: object) -> object:
    return time_of(value) if isinstance(value, bytes) else value


@dataclass(slots=True)
class Findings:
    """Collects differences; `first` is the one at the lowest position."""

    count: int = 0
    first: Difference | None = None
    kept: list[Difference] = field(default_factory=list)
    by_place: Counter[str] = field(default_factory=Counter)

    def add(self, difference: Difference) -> None:
        """Count a difference, keeping it as long as there are few."""
        self.count += 1
        self.by_place[difference.where] += 1
        if self.first is None or difference.position < self.first.position:
            self.first = difference
        if len(self.kept) < KEPT:
            self.kept.append(difference)

    def compare(
        self,
        position: int,
        where: str,
        stream: str,
        fields: Sequence[str],
        expected: Sequence[Any],
        found: Sequence[Any],
    ) -> None:
        """Add a difference for each field in which a row is not what it should be."""
        for name, wanted, given in zip(fields, expected, found, strict=True):
            if wanted != given:
                shown = (_readable(wanted), _readable(given))
                self.add(Difference(position, where, stream, name, *shown))

    def missing(self, position: int, where: str, name: str) -> None:
        """Add a difference for a row that an event asks for and that is not there."""
        self.add(Difference(position, where, name, "row", "one row", None))

    def unasked(self, position: int, where: str, name: str) -> None:
        """Add a difference for a row that is there although no event asks for it."""
        self.add(Difference(position, where, name, "row", None, "a row that no event asks for"))

    def in_order(self) -> list[Difference]:
        """Return what was kept by position."""
        return sorted(self.kept, key=lambda difference: difference.position)
