"""Examples of what is sent to commands and of what they answer."""

from typing import Any

from interfaces.command_api.follow_ups import HOLD, PAYMENT, REQUEST, SCHEDULE, WALLET
from interfaces.command_api.parsing import (
    CLOSED_PERIODS,
    EXCHANGES,
    HOLDS,
    PAYMENT_REQUESTS,
    PAYMENTS,
    SCHEDULES,
    TRANSFERS,
    WALLETS,
)

Example = dict[str, Any]

_WALLET_A = "wal_4ZK7QX2M9T8B3C5D6E7F8G9H0J"
_WALLET_B = "wal_1B2C3D4E5F6G7H8J9K0M1N2P3Q"
_WALLET_C = "wal_2C3D4E5F6G7H8J9K0M1N2P3Q4R"
_WALLET_D = "wal_3D4E5F6G7H8J9K0M1N2P3Q4R5S"
_PAYMENT = "pay_7XQ2M9T8B3C5D6E7F8G9H0J4ZK"
_REFUND = "pay_6WP1N8S7A2B4C5D6E7F8G9H3YJ"
_REQUEST = "prq_5VN0M7R6Z1A3B4C5D6E7F8G2XH"
_SCHEDULE = "sch_5VN0M7R6Z1A3B4C5D6E7F8G2XH"
_USER = "usr_5VN0M7R6Z1A3B4C5D6E7F8G2XH"
_NOON = "2026-01-31T12:00:00.000000Z"
_A_WEEK_LATER = "2026-02-07T12:00:00.000000Z"

PATH_PARAMETERS: Example = {
    "wallet_id": {"schema": {"type": "string"}, "example": _WALLET_A},
    "payment_id": {"schema": {"type": "string"}, "example": _PAYMENT},
    "request_id": {"schema": {"type": "string"}, "example": _REQUEST},
    "schedule_id": {"schema": {"type": "string"}, "example": _SCHEDULE},
    "user_id": {"schema": {"type": "string"}, "example": _USER},
}
"""What is said of each parameter in a path; one that is malformed is not found."""

_WALLETS: Example = {"source_wallet_id": _WALLET_A, "destination_wallet_id": _WALLET_B}
_SENT: Example = {**_WALLETS, "amount": "12.34", "currency": "EUR", "description": "Lunch"}
_ROOM: Example = {**_WALLETS, "amount": "300.00", "currency": "EUR", "description": "Room 7"}
_SHARED: Example = {"source_wallet_id": _WALLET_A, "amount": "100.00", "currency": "EUR"}
_ASKED: Example = {
    "wallet_id": _WALLET_B,
    "amount": "12.34",
    "currency": "EUR",
    "payer": _USER,
    "description": "Lunch",
}
_RENT: Example = {**_WALLETS, "amount": "950.00", "currency": "EUR", "description": "Rent"}
_MONTHLY: Example = {"starts_on": "2026-02-01", "recurrence": "FREQ=MONTHLY;BYMONTHDAY=1"}
_EXCHANGED: Example = {**_WALLETS, "amount": "100.00"}

BODIES: Example = {
    "OpenWalletBody": {"name": "Everyday", "currency": "EUR"},
    "ReasonBody": {"reason": "Card lost"},
    "TransferBody": _SENT,
    "BatchBody": {
        "mode": "atomic",
        "transfers": [{**_SENT, "idempotency_key": "salary-1"}],
    },
    "HoldBody": {**_ROOM, "expires_in": 604800},
    "CaptureBody": {"amount": "250.00", "final": False},
    "NothingBody": {},
    "IncreaseBody": {"amount": "50.00", "expires_in": 604800},
    "RefundBody": {"amount": "40.00", "reason": "No breakfast"},
    "DecisionBody": {"reason": "As agreed"},
    "PaymentBody": {
        **_SHARED,
        "shares": [
            {"destination_wallet_id": _WALLET_B, "parts_per_million": 333333},
            {"destination_wallet_id": _WALLET_C, "remainder": True},
        ],
        "fees": [{"wallet_id": _WALLET_D, "amount": "0.50"}],
    },
    "ExchangeBody": {
        **_EXCHANGED,
        "rate": {"numerator": "10851", "denominator": "10000"},
        "through": [_WALLET_C, _WALLET_D],
    },
    "ClosePeriodBody": {"through": "2025-12-31", "reason": "Annual accounts"},
    "PaymentRequestBody": {**_ASKED, "expires_in": 604800},
    "ScheduleBody": {"transfer": _RENT, **_MONTHLY, "count": 12, "if_missed": "run"},
    "AcceptBody": {"source_wallet_id": _WALLET_A},
    "MemberBody": {"user_id": _USER, "role": "spender"},
    "LimitsBody": {"per_payment": "500.00", "per_day": None},
    "OverdraftBody": {"overdraft_limit": "100.00", "reason": "Credit line"},
    "ApprovalsBody": {"required": 1, "above": "1000.00"},
}
"""What is sent, by the name of its model."""


def _payment(kind: str, status: str, position: int, **fields: Any) -> Example:
    told = {"payment_id": _PAYMENT, "kind": kind, "status": status, **fields}
    return {**told, "created_at": _NOON, "position": position}


def _hold(status: str, position: int, *amounts: str, **fields: Any) -> Example:
    """Return a hold; the amounts are what is captured, left, refunded and refundable of it."""
    names = ("captured", "left", "refunded", "refundable")
    return _payment(
        "hold", status, position, **{**_ROOM, **dict(zip(names, amounts, strict=True)), **fields}
    )


def _leg(payer: str, payee: str, amount: str, currency: str) -> Example:
    return {
        "source_wallet_id": payer,
        "destination_wallet_id": payee,
        "amount": amount,
        "currency": currency,
    }


_WALLET: Example = {
    "wallet_id": _WALLET_A,
    "name": "Everyday",
    "kind": "personal",
    "currency": "EUR",
    "status": "open",
    "overdraft_limit": "0.00",
    "role": "owner",
    "created_at": _NOON,
}
_SHARED_WALLET: Example = {**_WALLET, "name": "Household", "kind": "shared"}
_TRANSFER = _payment("transfer", "completed", 5, **_SENT)
_BACK: Example = {
    "source_wallet_id": _WALLET_B,
    "destination_wallet_id": _WALLET_A,
    "currency": "EUR",
}
_UNDOING: Example = {"payment_id": _REFUND, "original_payment_id": _PAYMENT}
_LARGE: Example = {**_SENT, "amount": "1500.00", "description": "New oven"}

_REFERENCE = f"{_REQUEST[-8:-4]}-{_REQUEST[-4:]}"
_QR_SVG = "<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 41 41'>...</svg>"


def _request(status: str, position: int, **fields: Any) -> Example:
    told = {"request_id": _REQUEST, "status": status, "reference": _REFERENCE, **_ASKED, **fields}
    return {**told, "created_at": _NOON, "expires_at": _A_WEEK_LATER, "position": position}


def _schedule(status: str, next_on: str | None, position: int) -> Example:
    told = {"schedule_id": _SCHEDULE, "status": status, "next_on": next_on, **_MONTHLY}
    told |= {"count": 12, "if_missed": "run", "done": 0, "transfer": _RENT}
    return {**told, "created_at": _NOON, "position": position}


ANSWERS: Example = {
    WALLETS: {**_WALLET, "position": 1},
    TRANSFERS: _TRANSFER,
    f"{TRANSFERS}/batch": {"results": [{"status": 201, "body": _TRANSFER}]},
    HOLDS: _hold("authorized", 7, "0.00", "300.00", "0.00", "0.00", expires_at=_A_WEEK_LATER),
    PAYMENTS: _payment(
        *("split", "completed", 19),
        amount="100.50",
        currency="EUR",
        legs=[
            _leg(_WALLET_A, _WALLET_B, "33.33", "EUR"),
            _leg(_WALLET_A, _WALLET_C, "66.67", "EUR"),
            _leg(_WALLET_A, _WALLET_D, "0.50", "EUR"),
        ],
    ),
    EXCHANGES: _payment(
        *("exchange", "completed", 24),
        amount="100.00",
        currency="EUR",
        legs=[
            _leg(_WALLET_A, _WALLET_C, "100.00", "EUR"),
            _leg(_WALLET_D, _WALLET_B, "108.51", "USD"),
        ],
    ),
    f"{HOLD}/capture": _hold(
        *("authorized", 11, "250.00", "50.00", "0.00", "250.00"), expires_at=_A_WEEK_LATER
    ),
    f"{HOLD}/release": _hold("cancelled", 10, "0.00", "0.00", "0.00", "0.00"),
    f"{HOLD}/increase": _hold(
        *("authorized", 10, "0.00", "350.00", "0.00", "0.00"),
        amount="350.00",
        expires_at=_A_WEEK_LATER,
    ),
    f"{PAYMENT}/refund": {
        **_payment("refund", "completed", 16, **_BACK, amount="40.00", description="No breakfast"),
        **_UNDOING,
    },
    f"{PAYMENT}/reverse": {
        **_payment("reversal", "completed", 16, **_BACK, amount="12.34", description="Card lost"),
        **_UNDOING,
    },
    f"{PAYMENT}/approve": _payment("transfer", "completed", 30, **_LARGE),
    f"{PAYMENT}/reject": _payment("transfer", "declined", 28, **_LARGE),
    PAYMENT_REQUESTS: _request("open", 5, qr_svg=_QR_SVG),
    f"{REQUEST}/accept": _payment("transfer", "completed", 9, **_SENT, reference=_REFERENCE),
    f"{REQUEST}/decline": _request("declined", 7),
    f"{REQUEST}/cancel": _request("cancelled", 7),
    SCHEDULES: _schedule("active", "2026-02-01", 5),
    f"{SCHEDULE}/pause": _schedule("paused", "2026-02-01", 7),
    f"{SCHEDULE}/resume": _schedule("active", "2026-02-01", 9),
    SCHEDULE: _schedule("deleted", None, 11),
    CLOSED_PERIODS: {
        "operation_id": "opr_5VN0M7R6Z1A3B4C5D6E7F8G2XH",
        "through": "2025-12-31",
        "reason": "Annual accounts",
        "closed_at": _NOON,
        "position": 31,
    },
    f"{WALLET}/freeze": {**_WALLET, "status": "frozen", "position": 8},
    f"{WALLET}/unfreeze": {**_WALLET, "position": 10},
    f"{WALLET}/close": {**_WALLET, "status": "closed", "position": 12},
    f"{WALLET}/members": {
        "wallet_id": _WALLET_A,
        "user_id": _USER,
        "role": "spender",
        "position": 14,
    },
    f"{WALLET}/members/{{user_id}}": {**_SHARED_WALLET, "position": 16},
    f"{WALLET}/limits": {
        **_WALLET,
        "limits": {"per_payment": "500.00", "per_day": None},
        "position": 18,
    },
    f"{WALLET}/overdraft": {**_WALLET, "overdraft_limit": "100.00", "position": 20},
    f"{WALLET}/approvals": {
        **_SHARED_WALLET,
        "approvals": {"required": 1, "above": "1000.00"},
        "position": 22,
    },
}
"""What is answered when it is done, by the route's path."""
