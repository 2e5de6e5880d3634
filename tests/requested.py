"""The words of tests about payment requests: one of 12.34 EUR into the payee's wallet."""

from typing import Any
from uuid import UUID

from domain.events import WalletEvent
from domain.identifiers import payment_request_id
from domain.instants import Instant, later
from domain.payment_request_events import (
    PaymentRequestAccepted,
    PaymentRequestCancelled,
    PaymentRequestCreated,
    PaymentRequestDeclined,
    PaymentRequestEvent,
    PaymentRequestStanding,
)
from domain.payment_requests import PaymentRequest, RequestPayment, evolve
from domain.wallets import Caller, Wallet
from tests.given import NOW, OWNER, PAID, THEIRS, opening, wallet

ASKED = payment_request_id(UUID(int=11))
PAYEE = Caller("usr_payee", "tests", operate=False)
ASKED_FOR = 1234
WEEK = 7 * 24 * 3600
END = later(NOW, WEEK)
JUST_BEFORE_END = Instant("2026-02-07T11:59:59.999999Z")

ACCEPTED = PaymentRequestAccepted(
    standing=PaymentRequestStanding(status="accepted", payment_id=PAID, by=OWNER.subject)
)
DECLINED = PaymentRequestDeclined(
    standing=PaymentRequestStanding(status="declined", by=OWNER.subject)
)
CANCELLED = PaymentRequestCancelled(
    standing=PaymentRequestStanding(status="cancelled", by=PAYEE.subject)
)


def payee_wallet(*events: WalletEvent) -> Wallet:
    """Return the wallet that the request is into."""
    return wallet(*events, name=THEIRS, first=opening(owner=PAYEE.subject))


def request_of_payee(**fields: Any) -> RequestPayment:
    """Return the command, but for the fields given."""
    known: dict[str, Any] = {
        "payment_request_id": ASKED,
        "wallet_id": THEIRS,
        "amount": ASKED_FOR,
        "currency": "EUR",
        "payer": None,
        "description": "Lunch",
        "expires_in": WEEK,
    }
    return RequestPayment(**{**known, **fields})


def created(payer: str | None = None) -> PaymentRequestCreated:
    """Return the fact that the request was made, of somebody or of whoever comes."""
    return PaymentRequestCreated(
        wallet_id=THEIRS,
        amount=ASKED_FOR,
        currency="EUR",
        requested_by=PAYEE.subject,
        payer=payer,
        description="Lunch",
        expires_at=END,
        standing=PaymentRequestStanding(status="open"),
    )


def asked_for(*events: PaymentRequestEvent, payer: str | None = None) -> PaymentRequest:
    """Return the request that events lead to, once it was made."""
    first = created(payer)
    found = PaymentRequest(ASKED, 1, first, first.standing)
    for event in events:
        found = evolve(found, event)
    return found
