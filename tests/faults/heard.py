"""Compares what a client of the stream has heard with the events: each change once, in order."""

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from tests.faults.book import MOST_FAULTS, Book, Row
from tests.faults.names import identifier
from tests.faults.told import minor

Line = dict[str, Any]
MONEY = ("posted", "held", "available")


def read_heard(path: Path) -> Iterator[Line]:
    """Yield the events that the client has written down."""
    with path.open() as lines:
        yield from map(json.loads, lines)


class Heard:
    """What was heard beside the events as they pass, up to the position that the client knows."""

    def __init__(self, lines: Iterable[Line], until: int) -> None:
        """Take what was heard, in order, and up to where the stream was followed."""
        self.faults: list[str] = []
        self.heard = 0
        self._lines = iter(lines)
        self._until = until
        self._next = next(self._lines, None)

    def watch(self, book: Book, row: Row) -> None:
        """Find what must have been told of the event that was folded last."""
        position, stream, _, topic, _, _, _ = row
        if position > self._until:
            return
        while self._next is not None and self._next["id"] < position:
            self._fault(f"the stream told of position {self._next['id']} and must not have")
            self._next = next(self._lines, None)
        expected = _balance(book, position)
        if topic.startswith("payment."):
            expected = ("payment", identifier("pay", stream))
        if expected is None:
            return
        if self._next is None or self._next["id"] != position:
            self._fault(f"the stream did not tell of position {position}")
            return
        told, self._next = self._next, next(self._lines, None)
        self.heard += 1
        if _told(told) != expected:
            self._fault(f"the stream told {_told(told)} of position {position}, not {expected}")

    def finish(self) -> None:
        """Say what was told beyond the end."""
        if self._next is not None and self._next["id"] <= self._until:
            self._fault(f"the stream told of position {self._next['id']} and must not have")

    def _fault(self, text: str) -> None:
        if len(self.faults) < MOST_FAULTS:
            self.faults.append(text)


def _balance(book: Book, position: int) -> tuple[Any, ...] | None:
    """Return what a movement leaves in its wallet, in minor units."""
    if book.entry is None:
        return None
    posted, held, wallet, currency = (book.entry[place] for place in (3, 4, 7, 11))
    return "balance", wallet, currency, posted, held, posted - held, position


def _told(line: Line) -> tuple[Any, ...]:
    """Return the same of what was told; of a payment only which it is, as it goes on meanwhile."""
    document = line["data"]
    if line["event"] == "payment":
        return "payment", document["payment_id"]
    currency = document["currency"]
    money = [int(minor(document[name], currency)) for name in MONEY]
    return line["event"], document["wallet_id"], currency, *money, document["position"]
