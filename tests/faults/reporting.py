"""The rows of the reporting read models, told anew from the events as they pass."""

import hashlib
import json
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from tests.faults.book import Book, Row

VALUE_DAYS = 'SELECT position, wallet_id, value_date FROM "{schema}".value_days ORDER BY position'
LATE_ENTRIES = """
    SELECT position, amount, wallet_id, value_date
    FROM "{schema}".late_entries ORDER BY position"""
AUDIT_TRAIL = """
    SELECT position, actor, wallet_id, payment_id
    FROM "{schema}".audit_trail ORDER BY position"""
DECLINES = 'SELECT date, currency, kind, code, count, volume FROM "{schema}".declines'
IN_ORDER = {
    "value_days": VALUE_DAYS,
    "late_entries": LATE_ENTRIES,
    "audit_trail": AUDIT_TRAIL,
}
"""The tables that are compared row by row, in the order of positions."""

Values = tuple[Any, ...]


@dataclass(slots=True)
class Reporting:
    """After each event `added` are the rows that it adds to the tables in order."""

    added: dict[str, Values] = field(default_factory=dict)
    declines: dict[tuple[date, str, str, str], list[int]] = field(default_factory=dict)
    _latest: dict[str, date] = field(default_factory=dict)

    def tell(self, book: Book, row: Row) -> None:
        """Follow one event, which the book has followed already."""
        position, _, _, topic, state, metadata, now = row
        self.added = {}
        if book.entry is not None:
            self._dated(position, book.entry)
        actor = json.loads(metadata).get("actor")
        if actor is not None:
            objects = _objects(topic, json.loads(state))
            self.added["audit_trail"] = (position, actor_key(actor["sub"]), *objects)
        if topic == "payment.declined.v1":
            fields = json.loads(state)
            self._decline(now.date(), fields, fields["code"], fields["amount"])
        elif topic == "payment.rejected.v1":
            fields = json.loads(state)
            amount = fields["standing"]["amount"]
            self._decline(now.date(), fields, "approval-rejected", amount)

    def declined(self) -> set[Values]:
        """Return what was declined, by the day on which it was."""
        return {(*key, *total) for key, total in self.declines.items()}

    def _dated(self, position: int, entry: Values) -> None:
        """Tell whether a value date moves its wallet's days on, or comes late, or neither."""
        amount, at, wallet, direction = entry[2], entry[6], entry[7], entry[10]
        if direction is None:
            return
        day, latest = at.date(), self._latest.get(wallet)
        if latest is None or day > latest:
            self._latest[wallet] = day
            self.added["value_days"] = (position, wallet, day)
        elif day < latest:
            signed = amount if direction == "credit" else -amount
            self.added["late_entries"] = (position, signed, wallet, day)

    def _decline(self, day: date, fields: dict[str, Any], code: str, amount: int) -> None:
        key = (day, fields["currency"], fields["kind"], code)
        total = self.declines.setdefault(key, [0, 0])
        total[0] += 1
        total[1] += amount


def actor_key(sub: str) -> int:
    """Return the 64 bits by which a person is found."""
    digest = hashlib.blake2b(sub.encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big", signed=True)


def _objects(topic: str, fields: dict[str, Any]) -> tuple[str | None, str | None]:
    """Return wallet and payment of a command whose own events do not name them."""
    if topic.startswith("request."):
        return fields.get("wallet_id"), fields.get("payment_id")
    if topic == "payment.declined.v1":
        legs = fields.get("legs")
        return (legs[0] if legs else fields)["source_wallet_id"], None
    return None, None
