"""Holds schedules and payment requests, as stored, against the model and an outsider's fold."""

from datetime import date

from domain.events import Event
from domain.identifiers import PaymentRequestId, ScheduleId
from domain.payment_request_events import PaymentRequestCreated
from domain.payment_requests import PaymentRequest, request_of
from domain.schedule_events import ScheduleCreated
from domain.schedules import Schedule, schedule_of
from tests.property.fold import Fold
from tests.property.model_parts import Book, microseconds


def check_order(
    book: Book, fold: Fold, name: str, began: Event, last: tuple[int, Event], slack: int
) -> None:
    """Compare one, known from its first and its last event.

    It may run out earlier than the model has it by so many microseconds of slack.
    """
    version, event = last
    assert version == fold.versions[name]
    if isinstance(began, ScheduleCreated):
        _check_schedule(book, fold, schedule_of(ScheduleId(name), began, event, version))
        return
    assert isinstance(began, PaymentRequestCreated)
    _check_request(book, fold, request_of(PaymentRequestId(name), began, event, version), slack)


def _check_schedule(book: Book, fold: Fold, schedule: Schedule) -> None:
    name, standing = schedule.schedule_id, schedule.standing
    plan, folded = book.plans[name], fold.schedules[name]
    assert standing.status == folded.status == plan.status
    assert standing.next_on == folded.next_on == _text(plan.next_on)
    assert standing.retry_on == folded.retry_on == _text(plan.retry_on)
    assert standing.attempt == folded.attempt == plan.attempt
    assert standing.done == len(plan.ends)
    words = {day: how.split(":")[0] for day, how in plan.ends.items()}
    found = {_text(day): "paid" if how == "waits" else how for day, how in words.items()}
    assert folded.ended == found, "what came of each date"


def _check_request(book: Book, fold: Fold, asked: PaymentRequest, slack: int) -> None:
    name, standing = asked.payment_request_id, asked.standing
    asking = book.askings[name]
    assert standing.status == fold.requests[name].status == (asking.ended_by or "open")
    assert (standing.payment_id, standing.by) == (asking.payment, asking.by)
    expires = microseconds(asked.began.expires_at)
    assert asking.expires - slack <= expires <= asking.expires
    asking.expires = expires


def _text(day: date | None) -> str | None:
    return None if day is None else day.isoformat()
