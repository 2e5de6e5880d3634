"""What payment requests look like as they are stored, and what they ask for in the read model."""

from collections.abc import Mapping
from typing import Any, Final, LiteralString

import msgspec

from interfaces.replay.times import Time

REQUESTS: LiteralString = """
SELECT position, request_id, amount, timestamptz_send(recorded_at), timestamptz_send(expires_at),
       wallet_id, requested_by, payer, currency, status, payment_id, ended_by, description
FROM payment_requests WHERE position <= %s ORDER BY position"""
REQUEST_FIELDS = (
    *("position", "request_id", "amount", "recorded_at", "expires_at", "wallet_id"),
    *("requested_by", "payer", "currency", "status", "payment_id", "ended_by", "description"),
)


class RequestStanding(msgspec.Struct):
    """How a request stands after an event."""

    status: str
    payment_id: str | None
    by: str | None


class Requested(msgspec.Struct):
    """A request as its first event tells it; the amount in minor units."""

    wallet_id: str
    amount: int
    currency: str
    requested_by: str
    payer: str | None
    description: str | None
    expires_at: Time
    standing: RequestStanding


class RequestEnded(msgspec.Struct):
    """What came of a request."""

    standing: RequestStanding


Facts = Requested | RequestEnded
SHAPES: Final[Mapping[str, type[Facts]]] = {
    "payment_request.created.v1": Requested,
    "payment_request.accepted.v1": RequestEnded,
    "payment_request.declined.v1": RequestEnded,
    "payment_request.cancelled.v1": RequestEnded,
}


def request_of(
    position: int,
    name: str,
    recorded: bytes,
    requested: Requested,
    expires: bytes | None,
    standing: RequestStanding,
) -> tuple[Any, ...]:
    """Return the row that a request asks for, as it stands after its last event."""
    return (
        position,
        name,
        requested.amount,
        recorded,
        expires,
        requested.wallet_id,
        requested.requested_by,
        requested.payer,
        requested.currency,
        standing.status,
        standing.payment_id,
        standing.by,
        requested.description,
    )
