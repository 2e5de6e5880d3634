"""The facts of schedules: a payment that is to be made on dates, and what came of each date."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, NewType

from domain.free_text import WRITTEN_BY_PEOPLE
from domain.identifiers import PaymentId, WalletId
from domain.instants import Instant

Day = NewType("Day", str)
"""A date in UTC, `YYYY-MM-DD`, so that text order is time order."""

ScheduleStatus = Literal["active", "paused", "ended", "deleted"]
IfMissed = Literal["run", "skip"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ScheduleStanding:
    """How a schedule stands after an event, so that its first and its last event tell it all.

    `next_on` is the occurrence that comes next, `attempt` how often it will have been tried then,
    and `retry_on` the day of that where it is another one. `done` counts occurrences that are over,
    however they ended.
    """

    status: ScheduleStatus
    next_on: Day | None
    done: int = 0
    attempt: int = 1
    retry_on: Day | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ScheduleCreated:
    """Somebody wants a transfer made on dates, by the rights that they have on each of them.

    Without a recurrence (RFC 5545) it is made once, on the first date.
    """

    source_wallet_id: WalletId
    destination_wallet_id: WalletId
    amount: int
    currency: str
    description: str | None = field(default=None, metadata=WRITTEN_BY_PEOPLE)
    reference: str | None = field(default=None, metadata=WRITTEN_BY_PEOPLE)
    metadata: Mapping[str, str] | None = field(default=None, metadata=WRITTEN_BY_PEOPLE)
    effective_at: Instant | None = None
    starts_on: Day
    recurrence: str | None
    until: Day | None
    count: int | None
    if_missed: IfMissed
    created_by: str
    operate: bool
    standing: ScheduleStanding


@dataclass(frozen=True, slots=True, kw_only=True)
class SchedulePaused:
    """Nothing is paid until the schedule is resumed."""

    standing: ScheduleStanding


@dataclass(frozen=True, slots=True, kw_only=True)
class ScheduleResumed:
    """The schedule goes on with the first occurrence from that day on; others are left out."""

    standing: ScheduleStanding


@dataclass(frozen=True, slots=True, kw_only=True)
class ScheduleDeleted:
    """The schedule has ended for good, and nobody sees it any more."""

    standing: ScheduleStanding


@dataclass(frozen=True, slots=True, kw_only=True)
class ScheduleOccurred:
    """The payment of an occurrence was made, or waits for other owners as any other would."""

    on: Day
    attempt: int
    payment_id: PaymentId
    standing: ScheduleStanding


@dataclass(frozen=True, slots=True, kw_only=True)
class ScheduleOccurrencePostponed:
    """The money for an occurrence was not there; it is tried again on the day `retry_on`."""

    on: Day
    attempt: int
    code: str
    standing: ScheduleStanding


@dataclass(frozen=True, slots=True, kw_only=True)
class ScheduleOccurrenceGivenUp:
    """An occurrence will not be paid; the declined payment is named where there is one."""

    on: Day
    attempt: int
    code: str
    payment_id: PaymentId | None
    standing: ScheduleStanding


@dataclass(frozen=True, slots=True, kw_only=True)
class ScheduleOccurrenceSkipped:
    """An occurrence was missed, and the schedule says to skip those."""

    on: Day
    attempt: int
    standing: ScheduleStanding


ScheduleEvent = (
    ScheduleCreated
    | SchedulePaused
    | ScheduleResumed
    | ScheduleDeleted
    | ScheduleOccurred
    | ScheduleOccurrencePostponed
    | ScheduleOccurrenceGivenUp
    | ScheduleOccurrenceSkipped
)
