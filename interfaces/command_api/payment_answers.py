"""Renders payments as the answers to commands show them."""

from typing import Any

from application.commands import Answer, RecordedAnswer
from domain.events import RequestAccepted
from domain.identifiers import payment_id
from domain.money import Currencies
from domain.payment_events import (
    Leg,
    PaymentCompleted,
    PaymentStanding,
)
from domain.payment_sight import untold
from domain.payment_state import BEGINNINGS, Beginning
from domain.payments import MakePayment, named
from domain.refusals import ApprovalRejected

Document = dict[str, Any]


class PaymentAnswers:
    """Payments as they began, and as they stand after a later command."""

    def __init__(self, currencies: Currencies) -> None:
        """Take the currencies and assets of the ledger."""
        self._currencies = currencies

    def begun(self, event: Beginning, answer: Answer) -> Document:
        """Return a payment that has just been made, held or asked for."""
        document = {
            "payment_id": payment_id(answer.stream),
            "kind": event.kind,
            "status": "completed",
            **self._money_and_wallets(event, event.amount),
        }
        if isinstance(event, PaymentCompleted):
            if event.original_payment_id is not None:
                document["original_payment_id"] = event.original_payment_id
            return {**document, **_texts(event), **_when(answer.recorded_at, answer.position)}
        standing: PaymentStanding = event.standing  # type: ignore[union-attr]  # declined: elsewhere
        document["status"] = standing.status
        if event.kind == "hold" and standing.status == "authorized":
            document |= self._held(standing, event.currency)
        return {
            **document,
            **_texts(event),
            **_when(answer.recorded_at, answer.position),
            "expires_at": standing.expires_at,
        }

    def went_on(self, event: RequestAccepted, opening: RecordedAnswer, answer: Answer) -> Document:
        """Return a payment as it stood after a command, as far as it is the caller's to see."""
        began, standing = opening.event, event.standing
        assert isinstance(began, BEGINNINGS), "a payment begins with one of these"
        assert standing is not None, "an answer about a payment tells how it stands"
        document = {
            "payment_id": event.payment_id,
            "kind": began.kind,
            "status": standing.status,
            **self._money_and_wallets(began, standing.amount, event.shown_legs),
        }
        if began.kind == "hold" and not untold(standing):
            document |= self._held(standing, began.currency)
        texts = _texts(began)
        if event.role == "payee":
            texts = {name: text for name, text in texts.items() if name == "description"}
        document |= texts
        if standing.status == "declined":
            # Another owner's no is the only end of this kind that comes later.
            code, reason = ApprovalRejected.code, ApprovalRejected.reason
            document["failure"] = {"code": code, "reason": reason}
        document |= _when(opening.recorded_at, answer.position)
        if standing.expires_at is not None and standing.status in {
            "authorized",
            "awaiting-approval",
        }:
            document["expires_at"] = standing.expires_at
        return document

    def would_complete(self, command: MakePayment) -> Document:
        """Return the body of a dry run that would go through."""
        source, destination, legs = named(command)
        return {
            "kind": command.kind,
            "status": "would-complete",
            "amount": self._currencies.format(command.amount, command.currency),
            "currency": command.currency,
            **self._wallets(source, destination, legs),
            **_texts(command),
        }

    def _held(self, standing: PaymentStanding, currency: str) -> Document:
        amounts = {
            "captured": standing.captured,
            "left": standing.left,
            "refunded": standing.refunded,
            "refundable": standing.refundable,
        }
        return {name: self._currencies.format(each, currency) for name, each in amounts.items()}

    def _money_and_wallets(
        self, payment: Beginning, amount: int, shown: tuple[int, ...] | None = None
    ) -> Document:
        legs: tuple[Leg, ...] | None = getattr(payment, "legs", None)
        if legs is not None and shown is not None:
            legs = tuple(legs[place] for place in shown)
            amount = sum(leg.amount for leg in legs)
        return {
            "amount": self._currencies.format(amount, payment.currency),
            "currency": payment.currency,
            **self._wallets(payment.source_wallet_id, payment.destination_wallet_id, legs),
        }

    def _wallets(
        self, source: str | None, destination: str | None, legs: tuple[Leg, ...] | None
    ) -> Document:
        if legs is None:
            return {"source_wallet_id": source, "destination_wallet_id": destination}
        return {
            "legs": [
                {
                    "source_wallet_id": leg.source_wallet_id,
                    "destination_wallet_id": leg.destination_wallet_id,
                    "amount": self._currencies.format(leg.amount, leg.currency),
                    "currency": leg.currency,
                }
                for leg in legs
            ]
        }


def _when(created_at: str, position: int) -> Document:
    return {"created_at": created_at, "position": position}


def _texts(payment: Beginning | MakePayment) -> Document:
    texts = {
        "description": payment.description,
        "reference": payment.reference,
        "metadata": payment.metadata,
    }
    return {name: text for name, text in texts.items() if text is not None}
