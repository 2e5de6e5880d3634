"""Schemas of what commands answer."""

from typing import Any

Schema = dict[str, Any]

REF = "#/components/schemas/"
_TEXT: Schema = {"type": "string"}
_POSITION: Schema = {"type": "integer", "minimum": 1}
_INSTANT: Schema = {"type": "string", "format": "date-time"}
_MONEY: Schema = {"type": "string", "pattern": r"^-?(0|[1-9][0-9]*)(\.[0-9]+)?$"}
_LIMIT: Schema = {"anyOf": [_MONEY, {"type": "null"}]}
_ROLE: Schema = {"enum": ["owner", "spender", "viewer"]}

SECURITY: Schema = {"token": {"type": "http", "scheme": "bearer", "bearerFormat": "at+jwt"}}

HEADERS: Schema = {
    "Ledger-Position": {
        "description": "The ledger's position after the command.",
        "schema": _POSITION,
    },
    "Idempotent-Replayed": {
        "description": "`true` where the answer is the one on record for the key.",
        "schema": {"type": "string", "enum": ["true"]},
    },
}


def _shape(required: tuple[str, ...], properties: Schema) -> Schema:
    """Return the schema of an object with these members and no others."""
    return {
        "type": "object",
        "required": list(required),
        "properties": properties,
        "additionalProperties": False,
    }


PROBLEM: Schema = {
    "type": "object",
    "description": "A problem after RFC 9457.",
    "required": ["type", "title", "status", "detail", "code"],
    "properties": {
        "type": {"type": "string", "format": "uri"},
        "title": _TEXT,
        "status": {"type": "integer"},
        "detail": _TEXT,
        "instance": _TEXT,
        "code": _TEXT,
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["detail"],
                "properties": {"detail": _TEXT, "pointer": _TEXT, "parameter": _TEXT},
            },
        },
        "available": _MONEY,
        "payment_id": _TEXT,
        "request_id": _TEXT,
        "position": _POSITION,
        "results": {"type": "array", "items": {"$ref": f"{REF}Result"}},
    },
}

WALLET: Schema = _shape(
    (
        *("wallet_id", "name", "kind", "currency", "status", "overdraft_limit"),
        *("created_at", "position"),
    ),
    {
        "wallet_id": _TEXT,
        "name": _TEXT,
        "kind": {"enum": ["personal", "shared", "system"]},
        "class": {"enum": ["asset", "liability", "equity", "income", "expense"]},
        "currency": _TEXT,
        "reference": _TEXT,
        "status": {"enum": ["open", "frozen", "closed"]},
        "overdraft_limit": _TEXT,
        "limits": {"$ref": f"{REF}Limits"},
        "approvals": {"$ref": f"{REF}Approvals"},
        "role": _ROLE,
        "created_at": _INSTANT,
        "position": _POSITION,
    },
)

LIMITS: Schema = {
    **_shape(("per_payment", "per_day"), {"per_payment": _LIMIT, "per_day": _LIMIT}),
    "description": "What may leave by one payment and on one day (UTC); null is no limit.",
}

APPROVALS: Schema = {
    **_shape(("required", "above"), {"required": {"type": "integer"}, "above": _MONEY}),
    "description": "How many other owners must approve a payment above the amount.",
}

MEMBER: Schema = _shape(
    ("wallet_id", "user_id", "role", "position"),
    {"wallet_id": _TEXT, "user_id": _TEXT, "role": _ROLE, "position": _POSITION},
)

RESULTS: Schema = {
    "type": "object",
    "description": "Each transfer's own result, in order.",
    "required": ["results"],
    "properties": {"results": {"type": "array", "items": {"$ref": f"{REF}Result"}}},
}

RESULT: Schema = {
    "type": "object",
    "required": ["status", "body"],
    "properties": {
        "status": {"type": "integer"},
        "body": {"oneOf": [{"$ref": f"{REF}Payment"}, {"$ref": f"{REF}Problem"}]},
    },
}

LEG: Schema = _shape(
    ("source_wallet_id", "destination_wallet_id", "amount", "currency"),
    {
        "source_wallet_id": _TEXT,
        "destination_wallet_id": _TEXT,
        "amount": _MONEY,
        "currency": _TEXT,
    },
)

PAYMENT: Schema = {
    **_shape(
        ("kind", "status", "amount", "currency"),
        {
            "payment_id": _TEXT,
            "kind": {"enum": ["transfer", "hold", "split", "exchange", "refund", "reversal"]},
            "status": {
                "enum": [
                    *("would-complete", "awaiting-approval", "authorized", "completed"),
                    *("declined", "cancelled", "expired", "partially-refunded", "refunded"),
                ]
            },
            "amount": _MONEY,
            "currency": _TEXT,
            "source_wallet_id": _TEXT,
            "destination_wallet_id": _TEXT,
            "legs": {"type": "array", "items": {"$ref": f"{REF}Leg"}},
            "original_payment_id": _TEXT,
            "captured": _MONEY,
            "left": {**_MONEY, "description": "What can still be captured."},
            "refunded": _MONEY,
            "refundable": _MONEY,
            "description": _TEXT,
            "reference": _TEXT,
            "metadata": {"type": "object", "additionalProperties": _TEXT},
            "created_at": _INSTANT,
            "position": _POSITION,
            "expires_at": _INSTANT,
        },
    ),
    "description": "A payment; one that a dry run would complete has no id, time and position.",
    # Either the two wallets of its one leg are named, or all its legs.
    "oneOf": [{"required": ["source_wallet_id", "destination_wallet_id"]}, {"required": ["legs"]}],
}

REQUEST: Schema = _shape(
    (
        *("request_id", "status", "reference", "wallet_id", "amount", "currency"),
        *("created_at", "expires_at", "position"),
    ),
    {
        "request_id": _TEXT,
        "status": {"enum": ["open", "declined", "cancelled"]},
        "reference": {**_TEXT, "description": "Short, to be read aloud; the id is in the code."},
        "wallet_id": _TEXT,
        "amount": _MONEY,
        "currency": _TEXT,
        "payer": _TEXT,
        "description": _TEXT,
        "qr_svg": {**_TEXT, "description": "The QR code of `falconpay:request/` and the id."},
        "created_at": _INSTANT,
        "expires_at": _INSTANT,
        "position": _POSITION,
    },
)

_DAY: Schema = {"type": "string", "format": "date"}

SCHEDULE: Schema = _shape(
    (
        *("schedule_id", "status", "next_on", "starts_on", "if_missed", "done", "transfer"),
        *("created_at", "position"),
    ),
    {
        "schedule_id": _TEXT,
        "status": {"enum": ["active", "paused", "ended", "deleted"]},
        "next_on": {
            "anyOf": [_DAY, {"type": "null"}],
            "description": "The occurrence that comes next; null where there is none.",
        },
        "retry_on": {**_DAY, "description": "When it is tried again for want of money."},
        "starts_on": _DAY,
        "recurrence": _TEXT,
        "until": _DAY,
        "count": {"type": "integer", "minimum": 1},
        "if_missed": {"enum": ["run", "skip"]},
        "done": {"type": "integer", "minimum": 0, "description": "Occurrences that are over."},
        "transfer": _shape(
            ("source_wallet_id", "destination_wallet_id", "amount", "currency"),
            {
                "source_wallet_id": _TEXT,
                "destination_wallet_id": _TEXT,
                "amount": _MONEY,
                "currency": _TEXT,
                "description": _TEXT,
                "reference": _TEXT,
                "metadata": {"type": "object", "additionalProperties": _TEXT},
                "effective_at": _INSTANT,
            },
        ),
        "created_at": _INSTANT,
        "position": _POSITION,
    },
)

PERIOD: Schema = _shape(
    ("operation_id", "through", "reason", "closed_at", "position"),
    {
        "operation_id": _TEXT,
        "through": {**_DAY, "description": "The last day (UTC) that is closed, included."},
        "reason": _TEXT,
        "closed_at": _INSTANT,
        "position": _POSITION,
    },
)

SCHEMAS: Schema = {
    "Wallet": WALLET,
    "Limits": LIMITS,
    "Approvals": APPROVALS,
    "Member": MEMBER,
    "PaymentRequest": REQUEST,
    "Schedule": SCHEDULE,
    "Payment": PAYMENT,
    "ClosedPeriod": PERIOD,
    "Leg": LEG,
    "Result": RESULT,
    "Results": RESULTS,
}
"""Each schema of an answer, by the name that the document gives it."""
