"""Renders what is on record as the answer to a command, the same to the byte each time."""

from collections.abc import Callable, Mapping

import msgspec

from application.commands import Answer, WouldComplete
from domain.events import (
    RequestAccepted,
    RequestRefused,
    WalletOpened,
    WalletStatus,
)
from domain.identifiers import operation_id, payment_id, wallet_id
from domain.instants import Instant
from domain.money import Currencies
from domain.operation_events import PeriodClosed
from domain.payment_events import PaymentDeclined
from domain.payment_request_events import PaymentRequestCreated
from domain.payment_state import BEGINNINGS
from domain.refusals import REFUSALS, InsufficientFunds, Refusal
from domain.schedule_events import ScheduleCreated
from interfaces.command_api.payment_answers import Document, PaymentAnswers
from interfaces.command_api.request_answers import RequestAnswers
from interfaces.command_api.schedule_answers import ScheduleAnswers
from interfaces.http.problems import problem_document

encode = msgspec.json.Encoder().encode

REFUSED = 422


class Renderer:
    """Renders answers of version 1; a later version is another class, and this one stays."""

    def __init__(self, currencies: Currencies) -> None:
        """Take the currencies and assets of the ledger."""
        self._currencies = currencies
        self._payments = PaymentAnswers(currencies)
        self._requests = RequestAnswers(currencies)
        self._schedules = ScheduleAnswers(currencies)

    def document(self, answer: Answer, instance: str) -> tuple[int, Document]:
        """Return status and body of what is on record; `instance` is the path of the route."""
        event = answer.event
        if isinstance(event, PaymentDeclined):
            return REFUSED, self._declined(event, answer, instance)
        if isinstance(event, BEGINNINGS):
            return 201, self._payments.begun(event, answer)
        if isinstance(event, PaymentRequestCreated):
            return 201, self._requests.begun(event, answer)
        if isinstance(event, ScheduleCreated):
            return 201, self._schedules.begun(event, answer)
        if isinstance(event, WalletOpened):
            return 201, self._opened(event, answer)
        if isinstance(event, RequestAccepted):
            return self._accepted(event, answer)
        if isinstance(event, PeriodClosed):
            return 200, _period(event, answer)
        assert isinstance(event, RequestRefused), "no other event begins the stream of a key"
        return REFUSED, self._refused(event, answer, instance)

    def would_complete(self, would: WouldComplete) -> Document:
        """Return the body of a dry run that would go through."""
        return self._payments.would_complete(would.command)

    def refusal(self, refusal: Refusal, currency: str, instance: str) -> Document:
        """Return the problem of a refusal that is not on record."""
        extra: Document = {}
        if isinstance(refusal, InsufficientFunds):
            extra["available"] = self._currencies.format(refusal.available, currency)
        return problem_document(refusal.code, refusal.reason, instance=instance, **extra)

    def _refused(self, event: RequestRefused, answer: Answer, instance: str) -> Document:
        extra: Document = {}
        if event.available is not None and event.currency is not None:
            extra["available"] = self._currencies.format(event.available, event.currency)
        if event.payment_id is not None:
            extra["payment_id"] = event.payment_id
        if event.payment_request_id is not None:
            extra["request_id"] = event.payment_request_id
        reason = REFUSALS[event.code].reason
        return problem_document(
            event.code, reason, instance=instance, **extra, position=answer.position
        )

    def _declined(self, event: PaymentDeclined, answer: Answer, instance: str) -> Document:
        extra: Document = {}
        if event.available is not None:
            extra["available"] = self._currencies.format(event.available, event.currency)
        return problem_document(
            event.code,
            REFUSALS[event.code].reason,
            instance=instance,
            **extra,
            payment_id=payment_id(answer.stream),
            position=answer.position,
        )

    def _opened(self, event: WalletOpened, answer: Answer) -> Document:
        return {
            **self._wallet(
                wallet_id(answer.stream),
                event,
                status="open",
                overdraft_limit=event.overdraft_limit,
                role=None if event.owner is None else "owner",
                created_at=answer.recorded_at,
            ),
            "position": answer.position,
        }

    def _accepted(self, event: RequestAccepted, answer: Answer) -> tuple[int, Document]:
        opening = answer.opening
        assert opening is not None
        if event.payment_id is not None:
            return 200, self._payments.went_on(event, opening, answer)
        if event.payment_request_id is not None:
            return 200, self._requests.went_on(event, opening, answer)
        if event.schedule_id is not None:
            return 200, self._schedules.went_on(event, opening, answer)
        assert isinstance(opening.event, WalletOpened)
        if event.member is not None:
            return 201, {
                "wallet_id": event.wallet_id,
                "user_id": event.member.user_id,
                "role": event.member.role,
                "position": answer.position,
            }
        assert event.wallet_id is not None, "what is no payment is a wallet"
        assert event.status is not None, "what is no payment is a wallet"
        document = self._wallet(
            event.wallet_id,
            opening.event,
            status=event.status,
            overdraft_limit=event.overdraft_limit,
            role=event.role,
            created_at=opening.recorded_at,
        )
        document |= self._rules(event, opening.event.currency)
        return 200, {**document, "position": answer.position}

    def _rules(self, event: RequestAccepted, currency: str) -> Document:
        """Return limits and approvals, where the wallet has some or the command was about them."""
        limits = {"per_payment": event.per_payment, "per_day": event.per_day}
        document: Document = {}
        if event.action == "change-limits" or any(each is not None for each in limits.values()):
            document["limits"] = {
                name: None if each is None else self._currencies.format(each, currency)
                for name, each in limits.items()
            }
        if event.approvals is not None:
            document["approvals"] = {
                "required": event.approvals.required,
                "above": self._currencies.format(event.approvals.above, currency),
            }
        return document

    def _wallet(
        self,
        wallet: str,
        opening: WalletOpened,
        *,
        status: WalletStatus,
        overdraft_limit: int | None,
        role: str | None,
        created_at: Instant,
    ) -> Document:
        document: Document = {"wallet_id": wallet, "name": opening.name, "kind": opening.kind}
        if opening.kind == "system":
            document["class"] = opening.account_class
        document["currency"] = opening.currency
        if opening.reference is not None:
            document["reference"] = opening.reference
        document["status"] = status
        document["overdraft_limit"] = (
            "unlimited"
            if overdraft_limit is None
            else self._currencies.format(overdraft_limit, opening.currency)
        )
        if role is not None:
            document["role"] = role
        document["created_at"] = created_at
        return document


def _period(event: PeriodClosed, answer: Answer) -> Document:
    return {
        "operation_id": operation_id(answer.stream),
        "through": event.through,
        "reason": event.reason,
        "closed_at": answer.recorded_at,
        "position": answer.position,
    }


RENDERERS: Mapping[int, Callable[[Currencies], Renderer]] = {1: Renderer}
"""Each version that an answer on record may name."""
