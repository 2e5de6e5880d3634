"""Checks closed periods: those in the table are those of the events, and they stay closed."""

from collections.abc import Iterable
from typing import Any, LiteralString

from interfaces.replay.findings import Difference, Findings
from interfaces.replay.operation_facts import PeriodClosed
from interfaces.replay.stored import Moved, Stored, stream_name

PERIODS: LiteralString = (
    "SELECT through::text, uuid_send(stream) FROM closed_period ORDER BY through"
)
CLOSED = "operation.period_closed.v1"


class ClosedPeriods:
    """Follows events in order; keeps a row a period."""

    def __init__(self, findings: Findings) -> None:
        """Begin before position 1."""
        self._findings = findings
        self._through = ""
        self._known: dict[str, tuple[bytes, int]] = {}

    def add(self, event: Stored) -> None:
        """Take the next event: a period's end, or money under a value date."""
        facts = event.facts
        if isinstance(facts, PeriodClosed):
            self._known[facts.through] = event.stream, event.position
            self._through = max(self._through, facts.through)
        elif self._through and isinstance(facts, Moved) and facts.effective_at is not None:
            self._judge(event, facts.effective_at)

    def compare(self, rows: Iterable[tuple[Any, ...]]) -> None:
        """Compare the table with what the events say."""
        missing = dict(self._known)
        for through, stream in rows:
            known, position = missing.pop(through, (None, 1))
            if known != stream:
                self._findings.add(
                    Difference(
                        position,
                        "closed_period",
                        through,
                        "stream",
                        known and stream_name(CLOSED, known),
                        stream_name(CLOSED, stream),
                    )
                )
        for through, (_, position) in missing.items():
            self._findings.missing(position, "closed_period", through)

    def _judge(self, event: Stored, effective_at: str) -> None:
        if effective_at[:10] <= self._through:
            after = f"after {self._through}, up to which periods are closed"
            self._findings.add(
                Difference(
                    event.position, "events", event.name, "effective_at", after, effective_at
                )
            )
