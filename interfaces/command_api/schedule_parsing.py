"""From the body of a schedule to its command."""

from collections.abc import Callable
from typing import TypeVar
from uuid import UUID

from application.recurrences import RecurrenceInvalid, next_date, read_recurrence
from domain.identifiers import schedule_id
from domain.schedule_events import Day
from domain.schedules import CreateSchedule, Plan
from interfaces.command_api.bodies import TransferFields
from interfaces.command_api.fingerprint import fingerprint
from interfaces.command_api.follow_ups import MOVES
from interfaces.command_api.gate import Asked, require_key
from interfaces.command_api.parsing import (
    SCHEDULES,
    CommandParser,
    invalid,
    require_field_scopes,
    transfer_content,
)
from interfaces.command_api.schedule_bodies import ScheduleBody
from interfaces.http.auth import require_scope
from interfaces.http.bodies import parse_object, validated
from interfaces.http.problems import Problem

Value = TypeVar("Value")


def schedule_body(asked: Asked) -> ScheduleBody:
    """Return the body after key, scope and the scopes of the transfer's fields are judged."""
    require_key(asked)
    require_scope(asked.caller, *MOVES)
    found = parse_object(asked.body) if asked.body else {}
    transfer = found.get("transfer")
    if isinstance(transfer, dict):
        require_field_scopes(asked.caller, transfer, TransferFields)
    return validated(ScheduleBody, found)


def schedule(parser: CommandParser, body: ScheduleBody, stream: UUID) -> tuple[CreateSchedule, str]:
    """Return a schedule and its fingerprint; raises `Problem` 422 naming the field at fault."""
    leg = _within("transfer", lambda: parser.leg(body.transfer))
    texts = _within("transfer", lambda: parser.texts(body.transfer))
    plan = _plan(body)
    command = CreateSchedule(
        schedule_id=schedule_id(stream), leg=leg, plan=plan, if_missed=body.if_missed, **texts
    )
    content = {
        **body.model_dump(exclude={"transfer"}),
        "transfer": transfer_content(leg, texts),
        "recurrence": plan.recurrence,
    }
    return command, fingerprint(SCHEDULES, {}, content)


def _plan(body: ScheduleBody) -> Plan:
    starts_on = Day(body.starts_on)
    rule = None
    if body.recurrence is not None:
        try:
            rule = read_recurrence(body.recurrence, starts_on)
        except RecurrenceInvalid as fault:
            raise invalid("recurrence", str(fault)) from None
    until = None if body.until is None else Day(body.until)
    plan = Plan(starts_on, rule, until, body.count)
    if next_date(plan, None) is None:
        raise invalid("until", "is before the first date")
    return plan


def _within(name: str, parse: Callable[[], Value]) -> Value:
    """Parse an object in a field of the body, which the pointers of its faults then name."""
    try:
        return parse()
    except Problem as problem:
        errors = [
            {**each, "pointer": each["pointer"].replace("#", f"#/{name}", 1)}
            for each in problem.errors or ()
        ]
        raise Problem(problem.code, problem.detail, errors=errors) from None
