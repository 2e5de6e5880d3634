"""Commands on schedules, decided: made, paused, resumed, deleted, and run on their dates."""

from collections.abc import Mapping
from dataclasses import replace
from uuid import UUID

from application.commands import ScheduleCommand
from application.deciding import Decision, beginning, decided
from application.recurrences import next_date
from application.state import State
from domain import occurrences, payments, schedules
from domain.events import Action, Event, RequestAccepted, RequestRefused
from domain.identifiers import ScheduleId, bits
from domain.instants import Instant
from domain.occurrences import RunOccurrence
from domain.payments import MakePayment, Movement
from domain.refusals import InsufficientFunds, Refusal, Rejection, ScheduleNotFound
from domain.schedule_events import ScheduleEvent
from domain.schedules import (
    CreateSchedule,
    DeleteSchedule,
    PauseSchedule,
    ResumeSchedule,
    Schedule,
)
from domain.wallets import Caller

ACTIONS: Mapping[type[ScheduleCommand], Action] = {
    PauseSchedule: "pause-schedule",
    ResumeSchedule: "resume-schedule",
    DeleteSchedule: "delete-schedule",
}


def create(
    command: CreateSchedule, caller: Caller, stream: UUID, state: State, now: Instant
) -> Decision:
    """Decide a schedule, which is the answer itself."""
    right = payments.require_payer((command.leg,), state.wallets, caller)
    schedules.require_dates(command.plan, now)
    try:
        created = schedules.create(command, state.wallets, caller, right, next_date)
    except Refusal as refusal:
        wallet = command.leg.source_wallet_id
        refused = RequestRefused(action="create-schedule", wallet_id=wallet, code=refusal.code)
        return Decision(((stream, 1, refused),), right, refusal=refusal)
    made = Schedule(command.schedule_id, 1, created, created.standing)
    return Decision(((stream, 1, created),), right, schedules=(made,))


def change(
    command: ScheduleCommand, caller: Caller, stream: UUID, state: State, now: Instant
) -> Decision:
    """Decide a pause, its end, or the end of the schedule; what is so already stays so."""
    schedule = _find(state, command.schedule_id)
    right = schedules.right_to_change(schedule, state.wallets, caller)
    fact: ScheduleEvent | None
    match command:
        case PauseSchedule():
            fact = schedules.pause(schedule)
        case ResumeSchedule():
            fact = schedules.resume(schedule, now, next_date)
        case DeleteSchedule():
            fact = schedules.delete(schedule)
    after = schedule if fact is None else schedules.evolve(schedule, fact)
    answer = _answer(ACTIONS[type(command)], after)
    return _with(decided(stream, answer, right, state.wallets, (), now), after, fact)


def run(
    command: RunOccurrence, caller: Caller, stream: UUID, state: State, now: Instant
) -> Decision:
    """Decide what comes of an occurrence: one command has its payment and the schedule's event.

    Whose money it is was settled when the schedule was made; whether that one may still pay is
    decided anew each time.
    """
    if not caller.system:
        raise ScheduleNotFound
    schedule = _find(state, command.schedule_id)
    occurrences.require_due(command, schedule, now)
    if occurrences.is_missed(schedule, now):
        skipped = occurrences.skipped(command, schedule, now, next_date)
        return _ran(stream, schedule, skipped, None, (), state, now)
    order, maker = occurrences.order_of(command, schedule), occurrences.maker(schedule)
    try:
        payments.require_payer(order.legs, state.wallets, maker)
    except Rejection:
        gone = occurrences.given_up(command, schedule, "role-missing", None, now, next_date)
        return _ran(stream, schedule, gone, None, (), state, now)
    try:
        payment, movements = beginning(order, maker, state.wallets, now, state.closed_through)
    except Refusal as refusal:
        return _not_paid(command, stream, schedule, order, refusal, state, now)
    paid = occurrences.occurred(command, schedule, now, next_date)
    return _ran(stream, schedule, paid, (order, payment), movements, state, now)


def _not_paid(
    command: RunOccurrence,
    stream: UUID,
    schedule: Schedule,
    order: MakePayment,
    refusal: Refusal,
    state: State,
    now: Instant,
) -> Decision:
    """Try again where only the money is missing; else the payment is declined, once."""
    if isinstance(refusal, InsufficientFunds) and command.attempt < occurrences.TRIES:
        later = occurrences.postponed(command, schedule, refusal.code, now)
        return _ran(stream, schedule, later, None, (), state, now)
    declined = payments.declined(order, refusal, now)
    name = order.payment_id
    gone = occurrences.given_up(command, schedule, refusal.code, name, now, next_date)
    return _ran(stream, schedule, gone, (order, declined), (), state, now)


def _ran(
    stream: UUID,
    schedule: Schedule,
    fact: ScheduleEvent,
    payment: tuple[MakePayment, Event] | None,
    movements: tuple[Movement, ...] | list[Movement],
    state: State,
    now: Instant,
) -> Decision:
    after = schedules.evolve(schedule, fact)
    answer = _answer("run-occurrence", after)
    decision = _with(decided(stream, answer, "system", state.wallets, movements, now), after, fact)
    if payment is None:
        return decision
    order, begun = payment
    answered, *others = decision.events
    # A payment's own event stands before what it moves.
    events = (answered, (bits(order.payment_id), 1, begun), *others)
    return replace(decision, events=events)


def _find(state: State, schedule_id: ScheduleId) -> Schedule:
    schedule = state.schedules.get(schedule_id)
    if schedule is None:
        raise ScheduleNotFound
    return schedule


def _answer(action: Action, after: Schedule) -> RequestAccepted:
    return RequestAccepted(
        action=action, schedule_id=after.schedule_id, schedule_standing=after.standing
    )


def _with(decision: Decision, after: Schedule, fact: ScheduleEvent | None) -> Decision:
    """Put the schedule's event behind the answer, where there is one."""
    answer, *moved = decision.events
    own = () if fact is None else ((bits(after.schedule_id), after.version, fact),)
    return replace(decision, events=(answer, *own, *moved), schedules=(after,))
