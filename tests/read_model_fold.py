"""The read models as an outsider folds them from the event table, and as they stand.

It shares no code with the projections: JSON, the contract's table of types, plain dictionaries.
"""

import json
from collections import defaultdict
from datetime import date, datetime
from typing import Any

import psycopg

from tests.servers import FreshDatabases

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
Rows = dict[str, list[tuple[Any, ...]]]

TABLES = {
    "balances": "wallet_id, opened_position, opened_at, position, posted, held, overdraft_limit,"
    " frozen_by_member, frozen_by_operator, closed, kind, account_class, currency, owner, name,"
    " reference",
    "entries": "position, version, amount, posted_after, held_after, recorded_at, effective_at,"
    " wallet_id, payment_id, counterparty, direction, currency, description",
    "payments": "position, payment_id, amount, available, recorded_at, effective_at,"
    " source_wallet_id, destination_wallet_id, kind, status, currency, failure_code, description,"
    " reference, metadata",
    "daily_totals": "date, currency, kind, count, volume, declined",
    "trial_balance": "opened_position, wallet_id, currency",
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
            " convert_from(state, 'UTF8'), recorded_at FROM events"
            " WHERE notification_id <= %s ORDER BY notification_id",
            [until],
        ).fetchall()
    fold = _Fold()
    for event in events:
        fold.add(*event)
    return {
        "balances": sorted(tuple(wallet.values()) for wallet in fold.wallets.values()),
        "entries": fold.entries,
        "payments": fold.payments,
        "daily_totals": sorted(
            (*key, total["count"], total["volume"], total["declined"])
            for key, total in fold.days.items()
        ),
        "trial_balance": [
            (w["opened_position"], w["wallet_id"], w["currency"]) for w in fold.wallets.values()
        ],
    }


class _Fold:
    def __init__(self) -> None:
        self.wallets: dict[str, dict[str, Any]] = {}
        self.entries: list[tuple[Any, ...]] = []
        self.payments: list[tuple[Any, ...]] = []
        self.texts: dict[str, str | None] = {}
        self.days: dict[tuple[date, str, str], dict[str, int]] = defaultdict(
            lambda: {"count": 0, "volume": 0, "declined": 0}
        )

    def add(
        self, position: int, uuid: str, version: int, type_name: str, state: str, at: datetime
    ) -> None:
        told = json.loads(state)
        kind, what, _ = type_name.split(".")
        if kind == "payment":
            self._payment(position, crockford("pay", uuid), what, told, at)
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
        }

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
        if what in ("frozen", "unfrozen"):
            wallet[f"frozen_by_{told['side']}"] = what == "frozen"
        elif what == "closed":
            wallet["closed"] = True
        elif what == "overdraft_limit_changed":
            wallet["overdraft_limit"] = told["overdraft_limit"]
        else:
            assert what in ("debited", "credited"), what
            wallet["posted"] += told["amount"] * (1 if what == "credited" else -1)
            self.entries.append(
                (
                    position,
                    version,
                    told["amount"],
                    wallet["posted"],
                    wallet["held"],
                    at,
                    datetime.fromisoformat(told["effective_at"]),
                    wallet["wallet_id"],
                    told["payment_id"],
                    told["counterparty"],
                    what.removesuffix("ed"),
                    wallet["currency"],
                    self.texts[told["payment_id"]],
                )
            )

    def _payment(
        self, position: int, payment: str, what: str, told: dict[str, Any], at: datetime
    ) -> None:
        effective = datetime.fromisoformat(told["effective_at"])
        self.texts[payment] = told["description"]
        self.payments.append(
            (
                position,
                payment,
                told["amount"],
                told.get("available"),
                at,
                effective,
                told["source_wallet_id"],
                told["destination_wallet_id"],
                told["kind"],
                what,
                told["currency"],
                told.get("code"),
                told["description"],
                told["reference"],
                told["metadata"],
            )
        )
        day = effective.date() if what == "completed" else at.date()
        total = self.days[day, told["currency"], told["kind"]]
        if what == "completed":
            total["count"] += 1
            total["volume"] += told["amount"]
        else:
            total["declined"] += 1


def checkpoints(databases: FreshDatabases) -> dict[str, tuple[int, str]]:
    """Return position and state of each projection, nothing while the database is away."""
    try:
        with databases.connect("reader", "reports") as connection:
            rows = connection.execute("SELECT projection, position, state FROM checkpoint")
            return {name: (position, state) for name, position, state in rows}
    except psycopg.OperationalError:
        return {}
