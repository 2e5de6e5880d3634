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
    """One thing that is not as the events say.

    `where` is events, wallet_head, seals or a read model. What seals tell lies anywhere from
    `position` up to `until`.
    """

    position: int
    where: str
    stream: str
    field: str
    expected: object
    found: object
    until: int | None = None

    def sentence(self) -> str:
        """Return the difference for people."""
        place = str(self.position) if self.until is None else f"{self.position} to {self.until}"
        return (
            f"Position {place}, {self.where}, {self.stream}: {self.field} should be"
            f" {_shown(self.expected)} and is {_shown(self.found)}."
        )


def _shown(value: object) -> str:
    text = "nothing" if value is None else str(value)
    return text if len(text) <= 80 else text[:77] + "..."


def _readable(value: object) -> object:
    return time_of(value) if isinstance(value, bytes) else value


@dataclass(slots=True)
class Findings:
    """Collects differences."""

    count: int = 0
    exact: Difference | None = None
    """The first one of which the position is known."""

    spread: Difference | None = None
    """The first one that may be about any position of several."""

    kept: list[Difference] = field(default_factory=list)
    by_place: Counter[str] = field(default_factory=Counter)

    @property
    def first(self) -> Difference | None:
        """The difference at the lowest position, as exactly as it is known."""
        if self.exact is None or self.spread is None:
            return self.exact or self.spread
        until = self.spread.until
        assert until is not None, "which makes it a spread one"
        return self.spread if until < self.exact.position else self.exact

    def add(self, difference: Difference) -> None:
        """Count a difference, keeping it as long as there are few."""
        self.count += 1
        self.by_place[difference.where] += 1
        if difference.until is None:
            self.exact = _earlier(self.exact, difference)
        else:
            self.spread = _earlier(self.spread, difference)
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
        """Return what was kept by position, the first one always among it."""
        first = self.first
        lost = [] if first is None or first in self.kept else [first]
        return sorted([*lost, *self.kept], key=lambda difference: difference.position)


def _earlier(first: Difference | None, other: Difference) -> Difference:
    return other if first is None or other.position < first.position else first
