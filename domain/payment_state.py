"""A payment that lives on: what later commands need to know, from its first and last event."""

from collections.abc import Sequence
from dataclasses import dataclass

from domain.events import Event
from domain.identifiers import PaymentId, WalletId
from domain.payment_events import (
    Leg,
    PaymentApprovalRequested,
    PaymentAuthorized,
    PaymentCompleted,
    PaymentDeclined,
    PaymentEvent,
    PaymentKind,
    PaymentStanding,
    PaymentStatus,
)

Beginning = PaymentCompleted | PaymentDeclined | PaymentAuthorized | PaymentApprovalRequested
BEGINNINGS = (PaymentCompleted, PaymentDeclined, PaymentAuthorized, PaymentApprovalRequested)


@dataclass(frozen=True, slots=True)
class Payment:
    """A payment as decisions see it: how it began, its version, and how it stands now."""

    payment_id: PaymentId
    version: int
    began: Beginning
    standing: PaymentStanding

    @property
    def kind(self) -> PaymentKind:
        """What kind of payment it is."""
        return self.began.kind

    @property
    def legs(self) -> tuple[Leg, ...]:
        """The movements that were asked for."""
        return legs_of(self.began)


def legs_of(began: Beginning) -> tuple[Leg, ...]:
    """Return the movements of a payment, also of one that names its two wallets only."""
    if not isinstance(began, PaymentAuthorized) and began.legs is not None:
        return began.legs
    source, destination = began.source_wallet_id, began.destination_wallet_id
    assert source is not None, "a payment without legs names both wallets"
    assert destination is not None, "a payment without legs names both wallets"
    return (Leg(source, destination, began.amount, began.currency),)


def wallets_on(legs: Sequence[Leg]) -> tuple[WalletId, ...]:
    """Return all wallets of a payment: whatever happens to it happens under their locks."""
    return tuple(
        wallet for leg in legs for wallet in (leg.source_wallet_id, leg.destination_wallet_id)
    )


def standing_after(event: PaymentEvent) -> PaymentStanding:
    """Return how a payment stands after an event of its stream, whichever came before."""
    match event:
        case PaymentCompleted(standing=None):
            # Splits and exchanges are undone as a whole or not at all; so are refunds of refunds.
            refundable = event.amount if event.kind in {"transfer", "hold"} else 0
            return PaymentStanding(status="completed", amount=event.amount, refundable=refundable)
        case PaymentDeclined():
            return PaymentStanding(status="declined", amount=event.amount)
        case _:
            assert event.standing is not None, "only what is completed at once tells none"
            return event.standing


def settled(captured: int, refunded: int) -> PaymentStatus:
    """Return the status of a payment that has taken its money, by what was given back of it."""
    if refunded == 0:
        return "completed"
    return "refunded" if refunded == captured else "partially-refunded"


def payment_of(payment_id: PaymentId, first: Beginning, last: Event, version: int) -> Payment:
    """Return a payment from the first and the last event of its stream."""
    assert isinstance(last, PaymentEvent), "the stream of a payment has its own events only"
    return Payment(payment_id, version, first, standing_after(last))


def evolve(payment: Payment, event: PaymentEvent) -> Payment:
    """Return the payment after one more event of its stream."""
    return Payment(payment.payment_id, payment.version + 1, payment.began, standing_after(event))
