"""How streams are named: rules of the contract that hold for ever, written down a second time."""

import json
from base64 import b32encode
from uuid import UUID, uuid5

NAMESPACE = UUID("6f3a1d0e-7b52-5c0f-9d1e-0a5b8c4e2f71")
DIGITS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
CROCKFORD = str.maketrans("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", DIGITS)
PREFIXES = {
    "wallet": "wal",
    "payment": "pay",
    "request": "req",
    "schedule": "sch",
    "operation": "opr",
}

OPERATIONS = (
    *("operation.token_signed.v1", "operation.key_rotated.v1", "operation.file_imported.v1"),
    *("operation.book_exported.v1", "operation.topic_trimmed.v1", "operation.events_moved.v1"),
    *("operation.backup_made.v1", "operation.read_model_rebuilt.v1"),
    "operation.settings_changed.v1",
)
"""What is done to the ledger by hand: each is a command of its own, and moves nothing."""

PERIOD_CLOSED = "operation.period_closed.v1"
"""What an operator asks for by a key, as clients ask for payments."""


def identifier(prefix: str, stream: UUID) -> str:
    """Return 128 bits as a prefix and 26 characters of Crockford's base 32."""
    # Two zero bits in front make 130 bits, which are 26 characters of five.
    digits = b32encode((stream.int << 30).to_bytes(20, "big")).decode()[:26]
    return f"{prefix}_{digits.translate(CROCKFORD)}"


def stream_of(name: str) -> UUID:
    """Return the 128 bits of an identifier."""
    number = 0
    for digit in name.partition("_")[2]:
        number = number * 32 + DIGITS.index(digit)
    return UUID(int=number)


def expiry(payment: str, expires_at: str | None) -> UUID:
    """Return the stream of the command that ends a payment at its time."""
    return uuid5(stream_of(payment), f"expire {expires_at}")


def run(schedule: str, on: str, attempt: int) -> UUID:
    """Return the stream of the command that tries an occurrence."""
    return uuid5(stream_of(schedule), f"run {on} {attempt}")


def occurrence(schedule: str, on: str) -> str:
    """Return the payment of an occurrence: one, however often it is tried."""
    return identifier("pay", uuid5(stream_of(schedule), f"pay {on}"))


class Keys:
    """Which stream a caller's key begins."""

    def __init__(self, subject: str, ledger: str = "main", issuer: str = "falconpay") -> None:
        """Take whose keys they are."""
        self._ledger, self._issuer = ledger, issuer
        name = json.dumps([ledger, issuer, subject], separators=(",", ":"))
        self._namespace = uuid5(NAMESPACE, name)

    def of(self, subject: str | None) -> "Keys":
        """Return the keys of another subject at the same ledger; of nobody, these."""
        return self if subject is None else Keys(subject, self._ledger, self._issuer)

    def stream(self, key: str) -> UUID:
        """Return the stream."""
        return uuid5(self._namespace, key)
