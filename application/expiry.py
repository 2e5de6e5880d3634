"""What the ledger's own worker asks for when a payment has run out, the same whoever asks."""

from datetime import datetime
from hashlib import sha256
from uuid import uuid5

from application.commands import Submission
from domain.holds import ExpirePayment
from domain.identifiers import PaymentId, bits
from domain.instants import instant
from domain.wallets import Caller

WORKER = Caller("payments", "falconpay", operate=True, system=True)
"""Who the ledger's own worker is to the ledger."""


def expiry_of(payment_id: PaymentId, expires_at: datetime) -> Submission:
    """Return the command that ends a payment which has run out at that time.

    Its stream follows from the payment and the end, so that of any number of workers, now and
    later, one ends it and the others get its answer. A hold that was extended has another end.
    """
    name = f"expire {instant(expires_at)}"
    fingerprint = sha256(f"{name} {payment_id}".encode()).hexdigest()
    stream = uuid5(bits(payment_id), name)
    return Submission(ExpirePayment(payment_id), WORKER, stream, fingerprint)
