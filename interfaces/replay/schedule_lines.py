"""What schedules look like as they are stored, and what they ask for in the read model."""

from collections.abc import Mapping
from typing import Any, Final, LiteralString

import msgspec

from interfaces.replay.times import Time

SCHEDULES: LiteralString = """
SELECT position, schedule_id, amount, timestamptz_send(recorded_at),
       timestamptz_send(effective_at), source_wallet_id, destination_wallet_id, currency,
       description, reference, metadata, starts_on::text, recurrence, until::text, count,
       if_missed, created_by, status, next_on::text, done, attempt, retry_on::text
FROM schedules WHERE position <= %s ORDER BY position"""
SCHEDULE_FIELDS = (
    *("position", "schedule_id", "amount", "recorded_at", "effective_at", "source_wallet_id"),
    *("destination_wallet_id", "currency", "description", "reference", "metadata", "starts_on"),
    *("recurrence", "until", "count", "if_missed", "created_by", "status", "next_on", "done"),
    *("attempt", "retry_on"),
)
OCCURRENCES: LiteralString = """
SELECT position, schedule_id, occurs_on::text, attempt, outcome, payment_id, code,
       retry_on::text, timestamptz_send(recorded_at)
FROM schedule_occurrences WHERE position <= %s ORDER BY position"""
OCCURRENCE_FIELDS = (
    *("position", "schedule_id", "occurs_on", "attempt", "outcome", "payment_id", "code"),
    *("retry_on", "recorded_at"),
)
OUTCOMES: Final = {
    "schedule.occurred.v1": "run",
    "schedule.occurrence_postponed.v1": "postponed",
    "schedule.occurrence_given_up.v1": "given-up",
    "schedule.occurrence_skipped.v1": "skipped",
}


class ScheduleStanding(msgspec.Struct):
    """How a schedule stands after an event."""

    status: str
    next_on: str | None
    done: int
    attempt: int
    retry_on: str | None


class Scheduled(msgspec.Struct):
    """A schedule as its first event tells it; the amount in minor units."""

    source_wallet_id: str
    destination_wallet_id: str
    amount: int
    currency: str
    description: str | None
    reference: str | None
    metadata: dict[str, str] | None
    effective_at: Time | None
    starts_on: str
    recurrence: str | None
    until: str | None
    count: int | None
    if_missed: str
    created_by: str
    standing: ScheduleStanding


class ScheduleWentOn(msgspec.Struct):
    """What came of a schedule, or of one of its occurrences."""

    standing: ScheduleStanding
    on: str | None = None
    attempt: int | None = None
    payment_id: str | None = None
    code: str | None = None


Facts = Scheduled | ScheduleWentOn
SHAPES: Final[Mapping[str, type[Facts]]] = {
    "schedule.created.v1": Scheduled,
    "schedule.paused.v1": ScheduleWentOn,
    "schedule.resumed.v1": ScheduleWentOn,
    "schedule.deleted.v1": ScheduleWentOn,
    **dict.fromkeys(OUTCOMES, ScheduleWentOn),
}


def schedule_of(
    position: int,
    name: str,
    recorded: bytes,
    scheduled: Scheduled,
    effective: bytes | None,
    standing: ScheduleStanding,
) -> tuple[Any, ...]:
    """Return the row that a schedule asks for, as it stands after its last event."""
    return (
        position,
        name,
        scheduled.amount,
        recorded,
        effective,
        scheduled.source_wallet_id,
        scheduled.destination_wallet_id,
        scheduled.currency,
        scheduled.description,
        scheduled.reference,
        scheduled.metadata,
        scheduled.starts_on,
        scheduled.recurrence,
        scheduled.until,
        scheduled.count,
        scheduled.if_missed,
        scheduled.created_by,
        standing.status,
        standing.next_on,
        standing.done,
        standing.attempt,
        standing.retry_on,
    )


def occurrence_of(
    position: int, name: str, type_name: str, recorded: bytes, facts: ScheduleWentOn
) -> tuple[Any, ...]:
    """Return the row that an event about an occurrence asks for."""
    outcome = OUTCOMES[type_name]
    return (
        position,
        name,
        facts.on,
        facts.attempt,
        outcome,
        facts.payment_id,
        facts.code,
        facts.standing.retry_on if outcome == "postponed" else None,
        recorded,
    )
