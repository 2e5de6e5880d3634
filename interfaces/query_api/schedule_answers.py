"""What queries of schedules answer."""

from typing import Annotated, Literal, get_args

from msgspec import UNSET, Meta, UnsetType

from interfaces.query_api.answers import (
    Count,
    DateText,
    Failure,
    InstantText,
    Money,
    NextCursor,
    PositionNumber,
    Shape,
)
from interfaces.query_api.parameters import ScheduleStatus

ScheduleStatusText = Annotated[
    str, Meta(extra_json_schema={"enum": list(get_args(ScheduleStatus))})
]
Outcome = Literal["run", "postponed", "given-up", "skipped"]
OutcomeText = Annotated[str, Meta(extra_json_schema={"enum": list(get_args(Outcome))})]
IfMissedText = Annotated[str, Meta(extra_json_schema={"enum": ["run", "skip"]})]


class ScheduledTransfer(Shape, kw_only=True):
    """What is transferred on each date of a schedule."""

    source_wallet_id: str
    destination_wallet_id: str
    amount: Money
    currency: str
    description: str | UnsetType = UNSET
    reference: str | UnsetType = UNSET
    metadata: dict[str, str] | UnsetType = UNSET
    effective_at: InstantText | UnsetType = UNSET


class Schedule(Shape, kw_only=True):
    """A transfer to be made on dates (UTC); `done` counts the occurrences that are over."""

    schedule_id: str
    status: ScheduleStatusText
    next_on: Annotated[DateText | None, Meta(description="Null where there is none left.")]
    retry_on: DateText | UnsetType = UNSET
    starts_on: DateText
    recurrence: str | UnsetType = UNSET
    until: DateText | UnsetType = UNSET
    count: Annotated[int, Meta(ge=1)] | UnsetType = UNSET
    if_missed: IfMissedText
    done: Count
    transfer: ScheduledTransfer
    created_at: InstantText


class Occurrence(Shape, kw_only=True):
    """What came of an occurrence when it was tried; `position` is that of the event."""

    on: DateText
    attempt: Annotated[int, Meta(ge=1, le=3)]
    outcome: OutcomeText
    payment_id: str | UnsetType = UNSET
    failure: Failure | UnsetType = UNSET
    retry_on: DateText | UnsetType = UNSET
    recorded_at: InstantText
    position: PositionNumber


class ScheduleWithHistory(Schedule, kw_only=True):
    """A schedule with what came of its last occurrences, the newest first."""

    occurrences: list[Occurrence]


class Schedules(Shape, kw_only=True):
    """A page of schedules, the newest first."""

    items: list[Schedule]
    next_cursor: NextCursor
