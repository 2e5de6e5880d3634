"""Payments: each payment as it stands now, its legs, and what it came to on the way."""

import json
from collections.abc import Sequence
from typing import Any

from domain.payment_events import (
    Leg,
    PaymentApprovalRequested,
    PaymentAuthorized,
    PaymentCompleted,
    PaymentDeclined,
    PaymentEvent,
    PaymentRejected,
    PaymentStanding,
)
from domain.payment_state import BEGINNINGS, Beginning, standing_after
from projections.contract import Applied, Cursor, Projection
from projections.rows import Row, Rows

BEGUN = Rows(
    "payments",
    {
        "bigint": "position amount available captured uncaptured refunded refundable",
        "timestamptz": "expires_at recorded_at effective_at",
        "text": "payment_id source_wallet_id destination_wallet_id kind status currency"
        " failure_code description reference original_payment_id requested_by",
        "text[]": "approved_by",
        "json": "metadata quorums",
    },
)
LEGS = Rows(
    "payment_legs",
    {
        "integer": "leg",
        "bigint": "position amount",
        "text": "payment_id source_wallet_id destination_wallet_id currency",
    },
)
STEPS = Rows(
    "payment_steps",
    {
        "bigint": "position amount",
        "timestamptz": "recorded_at effective_at",
        "text": "payment_id status",
    },
)
GO_ON = """
    UPDATE payments SET began_as = coalesce(began_as, status), status = %s, amount = %s,
        captured = %s, uncaptured = %s, refunded = %s, refundable = %s, expires_at = %s,
        approved_by = CASE WHEN quorums IS NULL THEN NULL ELSE %s::text[] END, failure_code = %s
    WHERE payment_id = %s"""


def apply(events: Sequence[Applied], cursor: Cursor) -> None:
    """Add a row for each payment that begins, then follow those that go on."""
    begun: list[Row] = []
    legs: list[Row] = []
    steps: list[Row] = []
    went_on: dict[str, Row] = {}
    for applied in events:
        event = applied.event
        if not isinstance(event, PaymentEvent):
            continue
        if applied.version == 1:
            assert isinstance(event, BEGINNINGS), "no other event begins a payment"
            begun.append(_begun(applied, event))
            legs += _legs(applied, event)
        else:
            steps.append(_step(applied, event))
            went_on[applied.stream_id] = _standing(applied, event)
    BEGUN.add(cursor, begun)
    LEGS.add(cursor, legs)
    STEPS.add(cursor, steps)
    if went_on:
        cursor.executemany(GO_ON, list(went_on.values()))


def _begun(applied: Applied, event: Beginning) -> Row:
    declined = event if isinstance(event, PaymentDeclined) else None
    asked = event if isinstance(event, PaymentApprovalRequested) else None
    original = event.original_payment_id if isinstance(event, _FINAL) else None
    standing = standing_after(event)
    return (
        applied.position,
        event.amount,
        declined and declined.available,
        *_amounts(standing),
        applied.recorded_at,
        event.effective_at or applied.recorded_at,
        applied.stream_id,
        event.source_wallet_id,
        event.destination_wallet_id,
        event.kind,
        standing.status,
        event.currency,
        declined and declined.code,
        event.description,
        event.reference,
        original,
        asked and asked.requested_by,
        asked and list(standing.approved_by),
        None if event.metadata is None else json.dumps(event.metadata, ensure_ascii=False),
        asked and json.dumps({each.wallet_id: each.required for each in asked.quorums}),
    )


_FINAL = (PaymentCompleted, PaymentDeclined)


def _amounts(standing: PaymentStanding) -> Row:
    return (
        standing.captured,
        standing.left,
        standing.refunded,
        standing.refundable,
        standing.expires_at,
    )


def _legs(applied: Applied, event: Beginning) -> list[Row]:
    found: tuple[Leg, ...] = () if isinstance(event, PaymentAuthorized) else event.legs or ()
    return [
        (
            number,
            applied.position,
            leg.amount,
            applied.stream_id,
            leg.source_wallet_id,
            leg.destination_wallet_id,
            leg.currency,
        )
        for number, leg in enumerate(found)
    ]


def _step(applied: Applied, event: PaymentEvent) -> Row:
    amount: Any = getattr(event, "amount", None)
    effective_at: Any = getattr(event, "effective_at", None)
    return (
        applied.position,
        amount,
        applied.recorded_at,
        effective_at or applied.recorded_at,
        applied.stream_id,
        standing_after(event).status,
    )


def _standing(applied: Applied, event: PaymentEvent) -> Row:
    standing = standing_after(event)
    return (
        standing.status,
        standing.amount,
        *_amounts(standing),
        list(standing.approved_by),
        "approval-rejected" if isinstance(event, PaymentRejected) else None,
        applied.stream_id,
    )


PAYMENTS = Projection("payments", 2, ("payments", "payment_legs", "payment_steps"), apply)
