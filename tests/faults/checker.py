"""Judges a run from outside: reads only the event table and the clients' logs.

It shares no code with the ledger. A client's log has one JSON object a line for each attempt:
`key`, `path`, `body` (as sent), `status` (none where no answer came) and `answer` (as text).
The `description` of each transfer is its key, so that its effects can be found by it.
"""

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

import psycopg

CENTS = Decimal(100)
LEGS = ("wallet.debited.v1", "wallet.credited.v1")


@dataclass
class Book:
    """What the event table says, folded by nothing but the contract's table of event types."""

    faults: list[str] = field(default_factory=list)
    payments: dict[str, list[dict[str, Any]]] = field(default_factory=lambda: defaultdict(list))
    legs: Counter[tuple[str, str]] = field(default_factory=Counter)
    wallets: dict[str, int] = field(default_factory=dict)
    limits: dict[str, int | None] = field(default_factory=dict)
    events: int = 0


def read_events(url: str, schema: str = "ledger_main") -> Iterator[tuple[Any, ...]]:
    """Yield the rows of the event table in position order."""
    with psycopg.connect(url) as connection, connection.cursor("events") as cursor:
        cursor.itersize = 10_000
        cursor.execute(
            "SELECT notification_id, originator_id, originator_version, topic, state, metadata"
            f' FROM "{schema}".events ORDER BY notification_id'
        )
        yield from cursor


def fold(rows: Iterable[tuple[Any, ...]]) -> Book:
    """Fold the events; what breaks a promise is noted with its position."""
    book = Book()
    versions: Counter[str] = Counter()
    sums: Counter[str] = Counter()
    command = ""
    for position, stream_uuid, version, topic, state, stored in rows:
        stream, data, metadata = stream_uuid.hex, json.loads(state), json.loads(stored)
        book.events += 1
        versions[stream] += 1
        if position != book.events:
            book.faults.append(f"position {position} where {book.events} was expected")
            return book
        if version != versions[stream]:
            book.faults.append(f"position {position}: version {version} of {stream} out of order")
        if metadata["index"] == 0:
            command = metadata["command_id"]
        if metadata["command_id"] != command:
            book.faults.append(f"position {position}: a command's events are not side by side")
        _apply(book, sums, position, stream, topic, data)
        if metadata["index"] == metadata["count"] - 1:
            book.faults += [
                f"position {position}: {currency} sums to {total}"
                for currency, total in sums.items()
                if total
            ]
    return book


def _apply(
    book: Book,
    sums: Counter[str],
    position: int,
    stream: str,
    topic: str,
    data: dict[str, Any],
) -> None:
    if topic == "wallet.opened.v1":
        book.wallets[stream], book.limits[stream] = 0, data["overdraft_limit"]
    elif topic == "wallet.overdraft_limit_changed.v1":
        book.limits[stream] = data["overdraft_limit"]
    elif topic in LEGS:
        signed = data["amount"] if topic == "wallet.credited.v1" else -data["amount"]
        book.wallets[stream] += signed
        sums[data["currency"]] += signed
        book.legs[(data["payment_id"], topic)] += 1
        limit = book.limits[stream]
        if signed < 0 and limit is not None and book.wallets[stream] < -limit:
            book.faults.append(f"position {position}: wallet {stream} at {book.wallets[stream]}")
    elif topic.startswith("payment."):
        book.payments[data["description"]].append({**data, "topic": topic, "position": position})


def judge(
    rows: Iterable[tuple[Any, ...]], logs: Iterable[Path]
) -> tuple[list[str], dict[str, int]]:
    """Return everything that breaks a promise, and how many commands ended in which way."""
    book = fold(rows)
    attempts: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for log in logs:
        for line in log.read_text().splitlines():
            attempt = json.loads(line)
            attempts[attempt["key"]].append(attempt)
    faults, counts = list(book.faults), Counter[str]()
    faults += [f"payment {leg[0]} has {n} events {leg[1]}" for leg, n in book.legs.items() if n > 1]
    completed = sum(
        payment["topic"] == "payment.completed.v1"
        for payments in book.payments.values()
        for payment in payments
    )
    if sum(book.legs.values()) != 2 * completed:
        faults.append(f"{completed} payments completed, but {sum(book.legs.values())} legs")
    for key, tries in attempts.items():
        stored = book.payments.get(key, [])
        kind, found = _judge_key(key, tries, stored, book)
        counts[kind] += 1
        faults += found
    strangers = set(book.payments) - set(attempts)
    faults += [f"payment {key} is stored, but nobody asked for it" for key in strangers]
    counts["events"] = book.events
    return faults, dict(counts)


def _judge_key(
    key: str, tries: list[dict[str, Any]], stored: list[dict[str, Any]], book: Book
) -> tuple[str, list[str]]:
    if len(stored) > 1:
        return "doubled", [f"{key} has {len(stored)} effects"]
    # What is on record bears a position; everything else leaves nothing behind.
    answers = {a["answer"] for a in tries if a["status"] and '"position"' in (a["answer"] or "")}
    if len(answers) > 1:
        return "acknowledged", [f"{key} was answered in {len(answers)} ways"]
    if not answers:
        unknown = any(a["status"] is None or a["status"] >= 500 for a in tries)
        if stored and not unknown:
            return "refused", [f"{key} was refused without a record, but is stored"]
        return "unknown" if unknown else "refused", []
    answer = json.loads(answers.pop())
    if not stored:
        return "acknowledged", [f"{key} was acknowledged, but is not stored"]
    return "acknowledged", _same(key, tries[0], answer, stored[0], book)


def _same(
    key: str, sent: dict[str, Any], answer: dict[str, Any], stored: dict[str, Any], book: Book
) -> list[str]:
    body = json.loads(sent["body"])
    done = answer.get("status") == "completed"
    facts = {
        "outcome": (done, stored["topic"] == "payment.completed.v1"),
        "amount": (Decimal(body["amount"]) * CENTS, stored["amount"]),
        "source": (body["source_wallet_id"], stored["source_wallet_id"]),
        "destination": (body["destination_wallet_id"], stored["destination_wallet_id"]),
        "code": (None if done else answer["code"], stored.get("code")),
    }
    last = stored["position"] + (2 if done else 0)
    facts["position"] = (answer["position"], last)
    for topic in LEGS:
        facts[topic] = (int(done), book.legs[(answer["payment_id"], topic)])
    return [
        f"{key}: {name} was {told!r} in the answer and is {kept!r} in the log"
        for name, (told, kept) in facts.items()
        if told != kept
    ]
