"""Folds every event from position 1 and compares all that is derived from them."""

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, LiteralString
from uuid import UUID

import psycopg

from infrastructure.event_log.moved import MovedEvents
from infrastructure.event_log.reader import EventReader
from interfaces.replay.checkpoints import ReadModel
from interfaces.replay.closed_periods import PERIODS
from interfaces.replay.findings import Difference, Findings
from interfaces.replay.in_order import events_between
from interfaces.replay.order import OrderCheck
from interfaces.replay.read_models import ReadModels
from interfaces.replay.seals import Outside, SealCheck
from interfaces.replay.stored import Reader, Stored, Unreadable, stream_name
from interfaces.replay.sums import Sums, sums_of
from interfaces.replay.tables import HEADS, Row, compare_heads
from interfaces.replay.wallets import Wallets

# A stream other than a wallet's has few events, so its versions are compared where they lie
# instead of being kept in memory.
GAPS: LiteralString = """
SELECT e.notification_id, e.topic, uuid_send(e.originator_id), e.originator_version
FROM events e
WHERE e.notification_id <= %s AND e.topic NOT LIKE 'wallet.%%' AND e.originator_version > 1
  AND NOT EXISTS (SELECT FROM events p
                  WHERE p.originator_id = e.originator_id
                    AND p.originator_version = e.originator_version - 1
                    AND p.notification_id < e.notification_id)
ORDER BY e.notification_id"""


# What streams that begin in one chunk came to last, so that none has to be remembered.
LASTS: LiteralString = """
SELECT e.notification_id, uuid_send(e.originator_id), e.originator_version, e.topic, e.state,
       e.metadata, timestamptz_send(e.recorded_at)
FROM unnest(%s::uuid[]) AS s (id)
CROSS JOIN LATERAL (
    SELECT * FROM events
    WHERE originator_id = s.id AND originator_version > 1 AND notification_id <= %s
    ORDER BY originator_version DESC LIMIT 1) AS e"""


@dataclass(frozen=True, slots=True)
class Sealed:
    """How many seals were compared, and up to which position the last one goes.

    `elsewhere` is how many others were that lie outside of the database.
    """

    count: int
    size: int
    elsewhere: int = 0


@dataclass(frozen=True, slots=True)
class Verification:
    """What a replay came to; `position` is the store's last one, `seconds` what it took.

    `moved` is how many of the events were read from archives.
    """

    position: int
    events: int
    wallets: int
    read_models: Sequence[ReadModel]
    seals: Sealed
    findings: Findings
    seconds: float
    sums: Sequence[Sums] = ()
    moved: int = 0


def verify(
    ledger: psycopg.Connection[Any],
    reports: psycopg.Connection[Any],
    progress: Callable[[int, int], object],
    outside: Outside | None = None,
) -> Verification:
    """Replay a ledger over two read-only snapshots; memory grows with wallets, not with events.

    Both connections are in REPEATABLE READ and have asked nothing yet. `progress` is told the
    position reached and the last one; `outside` is what is known of seals elsewhere than in the
    database. The read models are looked at first, so that the events reach at least as far as they
    do.
    """
    begun = time.monotonic()
    findings = Findings()
    models = ReadModels(reports, findings)
    store, last, heads, closed = _look(ledger)
    models.begin(store, last, EventReader(ledger).epoch())
    for position, topic, stream, version in ledger.execute(GAPS, (last,), binary=True):
        name = stream_name(topic, stream)
        findings.add(Difference(position, "events", name, "version", "the next one", version))
    wallets, order = Wallets(findings), OrderCheck(findings)
    seals = SealCheck(ledger, findings, outside)
    reader = Reader()
    events = 0
    for rows in events_between(ledger, 1, last):
        lasts = last_events(ledger, rows, models.until)
        _fold(rows, lasts, reader, order, wallets, models, findings)
        seals.add(rows)
        events += len(rows)
        progress(rows[-1][0], last)
    order.end(last)
    seals.end(last)
    models.before(last + 1, wallets, order)
    models.end()
    compare_heads(heads, wallets.known, last, findings)
    order.periods.compare(closed)
    seconds = time.monotonic() - begun
    sealed = Sealed(seals.checked, seals.last, seals.elsewhere)
    sums = sums_of(wallets.known.values())
    count = len(wallets.known)
    moved = MovedEvents(ledger).count()
    return Verification(last, events, count, models.found, sealed, findings, seconds, sums, moved)


def _look(ledger: psycopg.Connection[Any]) -> tuple[UUID, int, list[Row], list[Row]]:
    """Return the store's identity, its last position, heads and periods, of one snapshot."""
    ((store, last),) = ledger.execute(
        "SELECT id, (SELECT coalesce(max(notification_id), 0) FROM events) FROM store"
    )
    heads = ledger.execute(HEADS, binary=True).fetchall()
    return store, last, heads, ledger.execute(PERIODS, binary=True).fetchall()


def last_events(
    ledger: psycopg.Connection[Any], rows: Sequence[Row], until: Mapping[str, int]
) -> dict[bytes, Row]:
    """Return the last event of each stream that begins in a chunk, where it has gone on."""
    found: dict[bytes, Row] = {}
    for kind, position in until.items():
        if not position:
            continue
        begun = [UUID(bytes=row[1]) for row in rows if row[2] == 1 and row[3].startswith(kind)]
        if begun:
            lasts = ledger.execute(LASTS, (begun, position), binary=True)
            found |= {row[1]: row for row in lasts}
    return found


def _fold(
    rows: Iterable[Row],
    lasts: Mapping[bytes, Row],
    reader: Reader,
    order: OrderCheck,
    wallets: Wallets,
    models: ReadModels,
    findings: Findings,
) -> None:
    """Fold a chunk of events into wallets and order, and compare on the way what is compared so."""
    for row in rows:
        try:
            event = reader.read(row)
        except Unreadable as fault:
            position, stream, version, topic, *_ = row
            name = stream_name(topic, stream)
            findings.add(
                Difference(position, "events", name, fault.column, "what its type says", fault)
            )
            order.skip(position)
            wallets.skip(stream, version, position)
            continue
        models.before(event.position, wallets, order)
        order.add(event)
        last = lasts.get(event.stream) if event.version == 1 else None
        models.add(event, wallets.add(event), None if last is None else read_row(reader, last))


def read_row(reader: Reader, row: Row) -> Stored | Unreadable:
    """Return an event, or why it cannot be read, which is found where it stands."""
    try:
        return reader.read(row)
    except Unreadable as fault:
        return fault
