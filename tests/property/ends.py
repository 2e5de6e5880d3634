"""How commands ended, in the model's words."""

from application.commands import Answer, ItemOutcome, NotExecuted, Outcome, WouldComplete
from domain.events import Event, RequestRefused
from domain.payment_events import PaymentDeclined
from domain.refusals import (
    FieldInvalid,
    InsufficientFunds,
    KeyReused,
    MemberNotFound,
    NothingToDo,
    NotPayee,
    PaymentNotFound,
    PaymentRequestNotFound,
    Refusal,
    Rejection,
    RoleMissing,
    ScheduleNotFound,
    WalletNotFound,
)
from tests.property.model_parts import DONE, End

UNDECIDED: dict[type[Rejection], str] = {
    WalletNotFound: "not-found",
    PaymentNotFound: "payment-not-found",
    PaymentRequestNotFound: "request-not-found",
    ScheduleNotFound: "schedule-not-found",
    MemberNotFound: "member-not-found",
    RoleMissing: "role-missing",
    NotPayee: "not-payee",
    NothingToDo: "nothing-to-do",
    FieldInvalid: "field-invalid",
    KeyReused: "key-reused",
}


def end_of_event(event: Event) -> End:
    """Return how a command ended whose key an event begins."""
    if isinstance(event, PaymentDeclined | RequestRefused):
        return (event.code, event.available)
    return DONE


def end_of(outcome: Outcome | ItemOutcome) -> End:
    """Return how one command ended."""
    match outcome:
        case Answer(event=event):
            return end_of_event(event)
        case WouldComplete():
            return DONE
        case InsufficientFunds(available=available):
            return ("insufficient-funds", available)
        case Refusal(code=code):
            return (code, None)
        case Rejection() if type(outcome) in UNDECIDED:
            return (UNDECIDED[type(outcome)], None)
        case NotExecuted():
            return ("not-executed", None)
        case _:
            raise AssertionError(f"no end to be had: {outcome!r}")
