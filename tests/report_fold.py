"""The reports as an outsider adds them up from the event table: JSON and plain dictionaries.

It shares no code with the projections, and is as slow as it is simple.
"""

import json
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from tests.read_model_fold import crockford, folded_rows
from tests.servers import FreshDatabases

DIGITS = {"EUR": 2, "JPY": 0, "KWD": 3}
WAYS = {"credited": "credit", "debited": "debit", "hold_captured": "debit"}
AGES = {
    "under-1-hour": 3600,
    "under-1-day": 86_400,
    "under-7-days": 604_800,
    "under-30-days": 2_592_000,
    "30-days-or-more": 10**12,
}
Row = dict[str, Any]


def money(minor: int, currency: str) -> str:
    digits = DIGITS[currency]
    sign, text = "-" if minor < 0 else "", str(abs(minor)).rjust(digits + 1, "0")
    return sign + (f"{text[:-digits]}.{text[-digits:]}" if digits else text)


@dataclass(frozen=True)
class Movement:
    """What moved in a wallet, and what was posted after it."""

    position: int
    wallet: str
    way: str
    amount: int
    other: str
    payment: str
    value_date: date
    recorded_at: datetime
    posted: int


@dataclass
class ReportFold:
    """A ledger's whole past, as far as reports tell of it."""

    databases: FreshDatabases
    wallets: dict[str, Row] = field(default_factory=dict)
    posted: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    payments: dict[str, Row] = field(default_factory=dict)
    moved: list[Movement] = field(default_factory=list)
    refused: list[tuple[date, str, str, str, int]] = field(default_factory=list)
    acts: list[Row] = field(default_factory=list)

    def __post_init__(self) -> None:
        with self.databases.connect("reader") as connection:
            rows = connection.execute(
                "SELECT notification_id, originator_id::text, topic, convert_from(state, 'UTF8'),"
                " convert_from(metadata, 'UTF8'), recorded_at FROM events ORDER BY 1"
            ).fetchall()
        for position, uuid, topic, state, metadata, at in rows:
            kind, what, _ = topic.split(".")
            told, beside = json.loads(state), json.loads(metadata)
            if kind == "wallet":
                self._wallet(position, crockford("wal", uuid), what, told, at)
            elif kind == "payment":
                self._payment(crockford("pay", uuid), what, told, at)
            if "actor" in beside:
                self.acts.append({"position": position, **beside["actor"], "topic": topic, **told})

    def _wallet(self, position: int, name: str, what: str, told: Row, at: datetime) -> None:
        if what == "opened":
            self.wallets[name] = told
        elif what in WAYS:
            way, amount = WAYS[what], told["amount"]
            self.posted[name] += amount if way == "credit" else -amount
            day = datetime.fromisoformat(told["effective_at"]).date()
            other, payment = told["counterparty"], told["payment_id"]
            self.moved.append(
                Movement(position, name, way, amount, other, payment, day, at, self.posted[name])
            )

    def _payment(self, name: str, what: str, told: Row, at: datetime) -> None:
        first = self.payments.setdefault(name, told)
        if what in {"declined", "rejected"}:
            code = told.get("code", "approval-rejected")
            amount = first["amount"]
            self.refused.append((at.date(), code, first["currency"], first["kind"], amount))

    def of(self, wallet: str, since: date, until: date) -> Iterator[Movement]:
        """Yield what moved in a wallet on some value dates, both included."""
        for each in self.moved:
            if each.wallet == wallet and since <= each.value_date <= until:
                yield each

    def months(self, since: date, until: date, currency: str | None, kind: str | None) -> list[Row]:
        sums: dict[tuple[str, str, str], list[int]] = defaultdict(lambda: [0, 0, 0])
        for day, its_currency, its_kind, *found in folded_rows(self.databases)["daily_totals"]:
            wanted = currency in {None, its_currency} and kind in {None, its_kind}
            if since <= day <= until and wanted:
                key = (day.isoformat()[:7], its_currency, its_kind)
                sums[key] = [one + other for one, other in zip(sums[key], found, strict=True)]
        return [
            {
                "month": month,
                "currency": name,
                "kind": of_kind,
                "count": count,
                "volume": money(int(volume), name),
                "declined": declined,
            }
            for (month, name, of_kind), (count, volume, declined) in sorted(sums.items())
        ]

    def declined(
        self, since: date, until: date, currency: str | None, kind: str | None
    ) -> dict[tuple[str, str, str], tuple[int, str, str, str]]:
        """Return count, volume, first and last day by code, currency and kind."""
        found: dict[tuple[str, str, str], list[tuple[date, int]]] = defaultdict(list)
        for day, code, its_currency, its_kind, amount in self.refused:
            wanted = currency in {None, its_currency} and kind in {None, its_kind}
            if since <= day <= until and wanted:
                found[code, its_currency, its_kind].append((day, amount))
        return {
            key: (
                len(each),
                money(sum(amount for _, amount in each), key[1]),
                min(each)[0].isoformat(),
                max(each)[0].isoformat(),
            )
            for key, each in found.items()
        }

    def holds(self, now: datetime) -> dict[tuple[str, str], tuple[int, str]]:
        """Return how many holds there are and what they hold, by currency and age."""
        found: dict[tuple[str, str], list[int]] = defaultdict(list)
        for row in folded_rows(self.databases)["payments"]:
            amount, at, status, currency, left = row[2], row[4], row[9], row[10], row[17]
            if status in {"authorized", "awaiting-approval"}:
                seconds = (now - at).total_seconds()
                age = next(name for name, end in AGES.items() if seconds < end)
                found[currency, age].append(left if status == "authorized" else amount)
        return {key: (len(each), money(sum(each), key[0])) for key, each in found.items()}

    def counterparties(self, wallet: str, since: date, until: date, way: str | None) -> list[Row]:
        currency = self.wallets[wallet]["currency"]
        found: dict[str, list[Movement]] = defaultdict(list)
        for each in self.of(wallet, since, until):
            if way in {None, each.way}:
                found[each.other].append(each)
        ranked = sorted(found.items(), key=lambda f: (-sum(m.amount for m in f[1]), f[0]))
        return [
            {
                "counterparty": other,
                "currency": currency,
                "paid_count": sum(m.way == "debit" for m in moved),
                "paid": money(sum(m.amount for m in moved if m.way == "debit"), currency),
                "received_count": sum(m.way == "credit" for m in moved),
                "received": money(sum(m.amount for m in moved if m.way == "credit"), currency),
                "last_at": max(m.recorded_at for m in moved),
            }
            for other, moved in ranked
        ]

    def flows(self, wallet: str, since: date, until: date, rules: dict[str, str]) -> list[Row]:
        currency = self.wallets[wallet]["currency"]
        found: dict[tuple[str, str], list[Movement]] = defaultdict(list)
        for each in self.of(wallet, since, until):
            found[each.value_date.isoformat()[:7], self._category(each, rules)].append(each)
        return [
            {
                "month": month,
                "category": category,
                "currency": currency,
                "received_count": sum(m.way == "credit" for m in moved),
                "received": money(sum(m.amount for m in moved if m.way == "credit"), currency),
                "paid_count": sum(m.way == "debit" for m in moved),
                "paid": money(sum(m.amount for m in moved if m.way == "debit"), currency),
            }
            for (month, category), moved in sorted(found.items())
        ]

    def _category(self, moved: Movement, rules: dict[str, str]) -> str:
        payment, other = self.payments[moved.payment], self.wallets[moved.other]
        written = (payment["metadata"] or {}).get("category", "")
        if moved.way == "debit" and written:
            return str(written)[:50]
        if other["kind"] == "system" and f"counterparty:{other['reference']}" in rules:
            return rules[f"counterparty:{other['reference']}"]
        return rules.get(f"kind:{payment['kind']}", str(payment["kind"]))

    def largest(self, currency: str) -> tuple[int, int, list[tuple[str, int]]]:
        """Return how many wallets have something, how much in all, and the ten largest."""
        people = {
            name: self.posted[name]
            for name, told in self.wallets.items()
            if told["currency"] == currency and told["kind"] != "system" and self.posted[name] > 0
        }
        ranked = sorted(people.items(), key=lambda each: (-each[1], each[0]))
        return len(people), sum(people.values()), ranked[:10]
