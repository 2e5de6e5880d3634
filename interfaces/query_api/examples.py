"""What the documentation of the queries shows as their answers."""

from typing import Any

from interfaces.query_api.report_examples import REPORTS

WALLET_ID = "wal_4ZK7QX2M9T8B3C5D6E7F8G9H0J"
PAYMENT_ID = "pay_7XQ2M9T8B3C5D6E7F8G9H0J4ZK"
REQUEST_ID = "prq_5VN0M7R6Z1A3B4C5D6E7F8G2XH"
SCHEDULE_ID = "sch_5VN0M7R6Z1A3B4C5D6E7F8G2XH"
_COUNTERPARTY = "wal_1B2C3D4E5F6G7H8J9K0M1N2P3Q"
_EVENT_ID = "evt_2M9T8B3C5D6E7F8G9H0J4ZK7XQ"
_OPENED = "2026-01-31T12:00:00.000000Z"
_PAID = "2026-01-31T12:00:01.000000Z"

_WALLET = {
    "wallet_id": WALLET_ID,
    "name": "Everyday",
    "kind": "personal",
    "currency": "EUR",
    "status": "open",
    "overdraft_limit": "0.00",
    "role": "owner",
    "created_at": _OPENED,
    "posted": "87.66",
    "held": "0.00",
    "available": "87.66",
}
_BALANCE = {
    "posted": "87.66",
    "held": "0.00",
    "available": "87.66",
    "currency": "EUR",
    "position": 7,
}
_ENTRY = {
    "entry_id": _EVENT_ID,
    "payment_id": PAYMENT_ID,
    "direction": "debit",
    "amount": "12.34",
    "currency": "EUR",
    "balance_after": "87.66",
    "description": "Lunch",
    "counterparty": _COUNTERPARTY,
    "recorded_at": _PAID,
    "effective_at": _PAID,
    "position": 6,
}
_PERIOD = {
    "operation_id": "opr_5VN0M7R6Z1A3B4C5D6E7F8G2XH",
    "through": "2025-12-31",
    "reason": "Annual accounts",
    "closed_by": "usr_5VN0M7R6Z1A3B4C5D6E7F8G2XH",
    "closed_at": _OPENED,
    "position": 31,
}
_STATEMENT = {
    "wallet_id": WALLET_ID,
    "currency": "EUR",
    "from": "2026-01-01",
    "to": "2026-01-31",
    "opening_balance": "100.00",
    "entries": [_ENTRY],
    "closing_balance": "87.66",
}
_LEG = {
    "source_wallet_id": WALLET_ID,
    "destination_wallet_id": _COUNTERPARTY,
    "amount": "12.34",
    "currency": "EUR",
}
_PAYMENT = {
    "payment_id": PAYMENT_ID,
    "kind": "transfer",
    "status": "completed",
    **_LEG,
    "refunded": "0.00",
    "refundable": "12.34",
    "description": "Lunch",
    "created_at": _PAID,
}
_HOLD = {
    "payment_id": PAYMENT_ID,
    "kind": "hold",
    "status": "authorized",
    **_LEG,
    "captured": "2.00",
    "left": "10.34",
    "refunded": "0.00",
    "refundable": "2.00",
    "description": "Room 7",
    "reference": "B-1234",
    "created_at": _PAID,
    "expires_at": "2026-02-07T12:00:01.000000Z",
}
_WAITING = {
    "payment_id": PAYMENT_ID,
    "kind": "transfer",
    "status": "awaiting-approval",
    **_LEG,
    "description": "Sofa",
    "approval": {"requested_by": "usr_dan", "approved_by": ["usr_ben"], "required": 2},
    "created_at": _PAID,
    "expires_at": "2026-02-07T12:00:01.000000Z",
}
_STEP = {"status": "completed", "recorded_at": _PAID, "effective_at": _PAID, "position": 5}
_REQUEST = {
    "request_id": REQUEST_ID,
    "status": "open",
    "reference": f"{REQUEST_ID[-8:-4]}-{REQUEST_ID[-4:]}",
    "wallet_id": WALLET_ID,
    "amount": "12.34",
    "currency": "EUR",
    "description": "Lunch",
    "created_at": _OPENED,
    "expires_at": "2026-02-07T12:00:00.000000Z",
}
_SCHEDULE = {
    "schedule_id": SCHEDULE_ID,
    "status": "active",
    "next_on": "2026-03-01",
    "starts_on": "2026-02-01",
    "recurrence": "FREQ=MONTHLY;BYMONTHDAY=1",
    "count": 12,
    "if_missed": "run",
    "done": 1,
    "transfer": {**_LEG, "description": "Rent"},
    "created_at": _OPENED,
}
_OCCURRENCE = {
    "on": "2026-02-01",
    "attempt": 1,
    "outcome": "run",
    "payment_id": PAYMENT_ID,
    "recorded_at": "2026-02-01T00:00:01.000000Z",
    "position": 12,
}
_TOTAL = {
    "currency": "EUR",
    "wallets": 3,
    "debits": "100.00",
    "credits": "100.00",
    "sum": "0.00",
}
_DAY = {
    "date": "2026-01-31",
    "currency": "EUR",
    "kind": "transfer",
    "count": 2,
    "volume": "112.34",
    "declined": 0,
}
_EVENT = {
    "position": 6,
    "event_id": _EVENT_ID,
    "stream_id": WALLET_ID,
    "version": 3,
    "type": "wallet.debited.v1",
    "recorded_at": _PAID,
    "data": {
        "payment_id": PAYMENT_ID,
        "amount": 1234,
        "currency": "EUR",
        "counterparty": _COUNTERPARTY,
        "effective_at": _PAID,
    },
    "metadata": {"command_id": PAYMENT_ID, "index": 1, "count": 3},
    "leaf_hash": "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=",
}
_PROJECTION = {
    "name": "balances",
    "version": 1,
    "position": 7,
    "lag_events": 0,
    "lag_seconds": 0.0,
    "state": "following",
}


_SEAL = {
    "size": 7,
    "root": "5M2sjPmWblq1YyTnWA3a4vY3I0bNG3Iy6ZB0b5PGAC0=",
    "checkpoint": "falconpay/main\n7\n5M2sjPmWblq1YyTnWA3a4vY3I0bNG3Iy6ZB0b5PGAC0=\n\n"
    "\u2014 falconpay/main 3nyy1Q...\n",
    "sealed_at": "2026-01-31T12:00:10.000000Z",
}
_VKEY = "falconpay/main+de7cb2d5+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
_PROVEN = {"position": 5, "entry": "eyJkYXRhIjoi...", "proof": [_EVENT["leaf_hash"]]}


def _page(item: dict[str, Any]) -> dict[str, Any]:
    return {"items": [item], "next_cursor": None}


ANSWERS: dict[str, dict[str, Any]] = {
    "Wallet": _WALLET,
    "Wallets": _page(_WALLET),
    "Balance": _BALANCE,
    "Entries": _page(_ENTRY),
    "WalletStatement": _STATEMENT,
    "Payments": _page(_PAYMENT),
    "Holds": _page(_HOLD),
    "WaitingPayments": _page(_WAITING),
    "PaymentWithHistory": {**_PAYMENT, "legs": [_LEG], "timeline": [_STEP]},
    "PaymentRequests": _page(_REQUEST),
    "PaymentRequestWithCode": {**_REQUEST, "qr_svg": "<svg>...</svg>"},
    "Schedules": _page(_SCHEDULE),
    "ScheduleWithHistory": {**_SCHEDULE, "occurrences": [_OCCURRENCE]},
    "TrialBalance": {"items": [_TOTAL], "position": 7},
    "Days": _page(_DAY),
    "StoredEvents": _page(_EVENT),
    "Projections": _page(_PROJECTION),
    **REPORTS,
    "Periods": _page(_PERIOD),
    "Seals": _page(_SEAL),
    "LatestSeal": _SEAL,
    "SealKey": {"vkey": _VKEY},
    "SealKeys": {"items": [{"vkey": _VKEY, "from_size": 3, "to_size": None}]},
    "ConsistencyProof": {"proof": [_EVENT["leaf_hash"]]},
    "PaymentProof": {
        "payment_id": PAYMENT_ID,
        "checkpoint": _SEAL["checkpoint"],
        "vkey": _VKEY,
        "events": [_PROVEN],
    },
}
"""An answer of each shape."""
