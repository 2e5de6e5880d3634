"""Occurrences of schedules: what comes of a date on the day itself, or when it is tried again."""

from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Final

from domain.identifiers import PaymentId, ScheduleId
from domain.instants import Instant
from domain.payments import MakePayment, transfer_money
from domain.refusals import NothingToDo
from domain.schedule_events import (
    Day,
    ScheduleOccurred,
    ScheduleOccurrenceGivenUp,
    ScheduleOccurrencePostponed,
    ScheduleOccurrenceSkipped,
    ScheduleStanding,
)
from domain.schedules import NextDate, Schedule, plan_of
from domain.wallets import Caller

TRIES: Final = 3
"""On the day itself and on the next two, as long as only the money is missing."""


@dataclass(frozen=True, slots=True)
class RunOccurrence:
    """Try the occurrence of a date for the first, second or third time."""

    schedule_id: ScheduleId
    payment_id: PaymentId
    on: Day
    attempt: int


def require_due(command: RunOccurrence, schedule: Schedule, now: Instant) -> None:
    """Raise `NothingToDo` unless this occurrence is the next one and its day has come."""
    standing = schedule.standing
    asked = (command.on, command.attempt)
    if standing.status != "active" or (standing.next_on, standing.attempt) != asked:
        raise NothingToDo
    assert schedule.due_on is not None, "an active schedule has a next date"
    if schedule.due_on > now[:10]:
        raise NothingToDo


def is_missed(schedule: Schedule, now: Instant) -> bool:
    """Whether the day has passed, and the schedule says that such an occurrence is not made up."""
    due_on = schedule.due_on
    return schedule.began.if_missed == "skip" and due_on is not None and due_on < now[:10]


def maker(schedule: Schedule) -> Caller:
    """Return whose rights count: those, as they are now, of the one who made the schedule."""
    began = schedule.began
    return Caller(began.created_by, "", operate=began.operate)


def order_of(command: RunOccurrence, schedule: Schedule) -> MakePayment:
    """Return the payment that an occurrence is."""
    began = schedule.began
    return transfer_money(
        payment_id=command.payment_id,
        source_wallet_id=began.source_wallet_id,
        destination_wallet_id=began.destination_wallet_id,
        amount=began.amount,
        currency=began.currency,
        description=began.description,
        reference=began.reference,
        metadata=began.metadata,
        effective_at=began.effective_at,
    )


def occurred(
    command: RunOccurrence, schedule: Schedule, now: Instant, next_date: NextDate
) -> ScheduleOccurred:
    """Return the fact that an occurrence was paid, or that its payment waits for owners."""
    return ScheduleOccurred(
        on=command.on,
        attempt=command.attempt,
        payment_id=command.payment_id,
        standing=_behind(schedule, now, next_date),
    )


def skipped(
    command: RunOccurrence, schedule: Schedule, now: Instant, next_date: NextDate
) -> ScheduleOccurrenceSkipped:
    """Return the fact that an occurrence was missed and is left out."""
    # Those behind it have not waited for its retries; they were missed as well.
    first = replace(schedule, standing=replace(schedule.standing, attempt=1))
    return ScheduleOccurrenceSkipped(
        on=command.on, attempt=command.attempt, standing=_behind(first, now, next_date)
    )


def postponed(
    command: RunOccurrence, schedule: Schedule, code: str, now: Instant
) -> ScheduleOccurrencePostponed:
    """Return the fact that the money was not there, and that tomorrow is another day."""
    tomorrow = date.fromisoformat(now[:10]) + timedelta(days=1)
    return ScheduleOccurrencePostponed(
        on=command.on,
        attempt=command.attempt,
        code=code,
        standing=replace(
            schedule.standing,
            attempt=command.attempt + 1,
            retry_on=Day(tomorrow.isoformat()),
        ),
    )


def given_up(
    command: RunOccurrence,
    schedule: Schedule,
    code: str,
    declined: PaymentId | None,
    now: Instant,
    next_date: NextDate,
) -> ScheduleOccurrenceGivenUp:
    """Return the fact that an occurrence will not be paid, and why."""
    return ScheduleOccurrenceGivenUp(
        on=command.on,
        attempt=command.attempt,
        code=code,
        payment_id=declined,
        standing=_behind(schedule, now, next_date),
    )


def _behind(schedule: Schedule, now: Instant, next_date: NextDate) -> ScheduleStanding:
    """Return how a schedule stands when its next occurrence is over.

    One whose day came while this one was tried again has waited for it, and was not missed: it is
    due today, and the days that it has waited count as tries, so that none falls behind for ever.
    """
    standing, today = schedule.standing, Day(now[:10])
    done = standing.done + 1
    following = next_date(plan_of(schedule.began), standing.next_on)
    if following is None:
        return ScheduleStanding(status="ended", next_on=None, done=done)
    if standing.attempt == 1 or following >= today:
        return ScheduleStanding(status="active", next_on=following, done=done)
    waited = (date.fromisoformat(today) - date.fromisoformat(following)).days
    return ScheduleStanding(
        status="active",
        next_on=following,
        done=done,
        attempt=min(TRIES, 1 + waited),
        retry_on=today,
    )
