"""Schedules: a transfer on dates to come, each of which is paid, given up or skipped once."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Final

from domain.events import Event, Side
from domain.identifiers import ScheduleId, WalletId
from domain.instants import Instant
from domain.payment_events import Leg
from domain.payments import Known, require_open, require_shape
from domain.refusals import FieldInvalid, ScheduleNotFound
from domain.schedule_events import (
    Day,
    IfMissed,
    ScheduleCreated,
    ScheduleDeleted,
    ScheduleEvent,
    SchedulePaused,
    ScheduleResumed,
    ScheduleStanding,
)
from domain.wallets import Caller, right_to_pay, role_of

YEARS_AHEAD: Final = 10


@dataclass(frozen=True, slots=True)
class Plan:
    """The dates of a schedule: the first one alone, or all of a rule within its bounds."""

    starts_on: Day
    recurrence: str | None = None
    until: Day | None = None
    count: int | None = None


NextDate = Callable[[Plan, Day | None], Day | None]
"""The first date of a plan beyond a day, or the first at all; none where there is no other."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateSchedule:
    """Make a transfer, whose leg is in minor units, on the dates of a plan."""

    schedule_id: ScheduleId
    leg: Leg
    plan: Plan
    if_missed: IfMissed
    description: str | None = None
    reference: str | None = None
    metadata: Mapping[str, str] | None = None
    effective_at: Instant | None = None


@dataclass(frozen=True, slots=True)
class PauseSchedule:
    """Pay nothing until it is resumed."""

    schedule_id: ScheduleId


@dataclass(frozen=True, slots=True)
class ResumeSchedule:
    """Go on with the first date from today on."""

    schedule_id: ScheduleId


@dataclass(frozen=True, slots=True)
class DeleteSchedule:
    """End a schedule for good."""

    schedule_id: ScheduleId


@dataclass(frozen=True, slots=True)
class Schedule:
    """A schedule as decisions see it: how it began, its version, and how it stands now."""

    schedule_id: ScheduleId
    version: int
    began: ScheduleCreated
    standing: ScheduleStanding

    @property
    def due_on(self) -> Day | None:
        """The day on which something is to be done next."""
        return self.standing.retry_on or self.standing.next_on


def wallets_of(began: ScheduleCreated) -> tuple[WalletId, WalletId]:
    """Return both wallets: whatever happens to a schedule happens under their locks."""
    return began.source_wallet_id, began.destination_wallet_id


def schedule_of(
    schedule_id: ScheduleId, first: ScheduleCreated, last: Event, version: int
) -> Schedule:
    """Return a schedule from the first and the last event of its stream."""
    assert isinstance(last, ScheduleEvent), "the stream of a schedule has its own events only"
    return Schedule(schedule_id, version, first, last.standing)


def evolve(schedule: Schedule, event: ScheduleEvent) -> Schedule:
    """Return the schedule after one more event of its stream."""
    return replace(schedule, version=schedule.version + 1, standing=event.standing)


def plan_of(began: ScheduleCreated) -> Plan:
    """Return the dates that a schedule was made for."""
    return Plan(began.starts_on, began.recurrence, began.until, began.count)


def require_dates(plan: Plan, now: Instant) -> None:
    """Raise `FieldInvalid` for a beginning that has passed, or that nobody would wait for."""
    today = Day(now[:10])
    if plan.starts_on < today:
        raise FieldInvalid("starts_on", f"is over: today is {today} (UTC)")
    if int(plan.starts_on[:4]) > int(today[:4]) + YEARS_AHEAD:
        raise FieldInvalid("starts_on", f"is more than {YEARS_AHEAD} years ahead")


def create(
    command: CreateSchedule, known: Known, caller: Caller, right: Side, next_date: NextDate
) -> ScheduleCreated:
    """Decide a schedule; what can never be paid is refused as a payment would be.

    Money, limits and freezes are judged when the day has come.
    """
    leg, plan = command.leg, command.plan
    require_shape((leg,), known)
    require_open((leg,), known, caller, though_frozen=True)
    first = next_date(plan, None)
    assert first is not None, "a plan without any date has been refused"
    return ScheduleCreated(
        source_wallet_id=leg.source_wallet_id,
        destination_wallet_id=leg.destination_wallet_id,
        amount=leg.amount,
        currency=leg.currency,
        description=command.description,
        reference=command.reference,
        metadata=command.metadata,
        effective_at=command.effective_at,
        starts_on=plan.starts_on,
        recurrence=plan.recurrence,
        until=plan.until,
        count=plan.count,
        if_missed=command.if_missed,
        created_by=caller.subject,
        operate=right == "operate",
        standing=ScheduleStanding(status="active", next_on=first),
    )


def right_to_change(schedule: Schedule, known: Known, caller: Caller) -> Side:
    """Return by which right a caller changes a schedule: that of paying from its wallet.

    Raises `ScheduleNotFound` for a stranger, and for everybody once it is deleted, `RoleMissing`
    for a viewer.
    """
    source = known[schedule.began.source_wallet_id]
    seen = caller.operate or role_of(source, caller) is not None
    if not seen or schedule.standing.status == "deleted":
        raise ScheduleNotFound
    return right_to_pay(source, caller)


def pause(schedule: Schedule) -> SchedulePaused | None:
    """Decide a pause; one that is not active stays as it is."""
    if schedule.standing.status != "active":
        return None
    return SchedulePaused(standing=replace(schedule.standing, status="paused"))


def resume(schedule: Schedule, now: Instant, next_date: NextDate) -> ScheduleResumed | None:
    """Decide to go on; what fell into the pause is left out, as nothing was to be paid then."""
    standing, today = schedule.standing, date.fromisoformat(now[:10])
    if standing.status != "paused":
        return None
    if standing.next_on is not None and standing.next_on >= now[:10]:
        return ScheduleResumed(standing=replace(standing, status="active"))
    yesterday = Day((today - timedelta(days=1)).isoformat())
    following = next_date(plan_of(schedule.began), yesterday)
    return ScheduleResumed(
        standing=ScheduleStanding(
            status="ended" if following is None else "active",
            next_on=following,
            done=standing.done,
        )
    )


def delete(schedule: Schedule) -> ScheduleDeleted:
    """Decide the end of a schedule."""
    standing = schedule.standing
    return ScheduleDeleted(
        standing=ScheduleStanding(status="deleted", next_on=None, done=standing.done)
    )
