"""Compares a read model that keeps a row an event, on the way and without keeping its rows."""

from collections.abc import Collection, Iterator, Sequence
from typing import Any

from interfaces.replay.findings import Findings

Row = tuple[Any, ...]


class RowsInOrder:
    """Meets a read model's rows, in the order of positions, with those the events ask for."""

    def __init__(
        self,
        name: str,
        fields: Sequence[str],
        rows: Iterator[list[Row]],
        findings: Findings,
        changing: Collection[str] = (),
    ) -> None:
        """Take the rows in chunks; their first field is the position, the second names them.

        `changing` are the fields that later events of a row's stream may change.
        """
        self._name = name
        self._fields = fields
        self._changing = changing
        self._rows = (row for chunk in rows for row in chunk)
        self._next: Row | None = next(self._rows, None)
        self._findings = findings

    def expect(self, wanted: Row, changed_at: int | None = None) -> None:
        """Compare the next row with the one that an event asks for.

        What may change is compared at `changed_at`, the position of the last event of its stream.
        """
        row = self._next
        if row == wanted:
            self._next = next(self._rows, None)
            return
        row = self._at(wanted[0])
        if row is None:
            self._findings.missing(wanted[0], self._name, wanted[1])
            return
        for name, *values in zip(self._fields, wanted, row, strict=True):
            last = wanted[0] if changed_at is None or name not in self._changing else changed_at
            expected, found = ((value,) for value in values)
            self._findings.compare(last, self._name, wanted[1], (name,), expected, found)

    def pass_over(self, position: int) -> None:
        """Take the row of an event without a look at it, as what it should be is not known."""
        self._at(position)

    def _at(self, position: int) -> Row | None:
        """Take the row of a position, where there is one; those before it nothing asked for."""
        row = self._next
        while row is not None and row[0] < position:
            self._findings.unasked(row[0], self._name, row[1])
            row = self._next = next(self._rows, None)
        if row is None or row[0] > position:
            return None
        self._next = next(self._rows, None)
        return row

    def end(self) -> None:
        """Report the rows behind the last that an event asks for."""
        while self._next is not None:
            self._findings.unasked(self._next[0], self._name, self._next[1])
            self._next = next(self._rows, None)
