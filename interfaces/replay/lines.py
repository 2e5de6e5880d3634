"""What each event asks for in the read models that keep a row an event: entries and payments."""

from functools import lru_cache
from typing import Any, LiteralString

from interfaces.replay.stored import Moved, Paid, Stored, stamp
from interfaces.replay.wallets import Wallet

ENTRIES: LiteralString = """
SELECT position, wallet_id, version, amount, posted_after, held_after,
       timestamptz_send(recorded_at), timestamptz_send(effective_at), payment_id, counterparty,
       direction, currency, description
FROM entries WHERE position <= %s ORDER BY position"""
ENTRY_FIELDS = (
    *("position", "wallet_id", "version", "amount", "posted_after", "held_after"),
    *("recorded_at", "effective_at", "payment_id", "counterparty", "direction", "currency"),
    "description",
)
PAYMENTS: LiteralString = """
SELECT position, payment_id, amount, available, timestamptz_send(recorded_at),
       timestamptz_send(effective_at), source_wallet_id, destination_wallet_id, kind, status,
       currency, failure_code, description, reference, metadata
FROM payments WHERE position <= %s ORDER BY position"""
PAYMENT_FIELDS = (
    *("position", "payment_id", "amount", "available", "recorded_at", "effective_at"),
    *("source_wallet_id", "destination_wallet_id", "kind", "status", "currency"),
    *("failure_code", "description", "reference", "metadata"),
)
DIRECTIONS = {
    "wallet.credited.v1": "credit",
    "wallet.debited.v1": "debit",
    "wallet.hold_captured.v1": "debit",
}
_stamp = lru_cache(maxsize=4096)(stamp)


class Descriptions:
    """The descriptions of a command's payments, which stand before what they move."""

    def __init__(self) -> None:
        """Begin before any command."""
        self._known: dict[str, str | None] = {}

    def add(self, event: Stored, paid: Paid) -> None:
        """Remember a payment of the command; the first event of one forgets the last."""
        if event.place.index == 0:
            self._known.clear()
        self._known[event.name] = paid.description

    def of(self, payment: str) -> str | None:
        """Return the description of a payment of this command."""
        return self._known.get(payment)


def entry_of(
    event: Stored, moved: Moved, wallet: Wallet, description: str | None
) -> tuple[Any, ...]:
    """Return the entry that a movement asks for, with its wallet as it stands behind it."""
    return (
        event.position,
        event.name,
        event.version,
        moved.amount,
        wallet.posted,
        wallet.held,
        event.recorded,
        _stamp(moved.effective_at),
        moved.payment_id,
        moved.counterparty,
        DIRECTIONS.get(event.type),
        moved.currency,
        description,
    )


def payment_of(event: Stored, paid: Paid) -> tuple[Any, ...]:
    """Return the payment that its first event asks for."""
    declined = event.type == "payment.declined.v1"
    return (
        event.position,
        event.name,
        paid.amount,
        paid.available,
        event.recorded,
        _stamp(paid.effective_at),
        paid.source_wallet_id,
        paid.destination_wallet_id,
        paid.kind,
        "declined" if declined else "completed",
        paid.currency,
        paid.code,
        paid.description,
        paid.reference,
        paid.metadata,
    )
