"""Schedules: each one as it stands now, and what came of its occurrences."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import psycopg
from psycopg import sql
from psycopg.rows import class_row

from domain.schedule_events import (
    ScheduleCreated,
    ScheduleEvent,
    ScheduleOccurred,
    ScheduleOccurrenceGivenUp,
    ScheduleOccurrencePostponed,
    ScheduleOccurrenceSkipped,
    ScheduleStanding,
)
from projections.contract import Applied, Cursor, Projection, Snapshot
from projections.rows import Row, Rows

MADE = Rows(
    "schedules",
    {
        "bigint": "position amount",
        "timestamptz": "recorded_at effective_at",
        "text": "schedule_id source_wallet_id destination_wallet_id currency description reference"
        " if_missed recurrence created_by status",
        "date": "starts_on until next_on retry_on",
        "integer": "count done attempt",
        "json": "metadata",
    },
)
OCCURRED = Rows(
    "schedule_occurrences",
    {
        "bigint": "position",
        "timestamptz": "recorded_at",
        "date": "occurs_on retry_on",
        "integer": "attempt",
        "text": "schedule_id outcome payment_id code",
    },
)
GO_ON = """
    UPDATE schedules SET status = %s, next_on = %s, done = %s, attempt = %s, retry_on = %s
    WHERE schedule_id = %s"""
Occurrence = (
    ScheduleOccurred
    | ScheduleOccurrencePostponed
    | ScheduleOccurrenceGivenUp
    | ScheduleOccurrenceSkipped
)
OUTCOMES: Mapping[type[Occurrence], str] = {
    ScheduleOccurred: "run",
    ScheduleOccurrencePostponed: "postponed",
    ScheduleOccurrenceGivenUp: "given-up",
    ScheduleOccurrenceSkipped: "skipped",
}


def apply(events: Sequence[Applied], cursor: Cursor) -> None:
    """Add a row for each schedule that is made, then follow those that go on."""
    made: list[Row] = []
    occurrences: list[Row] = []
    went_on: dict[str, Row] = {}
    for applied in events:
        event = applied.event
        if isinstance(event, ScheduleCreated):
            made.append(_made(applied, event))
        elif isinstance(event, ScheduleEvent):
            went_on[applied.stream_id] = (*_standing(event.standing), applied.stream_id)
        if isinstance(event, Occurrence):
            occurrences.append(_occurrence(applied, event))
    MADE.add(cursor, made)
    OCCURRED.add(cursor, occurrences)
    if went_on:
        cursor.executemany(GO_ON, list(went_on.values()))


def _made(applied: Applied, event: ScheduleCreated) -> Row:
    return (
        applied.position,
        event.amount,
        applied.recorded_at,
        event.effective_at,
        applied.stream_id,
        event.source_wallet_id,
        event.destination_wallet_id,
        event.currency,
        event.description,
        event.reference,
        event.if_missed,
        event.recurrence,
        event.created_by,
        event.standing.status,
        event.starts_on,
        event.until,
        event.standing.next_on,
        event.standing.retry_on,
        event.count,
        event.standing.done,
        event.standing.attempt,
        None if event.metadata is None else json.dumps(event.metadata, ensure_ascii=False),
    )


def _standing(standing: ScheduleStanding) -> Row:
    return (
        standing.status,
        standing.next_on,
        standing.done,
        standing.attempt,
        standing.retry_on,
    )


def _occurrence(applied: Applied, event: Occurrence) -> Row:
    postponed = isinstance(event, ScheduleOccurrencePostponed)
    return (
        applied.position,
        applied.recorded_at,
        event.on,
        event.standing.retry_on if postponed else None,
        event.attempt,
        applied.stream_id,
        OUTCOMES[type(event)],
        getattr(event, "payment_id", None),
        getattr(event, "code", None),
    )


SCHEDULES = Projection("schedules", 1, ("schedules", "schedule_occurrences"), apply)


@dataclass(frozen=True, slots=True)
class ScheduleRow:
    """A schedule as it stands, its amount in minor units."""

    schedule_id: str
    position: int
    amount: int
    recorded_at: datetime
    effective_at: datetime | None
    source_wallet_id: str
    destination_wallet_id: str
    currency: str
    description: str | None
    reference: str | None
    metadata: Mapping[str, str] | None
    starts_on: date
    recurrence: str | None
    until: date | None
    count: int | None
    if_missed: str
    created_by: str
    status: str
    next_on: date | None
    done: int
    retry_on: date | None


@dataclass(frozen=True, slots=True)
class OccurrenceRow:
    """What came of an occurrence at one moment."""

    position: int
    occurs_on: date
    attempt: int
    outcome: str
    payment_id: str | None
    code: str | None
    retry_on: date | None
    recorded_at: datetime


@dataclass(frozen=True, slots=True)
class DueOccurrence:
    """An occurrence whose day has come, as far as is known here, and which try of it this is."""

    due_on: date
    schedule_id: str
    next_on: date
    attempt: int


COLUMNS = sql.SQL("""s.schedule_id, s.position, s.amount, s.recorded_at, s.effective_at,
    s.source_wallet_id, s.destination_wallet_id, s.currency, s.description, s.reference,
    s.metadata, s.starts_on, s.recurrence, s.until, s.count, s.if_missed, s.created_by, s.status,
    s.next_on, s.done, s.retry_on""")
WANTED = sql.SQL("""s.status <> 'deleted' AND s.position < %(before)s
    AND (%(status)s::text IS NULL OR s.status = %(status)s)""")
FIND = sql.SQL("""
    SELECT {columns} FROM schedules s WHERE s.schedule_id = %(schedule_id)s
        AND s.status <> 'deleted' AND (%(sees_all)s OR s.source_wallet_id IN (
            SELECT wallet_id FROM members WHERE user_id = %(user)s))""").format(columns=COLUMNS)
LIST_ALL = sql.SQL("""
    SELECT {columns} FROM schedules s WHERE {wanted}
    ORDER BY s.position DESC LIMIT %(limit)s""").format(columns=COLUMNS, wanted=WANTED)
# One short walk down an index for each wallet.
LIST_OWN = sql.SQL("""
    SELECT {columns} FROM members m CROSS JOIN LATERAL (
        SELECT * FROM schedules s WHERE s.source_wallet_id = m.wallet_id AND {wanted}
        ORDER BY s.position DESC LIMIT %(limit)s) AS s
    WHERE m.user_id = %(user)s
    ORDER BY s.position DESC LIMIT %(limit)s""").format(columns=COLUMNS, wanted=WANTED)
OCCURRENCES = """
    SELECT position, occurs_on, attempt, outcome, payment_id, code, retry_on, recorded_at
    FROM schedule_occurrences WHERE schedule_id = %s ORDER BY position DESC LIMIT %s"""
DUE = """
    SELECT coalesce(retry_on, next_on) AS due_on, schedule_id, next_on, attempt FROM schedules
    WHERE status = 'active' AND coalesce(retry_on, next_on) <= %(today)s
        AND (coalesce(retry_on, next_on), schedule_id) > (%(after)s, %(after_id)s)
    ORDER BY coalesce(retry_on, next_on), schedule_id LIMIT %(limit)s"""
PAGE = 500


async def find_schedule(
    snapshot: Snapshot, schedule_id: str, user: str, *, sees_all: bool
) -> ScheduleRow | None:
    """Return a schedule; unless the user sees all, only from a wallet of theirs.

    Whose the wallets are is the members' to know, so a snapshot must have those as far.
    """
    asked = {"schedule_id": schedule_id, "user": user, "sees_all": sees_all}
    async with snapshot.cursor(row_factory=class_row(ScheduleRow)) as cursor:
        await cursor.execute(FIND, asked)
        return await cursor.fetchone()


async def list_schedules(
    snapshot: Snapshot, user: str, *, sees_all: bool, status: str | None, before: int, limit: int
) -> list[ScheduleRow]:
    """Return the schedules that `find_schedule` finds, the newest first."""
    asked = {"user": user, "status": status, "before": before, "limit": limit}
    async with snapshot.cursor(row_factory=class_row(ScheduleRow)) as cursor:
        await cursor.execute(LIST_ALL if sees_all else LIST_OWN, asked)
        return await cursor.fetchall()


async def occurrences_of(snapshot: Snapshot, schedule_id: str, limit: int) -> list[OccurrenceRow]:
    """Return what came of a schedule's occurrences, the newest first."""
    async with snapshot.cursor(row_factory=class_row(OccurrenceRow)) as cursor:
        await cursor.execute(OCCURRENCES, [schedule_id, limit])
        return await cursor.fetchall()


def due_occurrences(
    connection: psycopg.Connection[Any], today: date, page: int = PAGE
) -> Iterator[list[DueOccurrence]]:
    """Give the next occurrence of each schedule that is due, page by page, the oldest day first.

    The ledger may know better: what it has decided already stays here until the read model follows.
    """
    last = DueOccurrence(date.min, "", date.min, 1)
    while True:
        asked = {"today": today, "after": last.due_on, "after_id": last.schedule_id, "limit": page}
        with connection.cursor(row_factory=class_row(DueOccurrence)) as cursor:
            found = cursor.execute(DUE, asked).fetchall()
        if found:
            yield found
        if len(found) < page:
            return
        last = found[-1]
