"""The event table folded by nothing but the contract's list of event types.

It shares no code with the ledger: what it knows is written down here a second time.
"""

import json
from base64 import b32encode
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any
from uuid import UUID, uuid5

import psycopg

NAMESPACE = UUID("6f3a1d0e-7b52-5c0f-9d1e-0a5b8c4e2f71")
CROCKFORD = str.maketrans("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", "0123456789ABCDEFGHJKMNPQRSTVWXYZ")
PREFIXES = {"wallet": "wal", "payment": "pay", "request": "req"}
LEGS = {"wallet.debited.v1": -1, "wallet.credited.v1": 1}
PAYMENTS = ("payment.completed.v1", "payment.declined.v1")
BEGINNINGS = (*PAYMENTS, "wallet.opened.v1", "request.accepted.v1", "request.refused.v1")
FROZEN = {"wallet.frozen.v1": True, "wallet.unfrozen.v1": False}
MOST_FAULTS = 200

Row = tuple[int, UUID, int, str, bytes, bytes, datetime]
"""Position, stream, version, type, data, metadata and time of one event."""


def read_events(url: str, schema: str = "ledger_main") -> Iterator[Row]:
    """Yield the rows of the event table in position order."""
    with psycopg.connect(url) as connection, connection.cursor("events", binary=True) as cursor:
        cursor.itersize = 5_000
        cursor.execute(
            "SELECT notification_id, originator_id, originator_version, topic, state, metadata,"
            f' recorded_at FROM "{schema}".events ORDER BY notification_id'
        )
        yield from cursor


def identifier(prefix: str, stream: UUID) -> str:
    """Return 128 bits as a prefix and 26 characters of Crockford's base 32."""
    # Two zero bits in front make 130 bits, which are 26 characters of five.
    digits = b32encode((stream.int << 30).to_bytes(20, "big")).decode()[:26]
    return f"{prefix}_{digits.translate(CROCKFORD)}"


class Keys:
    """Which stream a caller's key begins: a rule of the contract that holds for ever."""

    def __init__(self, subject: str, ledger: str = "main", issuer: str = "falconpay") -> None:
        """Take whose keys they are."""
        name = json.dumps([ledger, issuer, subject], separators=(",", ":"))
        self._namespace = uuid5(NAMESPACE, name)

    def stream(self, key: str) -> UUID:
        """Return the stream."""
        return uuid5(self._namespace, key)


@dataclass(slots=True)
class Wallet:
    """A wallet as its events leave it; `row` is what the read model must say of its opening."""

    balance: int
    limit: int | None
    row: Mapping[str, Any]
    position: int
    frozen: dict[str, bool] = field(default_factory=dict)
    closed: bool = False


@dataclass(frozen=True, slots=True)
class Begun:
    """What a key has begun: its first event, and the position of its command's last.

    An atomic batch is one command, with which all of its keys have ended.
    """

    position: int
    last: int
    topic: str
    state: bytes
    recorded_at: datetime


@dataclass(slots=True)
class Book:
    """The fold; what breaks a promise is noted with its position.

    After each event `entry` and `payment` are the rows that it adds to the read models.
    """

    keys: Keys
    faults: list[str] = field(default_factory=list)
    begun: dict[bytes, Begun] = field(default_factory=dict)
    wallets: dict[str, Wallet] = field(default_factory=dict)
    days: dict[tuple[date, str, str], list[int]] = field(default_factory=dict)
    events: int = 0
    doubled: int = 0
    entry: tuple[Any, ...] | None = None
    payment: tuple[Any, ...] | None = None
    _versions: Counter[bytes] = field(default_factory=Counter)
    _sums: Counter[str] = field(default_factory=Counter)
    _due: list[tuple[str, str, dict[str, Any]]] = field(default_factory=list)
    _command: tuple[str, int, int] = ("", 0, 0)
    _begun: tuple[UUID, str] | None = None
    _description: str | None = None
    _recorded_at: datetime | None = None

    def fault(self, text: str) -> None:
        """Note what breaks a promise; the first of very many are enough."""
        if len(self.faults) < MOST_FAULTS:
            self.faults.append(text)

    def add(self, row: Row) -> None:
        """Fold one event."""
        position, stream, version, topic, state, stored, recorded_at = row
        self.events += 1
        self.entry = self.payment = None
        if position != self.events:
            self.fault(f"position {position} where {self.events} was expected")
            self.events = position
        self._versions[stream.bytes] += 1
        if version != self._versions[stream.bytes]:
            self.fault(f"position {position}: version {version} of {stream} out of order")
        if self._recorded_at is not None and recorded_at < self._recorded_at:
            self.fault(f"position {position} was recorded before the one before it")
        self._recorded_at = recorded_at
        ends = self._place_in_command(position, json.loads(stored))
        fields = json.loads(state)
        if topic in BEGINNINGS:
            self._begin(row, fields, position + self._command[2] - self._command[1])
        self._apply(row, fields)
        if ends:
            self._end(position)

    def finish(self) -> None:
        """Note what is wrong with the end."""
        _, index, count = self._command
        if index != count:
            self.fault(f"the log ends at position {self.events} inside a command")

    def _place_in_command(self, position: int, metadata: dict[str, Any]) -> bool:
        command, index, count = self._command
        found = (metadata["command_id"], metadata["index"], metadata["count"])
        expected = (command, index, count) if index < count else (found[0], 0, found[2])
        if found != expected:
            self.fault(f"position {position}: a command's events are not side by side")
        self._command = (found[0], found[1] + 1, found[2])
        return bool(found[1] + 1 == found[2])

    def _end(self, position: int) -> None:
        if self._due:
            self.fault(f"position {position}: a payment ends without its {self._due[0][1]}")
            self._due.clear()
        for currency, total in self._sums.items():
            if total:
                self.fault(f"position {position}: {currency} sums to {total}")
                self._sums[currency] = 0

    def _begin(self, row: Row, fields: dict[str, Any], last: int) -> None:
        position, stream, _, topic, state, _, recorded_at = row
        if self._due:
            self.fault(f"position {position}: begins before the money of the last has moved")
            self._due.clear()
        completed = topic == "payment.completed.v1"
        self._begun = (stream, topic)
        self.begun[stream.bytes] = Begun(position, last, topic, state, recorded_at)
        if completed:
            name = identifier("pay", stream)
            source, payee = fields["source_wallet_id"], fields["destination_wallet_id"]
            self._due = [
                (source, "wallet.debited.v1", _leg(name, fields, payee)),
                (payee, "wallet.credited.v1", _leg(name, fields, source)),
            ]
        text = fields.get("description" if topic in PAYMENTS else "reference")
        if topic in PAYMENTS or topic == "wallet.opened.v1":
            self._belongs(position, text)

    def _belongs(self, position: int, text: str | None) -> None:
        """Each command of a campaign bears its key as a text, so that no effect hides."""
        assert self._begun is not None, "what has a text stands behind what began it"
        if text is None or self.keys.stream(text) != self._begun[0]:
            self.doubled += 1
            self.fault(f"position {position}: an effect of {text!r} which is not its key's")

    def _apply(self, row: Row, fields: dict[str, Any]) -> None:
        position, stream, _, topic, _, _, recorded_at = row
        if topic in PAYMENTS:
            self._pay(row, fields)
            return
        if topic.startswith("request."):
            return
        name = identifier("wal", stream)
        if topic == "wallet.opened.v1":
            opened = {**fields, "opened_position": position, "opened_at": recorded_at}
            self.wallets[name] = Wallet(0, fields["overdraft_limit"], opened, position)
            return
        wallet = self.wallets.get(name)
        if wallet is None:
            self.fault(f"position {position}: {topic} of a wallet that was never opened")
            return
        wallet.position = position
        if topic in LEGS:
            self._move(row, name, wallet, fields)
            return
        if topic == "wallet.overdraft_limit_changed.v1":
            wallet.limit = fields["overdraft_limit"]
        elif topic in FROZEN:
            wallet.frozen[fields["side"]] = FROZEN[topic]
        elif topic == "wallet.closed.v1":
            wallet.closed = True
            if wallet.balance:
                self.fault(f"position {position}: {name} was closed with {wallet.balance}")
        self._belongs(position, fields["reason"])

    def _pay(self, row: Row, fields: dict[str, Any]) -> None:
        position, stream, _, topic, _, _, recorded_at = row
        done = topic == "payment.completed.v1"
        self._description = fields.get("description")
        effective = datetime.fromisoformat(fields["effective_at"])
        day = (effective if done else recorded_at).date()
        total = self.days.setdefault((day, fields["currency"], fields["kind"]), [0, 0, 0])
        if done:
            total[0] += 1
            total[1] += fields["amount"]
        else:
            total[2] += 1
            self._declined(position, fields)
        self.payment = (
            position,
            identifier("pay", stream),
            fields["amount"],
            fields.get("available"),
            recorded_at,
            effective,
            fields["source_wallet_id"],
            fields["destination_wallet_id"],
            fields["kind"],
            "completed" if done else "declined",
            fields["currency"],
            fields.get("code"),
            fields.get("description"),
            fields.get("reference"),
            fields.get("metadata"),
        )

    def _declined(self, position: int, fields: dict[str, Any]) -> None:
        wallet = self.wallets[fields["source_wallet_id"]]
        enough = wallet.limit is None or wallet.balance - fields["amount"] >= -wallet.limit
        if fields["code"] == "insufficient-funds" and enough:
            self.fault(f"position {position}: declined for want of money that was there")
        if fields["code"] == "wallet-frozen" and not any(wallet.frozen.values()):
            self.fault(f"position {position}: declined as frozen and was not")

    def _move(self, row: Row, name: str, wallet: Wallet, fields: dict[str, Any]) -> None:
        position, _, version, topic, _, _, recorded_at = row
        due = self._due.pop(0) if self._due else None
        if due != (name, topic, {k: fields[k] for k in _LEG}):
            self.fault(f"position {position}: {topic} that its payment does not tell of")
        signed = LEGS[topic] * fields["amount"]
        wallet.balance += signed
        self._sums[fields["currency"]] += signed
        if fields["currency"] != wallet.row["currency"] or fields["amount"] <= 0:
            self.fault(f"position {position}: {fields['amount']} {fields['currency']} in {name}")
        if signed < 0:
            if wallet.limit is not None and wallet.balance < -wallet.limit:
                self.fault(f"position {position}: {name} at {wallet.balance}, below its limit")
            if wallet.closed or any(wallet.frozen.values()):
                self.fault(f"position {position}: {name} pays and is closed or frozen")
        self.entry = (
            position,
            version,
            fields["amount"],
            wallet.balance,
            0,
            recorded_at,
            datetime.fromisoformat(fields["effective_at"]),
            name,
            fields["payment_id"],
            fields["counterparty"],
            "debit" if signed < 0 else "credit",
            fields["currency"],
            self._description,
        )


_LEG = ("payment_id", "amount", "currency", "counterparty", "effective_at")


def _leg(payment: str, fields: dict[str, Any], counterparty: str) -> dict[str, Any]:
    told = (payment, fields["amount"], fields["currency"], counterparty, fields["effective_at"])
    return dict(zip(_LEG, told, strict=True))
