"""The model's rules on schedules: who may change one, and what comes of each of its dates."""

from datetime import date, timedelta

from application.commands import ScheduleCommand
from domain.occurrences import RunOccurrence
from domain.schedules import CreateSchedule, PauseSchedule, ResumeSchedule
from domain.wallets import Caller
from tests.property.model_begin import (
    Order,
    begin_order,
    declined,
    quorums,
    refuse,
    require_fitting,
    require_open,
    require_payer,
)
from tests.property.model_orders import ONE, Plan
from tests.property.model_parts import Book, Move, No
from tests.property.model_wallets import may_pay

WAIT = 7 * 24 * 3600
TRIES = 3
GIVEN_UP = "given up: "
SKIPPED_LATER = "skipped: after a try"
SKIPPED = {"skipped", SKIPPED_LATER}


def day_of(book: Book) -> date:
    """Return the day in UTC."""
    return date(1970, 1, 1) + timedelta(days=book.today)


def create(book: Book, command: CreateSchedule, caller: Caller) -> None:
    """Make a plan, unless it could never be paid."""
    leg, asked = command.leg, command.plan
    moves: list[Move] = [
        (leg.source_wallet_id, leg.destination_wallet_id, leg.amount, leg.currency)
    ]
    require_payer(book, moves, caller)
    starts, today = date.fromisoformat(asked.starts_on), day_of(book)
    if starts < today or starts.year > today.year + 10:
        raise No("field-invalid")
    require_fitting(book, moves)
    require_open(book, moves, caller, though_frozen=True)
    as_member = book.purses[leg.source_wallet_id].pays(caller)
    plan = Plan(
        *moves[0],
        starts=starts,
        rule=asked.recurrence,
        until=None if asked.until is None else date.fromisoformat(asked.until),
        count=asked.count,
        skips=command.if_missed == "skip",
        maker=Caller(caller.subject, caller.client_id, operate=caller.operate and not as_member),
    )
    plan.next_on = plan.following(None)
    assert plan.next_on is not None, "nobody draws a plan without a date"
    book.plans[command.schedule_id] = plan


def change(book: Book, command: ScheduleCommand, caller: Caller) -> None:
    """Let a plan rest, go on, or end."""
    plan = book.plans.get(command.schedule_id)
    if plan is None or plan.status == "deleted":
        raise No("schedule-not-found")
    purse = book.purses[plan.source]
    if not purse.seen_by(caller):
        raise No("schedule-not-found")
    may_pay(purse, caller)
    if isinstance(command, PauseSchedule):
        plan.status = "paused" if plan.status == "active" else plan.status
    elif isinstance(command, ResumeSchedule):
        if plan.status == "paused":
            _go_on(plan, day_of(book))
    else:
        plan.status = "deleted"
        _come_to(plan, None)


def run(book: Book, command: RunOccurrence, caller: Caller) -> None:
    """Try a date whose day has come."""
    plan, today = book.plans.get(command.schedule_id), day_of(book)
    if plan is None or not caller.system:
        raise No("schedule-not-found")
    if plan.due_on is None or plan.due_on > today:
        raise No("nothing-to-do")
    if plan.next_on is None or (command.on, command.attempt) != (
        plan.next_on.isoformat(),
        plan.attempt,
    ):
        raise No("nothing-to-do")
    how = outlook(book, plan)
    plan.told = how
    if how == "postponed":
        plan.attempt, plan.retry_on = plan.attempt + 1, today + ONE
        return
    order = _order(plan)
    if how in {"paid", "waits"}:
        begin_order(book, command.payment_id, order, plan.maker)
    elif how not in {*SKIPPED, f"{GIVEN_UP}role-missing"}:
        book.deals[command.payment_id] = declined(order)
    _end(plan, how, today)


def outlook(book: Book, plan: Plan) -> str:
    """Return what would come of a plan that is due, if it was tried now."""
    assert plan.due_on is not None
    if plan.skips and plan.due_on < day_of(book):
        return "skipped" if plan.attempt == 1 else SKIPPED_LATER
    order = _order(plan)
    try:
        require_payer(book, order.moves, plan.maker)
    except No:
        return f"{GIVEN_UP}role-missing"
    try:
        refuse(book, order, plan.maker)
    except No as no:
        code, _ = no.end
        short = code == "insufficient-funds" and plan.attempt < TRIES
        return "postponed" if short else f"{GIVEN_UP}{code}"
    return "waits" if quorums(book, order) else "paid"


def _order(plan: Plan) -> Order:
    moves: list[Move] = [(plan.source, plan.payee, plan.amount, plan.currency)]
    return Order("transfer", moves, plan.amount, plan.currency, WAIT)


def _end(plan: Plan, how: str, today: date) -> None:
    """Let the next date be over; one that came during its tries has waited for that, till today."""
    over, waited = plan.next_on, plan.attempt > 1 and how not in SKIPPED
    assert over is not None
    plan.ends[over] = how
    following = plan.following(over)
    _come_to(plan, following)
    if following is None:
        plan.status = "ended"
    elif waited and following < today:
        plan.attempt = min(TRIES, 1 + (today - following).days)
        plan.retry_on = today


def _go_on(plan: Plan, today: date) -> None:
    """Leave out what fell into the pause."""
    assert plan.next_on is not None, "what has an end is not paused"
    plan.status = "active"
    if plan.next_on < today:
        following = plan.following(today - ONE)
        _come_to(plan, following)
        plan.status = "ended" if following is None else "active"


def _come_to(plan: Plan, day: date | None) -> None:
    plan.next_on, plan.retry_on, plan.attempt = day, None, 1
