"""The short check: is the history still the one that was sealed, and is what follows in order."""

import time
from collections.abc import Callable
from typing import Any

import psycopg

from infrastructure.event_log.moved import MovedEvents
from interfaces.replay.findings import Difference, Findings
from interfaces.replay.in_order import events_between
from interfaces.replay.order import OrderCheck
from interfaces.replay.seals import Outside, Row, SealCheck
from interfaces.replay.stored import Reader, Unreadable, stream_name
from interfaces.replay.verify import Sealed, Verification


def verify_from_seal(
    ledger: psycopg.Connection[Any],
    progress: Callable[[int, int], object],
    outside: Outside,
) -> Verification:
    """Hash every event up to the last seal, and look into those behind it alone.

    No balance and no read model is compared. What a full run found of sealed events still holds
    where their root is the signed one, since then they are the same to the byte.
    """
    begun = time.monotonic()
    findings = Findings()
    row = ledger.execute("SELECT coalesce(max(notification_id), 0) FROM events").fetchone()
    last = 0 if row is None else int(row[0])
    seals = SealCheck(ledger, findings, outside)
    behind = _Behind(findings, min(seals.last, last))
    events = 0
    for rows in events_between(ledger, 1, last):
        seals.add(rows)
        events += len(rows)
        for each in rows:
            if each[0] > seals.last:
                behind.add(each)
        progress(rows[-1][0], last)
    behind.order.end(last)
    seals.end(last)
    sealed = Sealed(seals.checked, seals.last, seals.elsewhere)
    seconds, moved = time.monotonic() - begun, MovedEvents(ledger).count()
    return Verification(last, events, 0, (), sealed, findings, seconds, moved=moved)


class _Behind:
    """Looks into the events behind a seal, each against those before it."""

    def __init__(self, findings: Findings, position: int) -> None:
        self._findings = findings
        self._reader = Reader()
        # A seal may end within a command, whose beginning is among the events that are hashed.
        self._within = position > 0
        self.order = OrderCheck(findings)
        self.order.position = position

    def add(self, row: Row) -> None:
        """Check the next event."""
        position, stream, _, topic, *_ = row
        try:
            event = self._reader.read(row)
        except Unreadable as fault:
            name, expected = stream_name(topic, stream), "what its type says"
            self._findings.add(Difference(position, "events", name, fault.column, expected, fault))
            self.order.skip(position)
            return
        self._within = self._within and event.place.index > 0
        if self._within:
            self.order.skip(position)
        else:
            self.order.add(event)
