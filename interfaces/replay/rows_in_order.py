"""Compares a read model that keeps a row an event, on the way and without keeping its rows."""

from collections.abc import Iterator, Sequence
from typing import Any

from interfaces.replay.findings import Findings

Row = tuple[Any, ...]


class RowsInOrder:
    """Meets a read model's rows, in the order of positions, with those the events ask for."""

    def __init__(
        self, name: str, fields: Sequence[str], rows: Iterator[list[Row]], findings: Findings
    ) -> None:
        """Take the rows in chunks; their first field is the position, the second names them."""
        self._name = name
        self._fields = fields
        self._rows = (row for chunk in rows for row in chunk)
        self._next: Row | None = next(self._rows, None)
        self._findings = findings

    def expect(self, wanted: Row) -> None:
        """Compare the next row with the one that an event asks for."""
        row = self._next
        if row == wanted:
            self._next = next(self._rows, None)
            return
        while row is not None and row[0] < wanted[0]:
            self._findings.unasked(row[0], self._name, row[1])
            row = next(self._rows, None)
        if row is None or row[0] > wanted[0]:
            self._findings.missing(wanted[0], self._name, wanted[1])
            self._next = row
            return
        self._findings.compare(wanted[0], self._name, wanted[1], self._fields, wanted, row)
        self._next = next(self._rows, None)

    def end(self) -> None:
        """Report the rows behind the last that an event asks for."""
        while self._next is not None:
            self._findings.unasked(self._next[0], self._name, self._next[1])
            self._next = next(self._rows, None)
