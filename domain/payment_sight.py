"""Who may know of a payment: its payer's side, and its payee's once it has been paid or held."""

from domain.payment_events import PaymentStanding
from domain.payment_state import Payment
from domain.payments import Known
from domain.refusals import PaymentNotFound
from domain.wallets import Caller, role_of


def untold(standing: PaymentStanding) -> bool:
    """Whether a payee knows nothing of a payment: declined, or not approved in time or so far."""
    waited = standing.status == "expired" and standing.ended_by is None
    return waited or standing.status in {"awaiting-approval", "declined"}


def require_payment_sight(payment: Payment, known: Known, caller: Caller) -> None:
    """Raise `PaymentNotFound` for whoever may not know of a payment."""
    if caller.operate:
        return
    for leg in payment.legs:
        if role_of(known[leg.source_wallet_id], caller) is not None:
            return
        told = not untold(payment.standing)
        if told and role_of(known[leg.destination_wallet_id], caller) is not None:
            return
    raise PaymentNotFound
