"""The read models as an outsider folds them from the event table, and as they stand.

It shares no code with the projections: JSON, the contract's table of types, plain dictionaries.
"""

import hashlib
import json
from datetime import date, datetime
from typing import Any

import psycopg

from tests.payment_fold import COLUMNS as PAYMENT_COLUMNS
from tests.payment_fold import PaymentFold, moment
from tests.servers import FreshDatabases

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
Rows = dict[str, list[tuple[Any, ...]]]

TABLES = {
    "balances": "wallet_id, opened_position, opened_at, position, posted, held, overdraft_limit,"
    " frozen_by_member, frozen_by_operator, closed, kind, account_class, currency, owner, name,"
    " reference, per_payment, per_day, approvals_required, approvals_above",
    "members": "wallet_id, user_id, role, opened_position",
    "entries": "position, version, amount, posted_after, held_after, recorded_at, effective_at,"
    " wallet_id, payment_id, counterparty, direction, currency, description",
    "payments": PAYMENT_COLUMNS,
    "payment_legs": "payment_id, leg, position, amount, source_wallet_id, destination_wallet_id,"
    " currency",
    "payment_steps": "position, payment_id, status, amount, recorded_at, effective_at",
    "daily_totals": "date, currency, kind, count, volume, declined",
    "trial_balance": "opened_position, wallet_id, currency",
    "declines": "date, currency || ' ' || kind, code, count, volume",
    "audit_trail": "position, actor, wallet_id, payment_id",
    "value_days": "wallet_id, value_date, position",
    "late_entries": "position, amount, wallet_id, value_date",
}


def crockford(prefix: str, uuid: str) -> str:
    number, digits = int(uuid.replace("-", ""), 16), ""
    for _ in range(26):
        number, digit = divmod(number, 32)
        digits = ALPHABET[digit] + digits
    return f"{prefix}_{digits}"


def stored_rows(databases: FreshDatabases) -> Rows:
    """Return every table of the read models in a fixed order."""
    with databases.connect("reader", "reports") as connection:
        return {
            name: connection.execute(f"SELECT {columns} FROM {name} ORDER BY 1, 2, 3").fetchall()
            for name, columns in TABLES.items()
        }


def folded_rows(databases: FreshDatabases, until: int = 2**62) -> Rows:
    """Return what the tables must hold once the events up to a position are applied."""
    with databases.connect("reader") as connection:
        events = connection.execute(
            "SELECT notification_id, originator_id::text, originator_version, topic,"
            " convert_from(state, 'UTF8'), convert_from(metadata, 'UTF8'), recorded_at FROM events"
            " WHERE notification_id <= %s ORDER BY notification_id",
            [until],
        ).fetchall()
    fold = _Fold()
    for event in events:
        fold.add(*event)
    payments = fold.payments
    return {
        "balances": sorted(tuple(wallet.values()) for wallet in fold.wallets.values()),
        "members": sorted(
            (name, user, role, fold.wallets[name]["opened_position"])
            for name, members in fold.members.items()
            for user, role in members.items()
        ),
        "entries": fold.entries,
        "payments": payments.rows(),
        "payment_legs": sorted(payments.legs),
        "payment_steps": payments.steps,
        "daily_totals": sorted(
            (*key, total["count"], total["volume"], total["declined"])
            for key, total in payments.days.items()
        ),
        "declines": sorted(
            (day, f"{currency} {kind}", code, len(amounts), sum(amounts))
            for (day, currency, kind, code), amounts in payments.declined.items()
        ),
        "audit_trail": fold.acts,
        "trial_balance": [
            (w["opened_position"], w["wallet_id"], w["currency"]) for w in fold.wallets.values()
        ],
        "value_days": sorted(fold.value_days),
        "late_entries": fold.late,
    }


def acted(type_name: str, sub: str, told: dict[str, Any]) -> tuple[Any, ...]:
    """Return by what it is found who gave a command."""
    digest = hashlib.blake2b(sub.encode(), digest_size=8).digest()
    key = int.from_bytes(digest, "big", signed=True)
    if type_name.startswith("request."):
        return key, told.get("wallet_id"), told.get("payment_id")
    if type_name == "payment.declined.v1":
        return key, (told.get("legs") or [told])[0]["source_wallet_id"], None
    return key, None, None


MOVES = {
    "credited": (1, 0, "credit"),
    "debited": (-1, 0, "debit"),
    "funds_held": (0, 1, None),
    "hold_captured": (-1, -1, "debit"),
    "hold_released": (0, -1, None),
}
"""The contract's table: what an amount does to posted and held, and which way money went."""


class _Fold:
    def __init__(self) -> None:
        self.wallets: dict[str, dict[str, Any]] = {}
        self.members: dict[str, dict[str, str]] = {}
        self.entries: list[tuple[Any, ...]] = []
        self.value_days: list[tuple[str, date, int]] = []
        self.late: list[tuple[int, int, str, date]] = []
        self.payments = PaymentFold()
        self.acts: list[tuple[Any, ...]] = []
        self.command = ""
        self.texts: dict[str, str | None] = {}

    def add(
        self,
        position: int,
        uuid: str,
        version: int,
        type_name: str,
        state: str,
        metadata: str,
        at: datetime,
    ) -> None:
        told, beside = json.loads(state), json.loads(metadata)
        command = beside["command_id"]
        if "actor" in beside:
            self.acts.append((position, *acted(type_name, beside["actor"]["sub"], told)))
        if command != self.command:
            # What one command says of a payment is not said of the movements of another.
            self.command, self.texts = command, {}
        kind, what, _ = type_name.split(".")
        if kind == "payment":
            payment = crockford("pay", uuid)
            self.payments.add(position, payment, version, what, told, at)
            if "description" in told:
                self.texts[payment] = told["description"]
        elif type_name == "wallet.opened.v1":
            self._open(position, crockford("wal", uuid), told, at)
        elif kind == "wallet":
            self._wallet(position, self.wallets[crockford("wal", uuid)], version, what, told, at)

    def _open(self, position: int, wallet: str, told: dict[str, Any], at: datetime) -> None:
        self.wallets[wallet] = {
            "wallet_id": wallet,
            "opened_position": position,
            "opened_at": at,
            "position": position,
            "posted": 0,
            "held": 0,
            "overdraft_limit": told["overdraft_limit"],
            "frozen_by_member": False,
            "frozen_by_operate": False,
            "closed": False,
            "kind": told["kind"],
            "account_class": told["class"],
            "currency": told["currency"],
            "owner": told["owner"],
            "name": told["name"],
            "reference": told["reference"],
            "per_payment": None,
            "per_day": None,
            "approvals_required": 0,
            "approvals_above": 0,
        }
        self.members[wallet] = {} if told["owner"] is None else {told["owner"]: "owner"}

    def _wallet(
        self,
        position: int,
        wallet: dict[str, Any],
        version: int,
        what: str,
        told: dict[str, Any],
        at: datetime,
    ) -> None:
        wallet["position"] = position
        match what:
            case "frozen" | "unfrozen":
                wallet[f"frozen_by_{told['side']}"] = what == "frozen"
            case "closed":
                wallet["closed"] = True
            case "overdraft_limit_changed" | "limits_changed":
                wallet.update({name: told[name] for name in told if name in wallet})
            case "approvals_changed":
                wallet.update(approvals_required=told["required"], approvals_above=told["above"])
            case "member_added":
                self.members[wallet["wallet_id"]][told["user_id"]] = told["role"]
            case "member_removed":
                del self.members[wallet["wallet_id"]][told["user_id"]]
            case _:
                self._move(position, wallet, version, what, told, at)

    def _move(
        self,
        position: int,
        wallet: dict[str, Any],
        version: int,
        what: str,
        told: dict[str, Any],
        at: datetime,
    ) -> None:
        posted, held, direction = MOVES[what]
        wallet["posted"] += posted * told["amount"]
        wallet["held"] += held * told["amount"]
        if direction is not None:
            self._date(position, wallet["wallet_id"], told, posted * told["amount"])
        self.entries.append(
            (
                position,
                version,
                told["amount"],
                wallet["posted"],
                wallet["held"],
                at,
                moment(told.get("effective_at")) or at,
                wallet["wallet_id"],
                told["payment_id"],
                told.get("counterparty"),
                direction,
                wallet["currency"],
                self.texts.get(told["payment_id"]),
            )
        )

    def _date(self, position: int, wallet: str, told: dict[str, Any], amount: int) -> None:
        day = date.fromisoformat(told["effective_at"][:10])
        known = [known for name, known, _ in self.value_days if name == wallet]
        if not known or day > max(known):
            self.value_days.append((wallet, day, position))
        elif day < max(known):
            self.late.append((position, amount, wallet, day))


def checkpoints(databases: FreshDatabases) -> dict[str, tuple[int, str]]:
    """Return position and state of each projection, nothing while the database is away."""
    try:
        with databases.connect("reader", "reports") as connection:
            rows = connection.execute("SELECT projection, position, state FROM checkpoint")
            return {name: (position, state) for name, position, state in rows}
    except psycopg.OperationalError:
        return {}
