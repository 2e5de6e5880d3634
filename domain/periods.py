"""Closing of periods: what has been reported for a period never changes any more."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from domain.events import Event
from domain.instants import Instant
from domain.operation_events import PeriodClosed
from domain.payment_events import (
    PaymentCaptured,
    PaymentCompleted,
    PaymentEvent,
    PaymentReleased,
)
from domain.refusals import PeriodIsClosed, PeriodNotOver


@dataclass(frozen=True, slots=True)
class ClosePeriod:
    """Close all days up to one, which is included and in UTC, for value dates."""

    through: str
    reason: str


def close(command: ClosePeriod, closed_through: str | None, now: Instant) -> PeriodClosed:
    """Return the fact that a period is closed.

    Raises `PeriodNotOver` for a day that has not ended, since what is paid today is of today's
    value date, and `PeriodIsClosed` for one that is closed already.
    """
    if command.through >= now[:10]:
        raise PeriodNotOver
    if closed_through is not None and command.through <= closed_through:
        raise PeriodIsClosed
    return PeriodClosed(command.through, command.reason)


def require_open(effective_at: Instant | None, closed_through: str | None) -> None:
    """Raise `PeriodIsClosed` for a value date in a closed period; none is today's."""
    if effective_at is not None and _closes(effective_at, closed_through):
        raise PeriodIsClosed


def require_open_for(facts: Iterable[Event], closed_through: str | None) -> None:
    """Raise `PeriodIsClosed` where a payment moves money under a value date that was given early.

    A hold and a payment that waits for approval keep the value date that they were given, and its
    period may have been closed meanwhile.
    """
    for fact in facts:
        if isinstance(fact, PaymentCaptured | PaymentCompleted):
            require_open(fact.effective_at, closed_through)


def ended_in_the_open(
    facts: Sequence[PaymentEvent], closed_through: str | None, now: Instant
) -> Sequence[PaymentEvent]:
    """Return facts in which a hold whose value date is closed ends today instead.

    What was captured of it while the day was open has moved then, and completes with the end; the
    totals of the closed day would go up by that.
    """
    if closed_through is None:
        return facts
    return [
        replace(fact, effective_at=now)
        if isinstance(fact, PaymentReleased) and _closes(fact.effective_at, closed_through)
        else fact
        for fact in facts
    ]


def _closes(effective_at: Instant, closed_through: str | None) -> bool:
    return closed_through is not None and effective_at[:10] <= closed_through
