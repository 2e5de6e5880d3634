"""The events of commands that hold money, for tests that write events by themselves."""

from dataclasses import replace

from domain.events import Event, WalletCredited, WalletFundsHeld, WalletHoldCaptured
from domain.identifiers import PaymentId, StreamId, WalletId
from domain.instants import Instant
from domain.payment_events import (
    PaymentApprovalRequested,
    PaymentAuthorized,
    PaymentCaptured,
    PaymentStanding,
    PaymentStatus,
    Quorum,
)

THEN = Instant("2026-01-31T12:00:00.000000Z")
FAR = Instant("2100-01-01T00:00:00.000000Z")
"""Until when what waits will wait."""

Streamed = tuple[StreamId | WalletId | PaymentId, Event]


def held(
    payment: PaymentId, source: WalletId, destination: WalletId, amount: int
) -> list[Streamed]:
    """Return the events of a hold in EUR."""
    authorized = PaymentAuthorized(
        kind="hold",
        amount=amount,
        currency="EUR",
        source_wallet_id=source,
        destination_wallet_id=destination,
        effective_at=None,
        standing=_waits("authorized", amount, left=amount),
    )
    return [(payment, authorized), (source, WalletFundsHeld(payment, amount, "EUR", FAR))]


def captured(
    payment: PaymentId, source: WalletId, destination: WalletId, amount: int
) -> list[Streamed]:
    """Return the events of the capture of a whole hold."""
    fact = PaymentCaptured(
        amount=amount,
        released=0,
        currency="EUR",
        effective_at=THEN,
        standing=replace(
            _waits("completed", amount), ended_by="captured", captured=amount, refundable=amount
        ),
    )
    return [
        (payment, fact),
        (source, WalletHoldCaptured(payment, amount, "EUR", destination, THEN)),
        (destination, WalletCredited(payment, amount, "EUR", source, THEN)),
    ]


def asked(
    payment: PaymentId, source: WalletId, destination: WalletId, amount: int, by: str
) -> list[Streamed]:
    """Return the events of a payment that waits for another owner of its source."""
    requested = PaymentApprovalRequested(
        kind="transfer",
        amount=amount,
        currency="EUR",
        source_wallet_id=source,
        destination_wallet_id=destination,
        effective_at=None,
        requested_by=by,
        quorums=(Quorum(source, 1),),
        standing=_waits("awaiting-approval", amount),
    )
    return [(payment, requested), (source, WalletFundsHeld(payment, amount, "EUR", FAR))]


def _waits(status: PaymentStatus, amount: int, left: int = 0) -> PaymentStanding:
    return PaymentStanding(status=status, amount=amount, left=left, expires_at=FAR)
