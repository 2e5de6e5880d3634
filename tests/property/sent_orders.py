"""Makes commands on schedules and payment requests, and finds those that the model has."""

from collections.abc import Callable
from datetime import date
from uuid import uuid4

from application.commands import Submission
from application.occurrences import run_of
from domain.identifiers import (
    PaymentRequestId,
    ScheduleId,
    payment_id,
    payment_request_id,
    schedule_id,
)
from domain.payment_events import Leg
from domain.payment_requests import AcceptPaymentRequest, RequestPayment
from domain.schedule_events import Day
from domain.schedules import CreateSchedule
from domain.schedules import Plan as Dates
from domain.wallets import Caller
from tests.property.model_orders import Asking, Plan
from tests.property.model_schedules import day_of
from tests.property.sender import WEEK, Sender

DAILY = "FREQ=DAILY"


def asking(
    sender: Sender,
    caller: Caller,
    wallet: str,
    amount: int,
    payer: Caller | None = None,
    expires_in: int = WEEK,
    currency: str = "EUR",
) -> Submission:
    """Ask for money into the wallet of a role."""
    stream = uuid4()
    command = RequestPayment(
        payment_request_id=payment_request_id(stream),
        wallet_id=sender.names[wallet],
        amount=amount,
        currency=currency,
        payer=None if payer is None else payer.subject,
        description=None,
        expires_in=expires_in,
    )
    return sender.submit(caller, command, stream)


def accepting(sender: Sender, caller: Caller, name: PaymentRequestId, source: str) -> Submission:
    """Pay what is asked for from the wallet of a role."""
    stream = uuid4()
    command = AcceptPaymentRequest(payment_id(stream), name, sender.names[source])
    return sender.submit(caller, command, stream)


def askings(
    sender: Sender, wanted: Callable[[Asking], bool] = lambda _: True, is_open: bool = True
) -> list[PaymentRequestId]:
    """Return the newest requests of the model that are open, or not any more."""
    now = sender.model.book.now
    found = [
        name
        for name, each in sender.model.book.askings.items()
        if each.is_open(now) is is_open and wanted(each)
    ]
    return [PaymentRequestId(name) for name in found[-8:]]


def scheduling(
    sender: Sender,
    caller: Caller,
    source: str,
    payee: str,
    amount: int,
    rule: str | None = DAILY,
    *,
    starts: date | None = None,
    until: date | None = None,
    count: int | None = None,
    skips: bool = False,
    currency: str = "EUR",
) -> Submission:
    """Make a schedule between roles, which starts today where nobody says."""
    stream = uuid4()
    first = Day((starts or day_of(sender.model.book)).isoformat())
    last = None if until is None else Day(until.isoformat())
    command = CreateSchedule(
        schedule_id=schedule_id(stream),
        leg=Leg(sender.names[source], sender.names[payee], amount, currency),
        plan=Dates(first, rule, last, count),
        if_missed="skip" if skips else "run",
    )
    return sender.submit(caller, command, stream)


def running(name: str, plan: Plan) -> Submission:
    """Try the next date of a schedule, as the worker does."""
    assert plan.next_on is not None
    return run_of(ScheduleId(name), Day(plan.next_on.isoformat()), plan.attempt)


def plans(sender: Sender, wanted: Callable[[Plan], bool]) -> list[tuple[str, Plan]]:
    """Return the schedules of the model of which something holds."""
    return [(name, plan) for name, plan in sender.model.book.plans.items() if wanted(plan)]


def is_due(sender: Sender, plan: Plan) -> bool:
    """Whether something is to be done today."""
    return plan.due_on is not None and plan.due_on <= day_of(sender.model.book)
