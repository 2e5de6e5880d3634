"""Payments: each payment as it stands now, whether it moved money or was declined."""

import json
from collections.abc import Sequence

from domain.events import PaymentCompleted, PaymentDeclined
from projections.contract import Applied, Cursor, Projection

ADD = """
    COPY payments (payment_id, position, amount, available, recorded_at, effective_at,
        source_wallet_id, destination_wallet_id, kind, status, currency, failure_code,
        description, reference, metadata) FROM STDIN"""


def apply(events: Sequence[Applied], cursor: Cursor) -> None:
    """Add a row for each payment that begins."""
    rows = [
        _row(applied, applied.event)
        for applied in events
        if isinstance(applied.event, PaymentCompleted | PaymentDeclined)
    ]
    if rows:
        with cursor.copy(ADD) as copy:
            for row in rows:
                copy.write_row(row)


def _row(applied: Applied, event: PaymentCompleted | PaymentDeclined) -> tuple[object, ...]:
    declined = event if isinstance(event, PaymentDeclined) else None
    return (
        applied.stream_id,
        applied.position,
        event.amount,
        declined and declined.available,
        applied.recorded_at,
        event.effective_at,
        event.source_wallet_id,
        event.destination_wallet_id,
        event.kind,
        "declined" if declined else "completed",
        event.currency,
        declined and declined.code,
        event.description,
        event.reference,
        None if event.metadata is None else json.dumps(event.metadata, ensure_ascii=False),
    )


PAYMENTS = Projection("payments", 1, ("payments",), apply)
