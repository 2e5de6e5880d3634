"""What each event asks for in the read models that keep a row an event: entries and payments."""

from functools import lru_cache
from typing import Any, LiteralString

from interfaces.replay.stored import Moved, Paid, Standing, Stored, WentOn, stamp
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
       currency, failure_code, description, reference, metadata, began_as, captured, uncaptured,
       refunded, refundable, timestamptz_send(expires_at), original_payment_id, requested_by,
       approved_by, quorums
FROM payments WHERE position <= %s ORDER BY position"""
PAYMENT_FIELDS = (
    *("position", "payment_id", "amount", "available", "recorded_at", "effective_at"),
    *("source_wallet_id", "destination_wallet_id", "kind", "status", "currency"),
    *("failure_code", "description", "reference", "metadata", "began_as", "captured"),
    *("uncaptured", "refunded", "refundable", "expires_at", "original_payment_id"),
    *("requested_by", "approved_by", "quorums"),
)
PAYMENT_CHANGES = (
    *("amount", "status", "failure_code", "began_as", "captured", "uncaptured", "refunded"),
    *("refundable", "expires_at", "approved_by"),
)
"""What the last event of a payment tells, and not the first one."""
LEGS: LiteralString = """
SELECT position, payment_id, leg, amount, source_wallet_id, destination_wallet_id, currency
FROM payment_legs WHERE position <= %s ORDER BY position, leg"""
LEG_FIELDS = (
    *("position", "payment_id", "leg", "amount", "source_wallet_id"),
    *("destination_wallet_id", "currency"),
)
STEPS: LiteralString = """
SELECT position, payment_id, status, amount, timestamptz_send(recorded_at),
       timestamptz_send(effective_at)
FROM payment_steps WHERE position <= %s ORDER BY position"""
STEP_FIELDS = ("position", "payment_id", "status", "amount", "recorded_at", "effective_at")
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
        self._command = ""
        self._known: dict[str, str | None] = {}

    def add(self, event: Stored, facts: Paid | WentOn) -> None:
        """Remember a payment of the command; the first of another one forgets the last."""
        if event.place.command_id != self._command:
            self._command = event.place.command_id
            self._known.clear()
        if isinstance(facts, Paid) or event.type == "payment.captured.v1":
            self._known[event.name] = facts.description

    def of(self, event: Stored, payment: str) -> str | None:
        """Return the description of a payment, if the command that an event is of tells it."""
        return self._known.get(payment) if event.place.command_id == self._command else None


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
        _stamp(moved.effective_at) or event.recorded,
        moved.payment_id,
        moved.counterparty,
        DIRECTIONS.get(event.type),
        moved.currency,
        description,
    )


def payment_of(event: Stored, paid: Paid, last: Stored | None) -> tuple[Any, ...]:
    """Return the payment that its first event asks for, and the last one where there is another."""
    began = standing_of(event)
    standing = began if last is None else standing_of(last)
    rejected = last is not None and last.type == "payment.rejected.v1"
    return (
        event.position,
        event.name,
        standing.amount,
        paid.available,
        event.recorded,
        _stamp(paid.effective_at) or event.recorded,
        paid.source_wallet_id,
        paid.destination_wallet_id,
        paid.kind,
        standing.status,
        paid.currency,
        "approval-rejected" if rejected else paid.code,
        paid.description,
        paid.reference,
        paid.metadata,
        None if last is None else began.status,
        standing.captured,
        standing.left,
        standing.refunded,
        standing.refundable,
        _stamp(standing.expires_at),
        paid.original_payment_id,
        paid.requested_by,
        None if paid.quorums is None else list(standing.approved_by),
        None
        if paid.quorums is None
        else {quorum.wallet_id: quorum.required for quorum in paid.quorums},
    )


def standing_of(event: Stored) -> Standing:
    """Return how a payment stands after an event, by the event alone."""
    facts = event.facts
    assert isinstance(facts, Paid | WentOn), "payments have these shapes"
    if facts.standing is not None:
        return facts.standing
    assert isinstance(facts, Paid), "what goes on tells how it stands"
    done = event.type == "payment.completed.v1"
    refundable = facts.amount if done and facts.kind in {"transfer", "hold"} else 0
    status = "completed" if done else "declined"
    return Standing(status=status, amount=facts.amount, refundable=refundable)


def legs_of(event: Stored, paid: Paid) -> list[tuple[Any, ...]]:
    """Return the legs that a payment with many asks for."""
    return [
        (
            event.position,
            event.name,
            number,
            leg.amount,
            leg.source_wallet_id,
            leg.destination_wallet_id,
            leg.currency,
        )
        for number, leg in enumerate(paid.legs or ())
    ]


def step_of(event: Stored, facts: Paid | WentOn) -> tuple[Any, ...]:
    """Return the step that a later event of a payment asks for."""
    return (
        event.position,
        event.name,
        standing_of(event).status,
        facts.amount,
        event.recorded,
        _stamp(facts.effective_at) or event.recorded,
    )
