"""Where a projector's events come from: a source that is quick, and a store that is the truth."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

from projections.contract import Applied


@dataclass(frozen=True, slots=True)
class Taken:
    """What a source gave, in the order it came: events may be missing, doubled or out of order.

    `doubtful` says that something came which is not to be believed, so the store is asked.
    """

    events: Sequence[Applied]
    doubtful: bool = False


class Source(Protocol):
    """Brings events soon after they were recorded; what it brings is genuine, if incomplete."""

    def seek(self, after: int) -> None:
        """Go on behind a position, whatever was given before."""

    def take(self, limit: int, wait_seconds: float) -> Taken:
        """Return up to `limit` next events; wait for the first one for some time."""


class Store(Protocol):
    """The event store, which has every event at its position."""

    def store_id(self) -> UUID:
        """Return the identity of the store."""

    def epoch(self) -> int:
        """Return the number of its epoch: a later one is another past, to be read anew."""

    def head(self) -> int:
        """Return the last position, 0 when there are no events."""

    def after(self, position: int, limit: int) -> Sequence[Applied]:
        """Return up to `limit` events beyond a position, in order, without holes."""
