"""Renders what is on record as the answer to a command, the same to the byte each time."""

from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from application.commands import Answer, WouldComplete
from domain.events import (
    PaymentCompleted,
    PaymentDeclined,
    RequestAccepted,
    RequestRefused,
    WalletOpened,
    WalletStatus,
)
from domain.identifiers import payment_id, wallet_id
from domain.instants import Instant
from domain.money import Currencies
from domain.payments import TransferMoney
from domain.refusals import REFUSALS, InsufficientFunds, Refusal
from interfaces.http.problems import problem_document

Document = dict[str, Any]
encode = msgspec.json.Encoder().encode

REFUSED = 422


class Renderer:
    """Renders answers of version 1; a later version is another class, and this one stays."""

    def __init__(self, currencies: Currencies) -> None:
        """Take the currencies and assets of the ledger."""
        self._currencies = currencies

    def document(self, answer: Answer, instance: str) -> tuple[int, Document]:
        """Return status and body of what is on record; `instance` is the path of the route."""
        event = answer.event
        if isinstance(event, PaymentCompleted):
            return 201, self._payment(event, answer)
        if isinstance(event, PaymentDeclined):
            return REFUSED, self._declined(event, answer, instance)
        if isinstance(event, WalletOpened):
            return 201, self._opened(event, answer)
        if isinstance(event, RequestAccepted):
            return 200, self._accepted(event, answer)
        assert isinstance(event, RequestRefused), "no other event begins the stream of a key"
        reason = REFUSALS[event.code].reason
        refused = problem_document(event.code, reason, instance=instance, position=answer.position)
        return REFUSED, refused

    def would_complete(self, would: WouldComplete) -> Document:
        """Return the body of a dry run that would go through."""
        command = would.command
        return {
            "kind": "transfer",
            "status": "would-complete",
            **self._money_and_wallets(command),
            **_texts(command),
        }

    def refusal(self, refusal: Refusal, currency: str, instance: str) -> Document:
        """Return the problem of a refusal that is not on record."""
        extra: Document = {}
        if isinstance(refusal, InsufficientFunds):
            extra["available"] = self._currencies.format(refusal.available, currency)
        return problem_document(refusal.code, refusal.reason, instance=instance, **extra)

    def _payment(self, event: PaymentCompleted, answer: Answer) -> Document:
        return {
            "payment_id": payment_id(answer.stream),
            "kind": event.kind,
            "status": "completed",
            **self._money_and_wallets(event),
            **_texts(event),
            "created_at": answer.recorded_at,
            "position": answer.position,
        }

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

    def _accepted(self, event: RequestAccepted, answer: Answer) -> Document:
        opening = answer.opening
        assert opening is not None
        assert isinstance(opening.event, WalletOpened)
        return {
            **self._wallet(
                event.wallet_id,
                opening.event,
                status=event.status,
                overdraft_limit=event.overdraft_limit,
                role=event.role,
                created_at=opening.recorded_at,
            ),
            "position": answer.position,
        }

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

    def _money_and_wallets(self, payment: PaymentCompleted | TransferMoney) -> Document:
        return {
            "amount": self._currencies.format(payment.amount, payment.currency),
            "currency": payment.currency,
            "source_wallet_id": payment.source_wallet_id,
            "destination_wallet_id": payment.destination_wallet_id,
        }


def _texts(payment: PaymentCompleted | TransferMoney) -> Document:
    texts = {
        "description": payment.description,
        "reference": payment.reference,
        "metadata": payment.metadata,
    }
    return {name: text for name, text in texts.items() if text is not None}


RENDERERS: Mapping[int, Callable[[Currencies], Renderer]] = {1: Renderer}
"""Each version that an answer on record may name."""
