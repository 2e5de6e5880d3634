"""Draws what schedules refuse: tries that are none, strangers, and what could never be paid."""

from datetime import date
from uuid import uuid4

from hypothesis import strategies as st

from application.commands import Submission
from application.occurrences import run_of
from domain.identifiers import ScheduleId, schedule_id, wallet_id
from domain.schedule_events import Day
from domain.schedules import DeleteSchedule, PauseSchedule, ResumeSchedule
from tests.property.cast import (
    ANNA,
    BEN,
    CARL,
    DORA,
    OPERATOR,
    STRANGER,
)
from tests.property.dealing import Draw, Wish
from tests.property.model_orders import ONE
from tests.property.model_schedules import day_of
from tests.property.sender import Sender, pick
from tests.property.sent_orders import is_due, plans, running, scheduling

Change = type[PauseSchedule | ResumeSchedule | DeleteSchedule]
CHANGES: list[Change] = [PauseSchedule, ResumeSchedule, DeleteSchedule]


def _not_due(sender: Sender, data: st.DataObject) -> Submission:
    """Draw a try that is none: too early, once too often, or of a schedule that rests."""
    today = day_of(sender.model.book)
    resting = plans(
        sender,
        lambda plan: plan.status == "paused" and plan.next_on is not None and plan.next_on <= today,
    )
    if data.draw(st.booleans()) and resting:
        return running(*pick(data, resting))
    name, plan = pick(data, plans(sender, lambda _: True))
    day, attempt = plan.next_on or plan.starts, plan.attempt
    match data.draw(st.sampled_from(["early", "early", "attempt", "late"])):
        case "early":
            if is_due(sender, plan):
                day = plan.following(day) or day + ONE
        case "attempt":
            attempt = attempt % 3 + 1
        case _:
            day = max(plan.ends, default=day - ONE)
            attempt = 3 if plan.ends else attempt
    return run_of(ScheduleId(name), Day(day.isoformat()), attempt)


def _field(sender: Sender, data: st.DataObject) -> Submission:
    """Draw a beginning that is over, or that is too far ahead."""
    today = day_of(sender.model.book)
    starts = today - data.draw(st.sampled_from([1, 1, 400])) * ONE
    if data.draw(st.booleans()):
        starts = date(today.year + 11, 1, 1)
    return scheduling(sender, ANNA, "rich", "shop", 1, starts=starts)


def _unseen(sender: Sender, data: st.DataObject) -> Submission:
    """Draw a command on a schedule that its giver does not know of, or that is no more."""
    kind = data.draw(st.sampled_from(CHANGES))
    deleted = plans(sender, lambda plan: plan.status == "deleted")
    there = plans(sender, lambda plan: plan.status != "deleted")
    match data.draw(st.sampled_from(["deleted", "stranger", "nobody's", "run"])):
        case "deleted" if deleted:
            return sender.submit(OPERATOR, kind(ScheduleId(pick(data, deleted)[0])))
        case "nobody's":
            return sender.submit(OPERATOR, kind(schedule_id(uuid4())))
        case "run":
            name, plan = pick(data, there)
            tried = run_of(ScheduleId(name), Day((plan.next_on or plan.starts).isoformat()), 1)
            return sender.submit(OPERATOR, tried.command)
        case _:
            return sender.submit(STRANGER, kind(ScheduleId(pick(data, there)[0])))


def _by_a_viewer(sender: Sender, data: st.DataObject) -> Submission:
    household = sender.names["household"]
    found = plans(
        sender, lambda plan: plan.source == household and plan.status in {"active", "paused"}
    )
    if not found or data.draw(st.booleans()):
        return scheduling(sender, DORA, "household", "shop", 1)
    kind = data.draw(st.sampled_from(CHANGES))
    return sender.submit(DORA, kind(ScheduleId(pick(data, found)[0])))


def _of_a_stranger(sender: Sender, data: st.DataObject) -> Submission:
    if data.draw(st.booleans()):
        return scheduling(sender, data.draw(st.sampled_from([BEN, CARL])), "rich", "shop", 1)
    sender.names["nobody's"] = wallet_id(uuid4())
    made = scheduling(sender, ANNA, "rich", "nobody's", 1)
    del sender.names["nobody's"]
    return made


def _never_paid(source: str, payee: str) -> Draw:
    """Draw a schedule that could never be paid."""

    def draw(sender: Sender, _data: st.DataObject) -> Submission:
        return scheduling(sender, ANNA, source, payee, 1)

    return draw


REFUSED_SCHEDULES: dict[str, Wish] = {
    "not due": Wish("nothing-to-do", _not_due),
    "field": Wish("field-invalid", _field),
    "unseen": Wish("schedule-not-found", _unseen),
    "schedule by a viewer": Wish("role-missing: schedule", _by_a_viewer),
    "schedule by a stranger": Wish("not-found", _of_a_stranger),
    "schedule from closed": Wish("wallet-closed", _never_paid("closed", "shop")),
    "schedule into closed": Wish("payee-unavailable", _never_paid("rich", "their closed")),
    "schedule into itself": Wish("same-wallet", _never_paid("rich", "rich")),
    "schedule another currency": Wish("currency-mismatch", _never_paid("rich", "yen")),
}
"""What a request is drawn for, and by what."""
