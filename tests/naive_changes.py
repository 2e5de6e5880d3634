"""The book at a position as an outsider adds it up, and what is otherwise between two of them."""

import json
from dataclasses import dataclass, field
from typing import Any

from domain.recorded import RecordedEvent
from tests.property.fold import HELD, POSTED

Wallet = dict[str, Any]


@dataclass
class NaiveBook:
    """All wallets and how payments stand, of the events up to a position that cuts no command."""

    position: int = 0
    wallets: dict[str, Wallet] = field(default_factory=dict)
    payments: dict[str, str] = field(default_factory=dict)
    credited: int = 0


def naive_book(events: list[RecordedEvent], upto: int) -> NaiveBook:
    """Add up from the first event; of a command that `upto` cuts in two nothing is taken."""
    book = NaiveBook()
    group: list[RecordedEvent] = []
    for event in events[:upto]:
        group.append(event)
        if len(group) == json.loads(event.metadata)["count"]:
            for each in group:
                _add(book, each.stream_id, each.type, json.loads(each.data))
            book.position, group = event.position, []
    return book


def _add(book: NaiveBook, stream: str, type_name: str, fields: dict[str, Any]) -> None:
    kind, what, _ = type_name.split(".")
    if kind == "payment":
        known = {"completed": "completed", "declined": "declined"}
        standing = fields.get("standing") or {"status": known.get(what)}
        book.payments[stream] = standing["status"]
    if kind != "wallet":
        return
    if what == "opened":
        book.wallets[stream] = {
            "posted": 0,
            "held": 0,
            "overdraft_limit": fields["overdraft_limit"],
            "frozen": set(),
            "closed": False,
            "members": {fields["owner"]: "owner"} if fields["owner"] else {},
        }
        return
    wallet = book.wallets[stream]
    if what == "closed":
        wallet["closed"] = True
    elif what in {"frozen", "unfrozen"}:
        sides = {fields["side"]}
        wallet["frozen"] = (
            wallet["frozen"] | sides if what == "frozen" else wallet["frozen"] - sides
        )
    elif what == "overdraft_limit_changed":
        wallet["overdraft_limit"] = fields["overdraft_limit"]
    elif what == "member_added":
        wallet["members"] = {**wallet["members"], fields["user_id"]: fields["role"]}
    elif what == "member_removed":
        wallet["members"] = {k: v for k, v in wallet["members"].items() if k != fields["user_id"]}
    else:
        wallet["posted"] += POSTED.get(type_name, 0) * fields["amount"]
        wallet["held"] += HELD.get(type_name, 0) * fields["amount"]
        book.credited += fields["amount"] * (what == "credited")


def told(wallet: Wallet | None) -> dict[str, Any]:
    """Return a wallet of euros as the command shows it."""
    if wallet is None:
        return dict.fromkeys(
            ("posted", "held", "available", "overdraft_limit", "status", "members")
        )
    limit = wallet["overdraft_limit"]
    open_or_frozen = "frozen" if wallet["frozen"] else "open"
    return {
        "posted": euros(wallet["posted"]),
        "held": euros(wallet["held"]),
        "available": euros(wallet["posted"] - wallet["held"]),
        "overdraft_limit": "unlimited" if limit is None else euros(limit),
        "status": "closed" if wallet["closed"] else open_or_frozen,
        "members": wallet["members"],
    }


def euros(cents: int) -> str:
    return f"{'-' if cents < 0 else ''}{abs(cents) // 100}.{abs(cents) % 100:02}"


def naive_changes(one: NaiveBook, other: NaiveBook) -> dict[str, dict[str, Any]]:
    """Return by wallet which of these fields are otherwise, with what they were and are."""
    found = {}
    for name, wallet in other.wallets.items():
        before, after = told(one.wallets.get(name)), told(wallet)
        fields = {
            key: {"before": before[key], "after": after[key]}
            for key in after
            if before[key] != after[key]
        }
        if fields:
            found[name] = fields
    return found
