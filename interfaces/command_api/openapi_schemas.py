"""Schemas and examples of what commands answer."""

from typing import Any

Schema = dict[str, Any]

_WALLET_A = "wal_4ZK7QX2M9T8B3C5D6E7F8G9H0J"
_WALLET_B = "wal_1B2C3D4E5F6G7H8J9K0M1N2P3Q"
_TEXT: Schema = {"type": "string"}
_POSITION: Schema = {"type": "integer", "minimum": 1}
_INSTANT: Schema = {"type": "string", "format": "date-time"}
_MONEY: Schema = {"type": "string", "pattern": r"^-?(0|[1-9][0-9]*)(\.[0-9]+)?$"}

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
        "position": _POSITION,
        "results": {"type": "array", "items": {"$ref": "#/components/schemas/Result"}},
    },
}

WALLET: Schema = {
    "type": "object",
    "required": [
        "wallet_id",
        "name",
        "kind",
        "currency",
        "status",
        "overdraft_limit",
        "created_at",
        "position",
    ],
    "properties": {
        "wallet_id": _TEXT,
        "name": _TEXT,
        "kind": {"enum": ["personal", "shared", "system"]},
        "class": {"enum": ["asset", "liability", "equity", "income", "expense"]},
        "currency": _TEXT,
        "reference": _TEXT,
        "status": {"enum": ["open", "frozen", "closed"]},
        "overdraft_limit": _TEXT,
        "role": {"enum": ["owner", "spender", "viewer"]},
        "created_at": _INSTANT,
        "position": _POSITION,
    },
    "additionalProperties": False,
}

RESULTS: Schema = {
    "type": "object",
    "required": ["results"],
    "properties": {"results": {"type": "array", "items": {"$ref": "#/components/schemas/Result"}}},
}

RESULT: Schema = {
    "type": "object",
    "required": ["status", "body"],
    "properties": {
        "status": {"type": "integer"},
        "body": {
            "oneOf": [
                {"$ref": "#/components/schemas/Transfer"},
                {"$ref": "#/components/schemas/Problem"},
            ]
        },
    },
}

TRANSFER: Schema = {
    "type": "object",
    "description": "A payment; one that a dry run would complete has no id, time and position.",
    "required": [
        "kind",
        "status",
        "amount",
        "currency",
        "source_wallet_id",
        "destination_wallet_id",
    ],
    "properties": {
        "payment_id": _TEXT,
        "kind": {"enum": ["transfer"]},
        "status": {"enum": ["completed", "would-complete"]},
        "amount": _MONEY,
        "currency": _TEXT,
        "source_wallet_id": _TEXT,
        "destination_wallet_id": _TEXT,
        "description": _TEXT,
        "reference": _TEXT,
        "metadata": {"type": "object", "additionalProperties": _TEXT},
        "created_at": _INSTANT,
        "position": _POSITION,
    },
    "additionalProperties": False,
}

_SENT: Schema = {
    "source_wallet_id": _WALLET_A,
    "destination_wallet_id": _WALLET_B,
    "amount": "12.34",
    "currency": "EUR",
    "description": "Lunch",
}

EXAMPLES: Schema = {
    "OpenWalletBody": {"name": "Everyday", "currency": "EUR"},
    "ReasonBody": {"reason": "Card lost"},
    "TransferBody": _SENT,
    "BatchBody": {
        "mode": "atomic",
        "transfers": [{**_SENT, "idempotency_key": "salary-1"}],
    },
    "Wallet": {
        "wallet_id": _WALLET_A,
        "name": "Everyday",
        "kind": "personal",
        "currency": "EUR",
        "status": "open",
        "overdraft_limit": "0.00",
        "role": "owner",
        "created_at": "2026-01-31T12:00:00.000000Z",
        "position": 1,
    },
    "Transfer": {
        "payment_id": "pay_7XQ2M9T8B3C5D6E7F8G9H0J4ZK",
        "kind": "transfer",
        "status": "completed",
        **_SENT,
        "created_at": "2026-01-31T12:00:01.000000Z",
        "position": 5,
    },
}
