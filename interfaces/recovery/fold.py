"""Folds the events of a backup where they lie, and compares with the heads beside them."""

from dataclasses import dataclass
from typing import Any

from interfaces.recovery.archive import Archive
from interfaces.recovery.copied import CopyUnreadable, rows
from interfaces.recovery.manifest import Schema
from interfaces.replay.findings import Difference, Findings
from interfaces.replay.order import OrderCheck
from interfaces.replay.stored import Reader, Unreadable, stream_name
from interfaces.replay.tables import HEAD_FIELDS, compare_heads
from interfaces.replay.wallets import Wallets

EVENT = (
    *("notification_id", "originator_id", "originator_version", "topic", "state", "metadata"),
    "recorded_at",
)


@dataclass(frozen=True, slots=True)
class Folded:
    """What the events of one ledger came to; `fault` is a sentence, or none when all is well."""

    ledger: str
    events: int
    wallets: int
    fault: str | None


def fold(archive: Archive, schema: Schema) -> Folded:
    """Fold a ledger's events from position 1; memory grows with wallets, not with events."""
    findings = Findings()
    wallets, order, reader = Wallets(findings), OrderCheck(findings), Reader()
    events = schema.table("events")
    count = 0
    try:
        with archive.part(events.part) as source:
            for row in rows(source, events, EVENT):
                _add(row, reader, order, wallets, findings)
                count += 1
        last = schema.position or 0
        order.end(last)
        heads = schema.table("wallet_head")
        # Fields that came later are made from the events when the restore migrates.
        there = {column.name for column in heads.columns}
        fields = [name for name in HEAD_FIELDS if name in there]
        with archive.part(heads.part) as source:
            found = rows(source, heads, ("id", *fields))
            compare_heads(found, wallets.known, last, findings, fields)
    except CopyUnreadable as unreadable:
        return Folded(schema.ledger, count, len(wallets.known), f"{unreadable}.")
    if order.position != last:
        findings.missing(order.position + 1, "events", f"of {last} events")
    fault = findings.first.sentence() if findings.first else None
    return Folded(schema.ledger, count, len(wallets.known), fault)


def _add(
    row: tuple[Any, ...],
    reader: Reader,
    order: OrderCheck,
    wallets: Wallets,
    findings: Findings,
) -> None:
    try:
        event = reader.read(row)
    except Unreadable as fault:
        position, stream, version, topic, *_ = row
        expected = "what its type says"
        name = stream_name(topic, stream)
        findings.add(Difference(position, "events", name, fault.column, expected, fault))
        order.skip(position)
        wallets.skip(stream, version, position)
        return
    order.add(event)
    wallets.add(event)
