"""What the documentation of the reports shows as their answers."""

from typing import Any

WALLET_ID = "wal_4ZK7QX2M9T8B3C5D6E7F8G9H0J"
PAYMENT_ID = "pay_7XQ2M9T8B3C5D6E7F8G9H0J4ZK"
_COUNTERPARTY = "wal_1B2C3D4E5F6G7H8J9K0M1N2P3Q"
_AT = "2026-01-31T12:00:01.000000Z"

_MONTH = {
    "month": "2026-01",
    "currency": "EUR",
    "kind": "transfer",
    "count": 2,
    "volume": "112.34",
    "declined": 1,
}
_REASON = {
    "code": "insufficient-funds",
    "reason": "The wallet has not enough available.",
    "currency": "EUR",
    "kind": "transfer",
    "count": 1,
    "volume": "999.00",
    "first_on": "2026-01-31",
    "last_on": "2026-01-31",
}
_AGE = {
    "currency": "EUR",
    "age": "under-1-day",
    "count": 1,
    "held": "10.34",
    "oldest_at": _AT,
}
_CONCENTRATION = {
    "currency": "EUR",
    "wallets": 2,
    "total": "100.00",
    "share": "1.000000",
    "largest": [{"wallet_id": WALLET_ID, "posted": "87.66", "share": "0.876600"}],
}
_TOTAL = {
    "counterparty": _COUNTERPARTY,
    "currency": "EUR",
    "paid_count": 1,
    "paid": "12.34",
    "received_count": 0,
    "received": "0.00",
    "last_at": _AT,
}
_FLOW = {
    "month": "2026-01",
    "category": "groceries",
    "currency": "EUR",
    "received_count": 0,
    "received": "0.00",
    "paid_count": 1,
    "paid": "12.34",
}
_HISTORY = {
    "currency": "EUR",
    "opening_balance": "0.00",
    "movements": 1,
    "points": [{"at": _AT, "position": 5, "balance": "87.66"}],
}
_ACTION = {
    "position": 5,
    "recorded_at": _AT,
    "person": "usr_ada",
    "client_id": "web",
    "right": "member",
    "action": "transfer",
    "outcome": "accepted",
    "event_id": "evt_2M9T8B3C5D6E7F8G9H0J4ZK7XQ",
    "command_id": PAYMENT_ID,
    "wallet_id": WALLET_ID,
    "destination_wallet_id": _COUNTERPARTY,
    "payment_id": PAYMENT_ID,
}
_ACCESS = {
    "accessed_at": _AT,
    "person": "usr_auditor",
    "client_id": "cli",
    "route": "/v1/wallets/{wallet_id}/balance",
    "asked": {"wallet_id": WALLET_ID},
    "status": 200,
}


def _page(item: dict[str, Any]) -> dict[str, Any]:
    return {"items": [item], "next_cursor": None}


REPORTS: dict[str, dict[str, Any]] = {
    "Months": _page(_MONTH),
    "Declines": _page(_REASON),
    "HoldAges": _page(_AGE),
    "Concentrations": _page(_CONCENTRATION),
    "Counterparties": _page(_TOTAL),
    "CashFlow": _page(_FLOW),
    "BalanceHistory": _HISTORY,
    "Actions": _page(_ACTION),
    "Accesses": _page(_ACCESS),
}
"""An answer of each shape."""
