"""The facts of payment requests: a payee asks for an amount, and what came of it."""

from dataclasses import dataclass, field
from typing import Literal

from domain.free_text import WRITTEN_BY_PEOPLE
from domain.identifiers import PaymentId, WalletId
from domain.instants import Instant

PaymentRequestStatus = Literal["open", "accepted", "declined", "cancelled"]


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentRequestStanding:
    """How a request stands after an event, so that its first and its last event tell it all.

    What is open at `expires_at` ends there by itself, without an event: no money waits for it.
    """

    status: PaymentRequestStatus
    payment_id: PaymentId | None = None
    by: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentRequestCreated:
    """A payee asks for an amount, of one person or of whoever comes; it moves no money."""

    wallet_id: WalletId
    amount: int
    currency: str
    requested_by: str
    payer: str | None
    description: str | None = field(default=None, metadata=WRITTEN_BY_PEOPLE)
    expires_at: Instant
    standing: PaymentRequestStanding


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentRequestAccepted:
    """Somebody has paid what was asked for, or has asked other owners of a wallet to let them."""

    standing: PaymentRequestStanding


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentRequestDeclined:
    """Somebody whom the request was meant for does not pay it."""

    standing: PaymentRequestStanding


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentRequestCancelled:
    """The payee's side does not ask for the money any more."""

    standing: PaymentRequestStanding


PaymentRequestEvent = (
    PaymentRequestCreated
    | PaymentRequestAccepted
    | PaymentRequestDeclined
    | PaymentRequestCancelled
)
