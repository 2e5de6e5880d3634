"""Folds the events of a backup where they lie, and compares with the heads beside them."""

from collections.abc import Iterator
from dataclasses import dataclass
from heapq import merge
from operator import itemgetter
from typing import Any
from uuid import UUID

from infrastructure.event_log.moved import Moved, read_back
from interfaces.recovery.archive import Archive
from interfaces.recovery.copied import CopyUnreadable, rows
from interfaces.recovery.manifest import Schema
from interfaces.replay.findings import Difference, Findings
from interfaces.replay.in_order import stored_row
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
    """Fold a ledger's events from position 1; memory grows with wallets, not with events.

    Raises `ArchiveUnusable` where some were moved and cannot be read.
    """
    findings = Findings()
    wallets, order, reader = Wallets(findings), OrderCheck(findings), Reader()
    count = 0
    try:
        for row in _events(archive, schema):
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


def _events(archive: Archive, schema: Schema) -> Iterator[tuple[Any, ...]]:
    """Yield events by position; those that were moved are read from where they were moved to."""
    events = schema.table("events")
    with archive.part(events.part) as source:
        stored = rows(source, events, EVENT)
        moved = map(stored_row, read_back(_moved(archive, schema)))
        yield from merge(stored, moved, key=itemgetter(0))


def _moved(archive: Archive, schema: Schema) -> Iterator[Moved]:
    there = {table.name: table for table in schema.tables}
    if "moved_event" not in there:
        return
    places, moved = there["archive_place"], there["moved_event"]
    with archive.part(places.part) as source:
        known = sorted(rows(source, places, ("number", "last_position", "url")), reverse=True)
    with archive.part(moved.part) as source:
        wanted = ("notification_id", "originator_id", "originator_version", "leaf")
        for position, stream, version, leaf in rows(source, moved, wanted):
            place = next((url for _, last, url in known if last >= position), None)
            if place is None:
                raise CopyUnreadable(f"{moved.part.name} has a position that no archive has")
            yield Moved(position, UUID(bytes=stream), version, leaf, place)


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
