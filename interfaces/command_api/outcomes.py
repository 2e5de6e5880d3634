"""Where what the ledger says meets HTTP: status, problem, headers."""

from typing import Any

from application.commands import (
    Answer,
    ClockUnsure,
    Defect,
    NotExecuted,
    Overloaded,
    Unanswered,
)
from domain.money import Currencies
from domain.refusals import (
    FieldInvalid,
    KeyReused,
    MemberNotFound,
    NotPayee,
    PaymentNotFound,
    PaymentRequestNotFound,
    Refusal,
    Rejection,
    RoleMissing,
    ScheduleNotFound,
    WalletNotFound,
)
from interfaces.command_api.answers import RENDERERS, Renderer
from interfaces.command_api.payment_answers import Document
from interfaces.http.problem_kinds import KINDS
from interfaces.http.problems import Problem, field_error, problem_document

RETRY_AFTER = {"Retry-After": "1"}

_UNANSWERED: dict[type[Unanswered], tuple[str, str]] = {
    Overloaded: ("overloaded", "Too many commands wait; nothing was done. Send it again later."),
    ClockUnsure: ("clock-unsure", "The database's clock has jumped; nothing was done."),
}


def problem_of(no: Rejection | Unanswered | Defect) -> Problem:
    """Return the problem of a command that was not decided, or whose decision is not known."""
    match no:
        case WalletNotFound():
            return Problem("wallet-not-found", "There is no such wallet, or it is not yours.")
        case PaymentNotFound():
            return Problem("payment-not-found", "There is no such payment, or it is not yours.")
        case PaymentRequestNotFound():
            detail = "There is no such payment request, or it is meant for somebody else."
            return Problem("request-not-found", detail)
        case ScheduleNotFound():
            return Problem("schedule-not-found", "There is no such schedule, or it is not yours.")
        case MemberNotFound():
            return Problem("member-not-found", "This user is no member of the wallet.")
        case NotPayee():
            return Problem("not-payee", "Only the payee's side may do this.")
        case FieldInvalid():
            errors = [field_error(f"#/{no.field}", no.detail)]
            return Problem("invalid-request", "The body is not as it should be.", errors=errors)
        case RoleMissing():
            return Problem("role-missing", "Your role in the wallet does not allow this.")
        case KeyReused():
            return Problem(
                "idempotency-key-reused", "This key has been used for another request before."
            )
        case Unanswered():
            code, detail = _UNANSWERED.get(
                type(no),
                (
                    "service-unavailable",
                    "The ledger did not answer in time; with the same key it is safe to send"
                    " the same request again.",
                ),
            )
            return Problem(code, detail, headers=RETRY_AFTER)
        case _:
            return Problem(
                "internal-error", "The service failed; it is safe to send the same request again."
            )


class Outcomes:
    """Turns outcomes into statuses and documents, each answer by the version on record."""

    def __init__(self, currencies: Currencies) -> None:
        """Make a renderer of each version."""
        self._renderers = {version: make(currencies) for version, make in RENDERERS.items()}
        self.newest: Renderer = self._renderers[max(self._renderers)]

    def answered(self, answer: Answer, instance: str) -> tuple[int, Document]:
        """Return status and body of an answer on record."""
        return self._renderers[answer.answer_version].document(answer, instance)

    def item(self, outcome: Any, currency: str, instance: str) -> tuple[int, Document]:
        """Return status and body of one item of a batch."""
        if isinstance(outcome, Answer):
            return self.answered(outcome, instance)
        if isinstance(outcome, Refusal):
            document = self.newest.refusal(outcome, currency, instance)
        elif isinstance(outcome, NotExecuted):
            document = problem_document(
                "not-executed",
                "The transfer would have passed, but another one of the batch was refused.",
                instance=instance,
            )
        else:
            problem = outcome if isinstance(outcome, Problem) else problem_of(outcome)
            document = problem_document(
                problem.code, problem.detail, instance=instance, errors=problem.errors
            )
        return KINDS[str(document["code"])].status, document
