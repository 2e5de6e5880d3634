"""Who may know of a payment: its payer's side, and its payee's once it has been paid or held."""

from domain.payment_state import Payment
from domain.payments import Known
from domain.refusals import PaymentNotFound
from domain.wallets import Caller, role_of

UNTOLD = frozenset({"awaiting-approval", "declined"})
"""As long as a payment stands so, its payee does not know of it."""


def require_payment_sight(payment: Payment, known: Known, caller: Caller) -> None:
    """Raise `PaymentNotFound` for whoever may not know of a payment."""
    if caller.operate:
        return
    for leg in payment.legs:
        if role_of(known[leg.source_wallet_id], caller) is not None:
            return
        told = payment.standing.status not in UNTOLD
        if told and role_of(known[leg.destination_wallet_id], caller) is not None:
            return
    raise PaymentNotFound
