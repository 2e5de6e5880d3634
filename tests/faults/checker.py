"""Judges a run from outside: what the clients were told against what the event table says.

It shares no code with the ledger. A client's log has one JSON object a line for each attempt:
the request as `drawing.Request` has it, `place`, `status` (none where no answer came), `answer`
as text, and when it was `sent` and `at` which time it was over.
"""

import json
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

from tests.faults.book import Begun, Book, Keys, Row, identifier

DIGITS = {"EUR": 2, "JPY": 0, "KWD": 3}
RECORDED = '"position":'
UNDECIDED = (502, 503, 504)
"""Answers after which nobody knows, or nothing was done; 500 is a fault of the product."""

COMMON = {
    *("insufficient-funds", "wallet-frozen", "wallet-closed", "payee-unavailable"),
    *("wallet-not-empty", "not-executed", "batch-refused", "overloaded", "rate-limited"),
}
"""Codes that may refuse a command from which nothing else is expected."""

COMPLETED = {"payment.completed.v1", "wallet.opened.v1", "request.accepted.v1"}


@dataclass(frozen=True, slots=True)
class Attempt:
    """One attempt of one command, be it a request of its own or an item of a batch."""

    path: str
    body: dict[str, Any]
    status: int | None
    answer: str
    expect: tuple[str, ...] = ()
    other: bool = False
    drained: bool = False


@dataclass
class Verdict:
    """Everything that breaks a promise, and how many commands ended in which way."""

    faults: list[str] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)


def fold(rows: Iterable[Row], keys: Keys, *watchers: Callable[[Book, Row], None]) -> Book:
    """Fold all events; each watcher is told of every event once it is folded."""
    book = Book(keys)
    for row in rows:
        book.add(row)
        for watch in watchers:
            watch(book, row)
    book.finish()
    return book


def judge(book: Book, logs: Iterable[Path]) -> Verdict:
    """Return what is wrong with the log, or with what the clients were told."""
    verdict = Verdict(list(book.faults))
    verdict.counts["doubled"] = book.doubled
    asked: set[bytes] = set()
    for log in logs:
        batches: list[list[str]] = []
        for key, attempts in _attempts(log, batches, verdict).items():
            asked.add(book.keys.stream(key).bytes)
            verdict.faults += [
                f"{key}: {fault}" for fault in _judge_key(key, attempts, book, verdict)
            ]
        verdict.faults += [fault for keys in batches for fault in _all_or_none(keys, book)]
    strangers = set(book.begun) - asked
    verdict.faults += [
        f"position {book.begun[stream].position} is stored, but nobody asked for it"
        for stream in list(strangers)[:20]
    ]
    verdict.counts["events"] = book.events
    return verdict


def _attempts(log: Path, batches: list[list[str]], verdict: Verdict) -> dict[str, list[Attempt]]:
    """Return the attempts of each key in a client's log; the keys of atomic batches are kept."""
    attempts: dict[str, list[Attempt]] = defaultdict(list)
    with log.open() as lines:
        for line in lines:
            entry = json.loads(line)
            verdict.counts["attempts"] += 1
            verdict.counts["unanswered"] += entry["status"] is None
            body = json.loads(entry["body"])
            for key, attempt in _commands(entry, body):
                attempts[key].append(attempt)
            if body.get("mode") == "atomic":
                batches.append([item["idempotency_key"] for item in body["transfers"]])
    return attempts


def _commands(entry: dict[str, Any], body: dict[str, Any]) -> Iterator[tuple[str, Attempt]]:
    """Yield what one request asks for: one command, those of a batch, or none (a dry run)."""
    status, answer = entry["status"], entry["answer"] or ""
    if "transfers" not in body:
        if entry.get("key"):
            yield (
                entry["key"],
                Attempt(
                    entry["path"],
                    body,
                    status,
                    answer,
                    tuple(entry.get("expect", ())),
                    entry.get("other", False),
                    entry.get("drained", False),
                ),
            )
        return
    told = json.loads(answer) if status in (200, 422) else {}
    results = told.get("results") or [{"status": status, "body": told}] * len(body["transfers"])
    for item, result in zip(body["transfers"], results, strict=True):
        sent = {name: value for name, value in item.items() if name != "idempotency_key"}
        # As the API writes it, so that it can be compared with the answer to a single transfer.
        text = json.dumps(result["body"], separators=(",", ":"), ensure_ascii=False)
        yield item["idempotency_key"], Attempt("/v1/transfers", sent, result["status"], text)


def _all_or_none(keys: list[str], book: Book) -> list[str]:
    stored = sum(book.keys.stream(key).bytes in book.begun for key in keys)
    if stored in (0, len(keys)):
        return []
    return [f"{stored} of the {len(keys)} items of the atomic batch of {keys[0]} are stored"]


def _judge_key(key: str, attempts: list[Attempt], book: Book, verdict: Verdict) -> Iterator[str]:
    stream = book.keys.stream(key)
    stored = book.begun.get(stream.bytes)
    counts = verdict.counts
    counts["retried"] += len(attempts) > 1
    first = [attempt for attempt in attempts if not attempt.other]
    yield from _codes(attempts)
    recorded = {a.answer for a in first if a.status and a.status < 500 and RECORDED in a.answer}
    if len(recorded) > 1:
        yield f"was answered in {len(recorded)} ways"
    if any(RECORDED in a.answer for a in attempts if a.other and a.status in (200, 201, 422)):
        yield "another body with the same key was taken"
    if not recorded:
        yield from _without_answer(first, stored, counts)
    elif stored is None:
        counts["lost"] += 1
        yield "was acknowledged, but is not stored"
        return
    if stored is not None:
        if first:
            yield from _same_as_sent(first[0], stored)
        for answer in recorded:
            accepted = stored.topic in COMPLETED
            counts["acknowledged" if accepted else "refused"] += 1
            yield from _same_as_told(json.loads(answer), identifier("", stream)[1:], stored)


def _codes(attempts: list[Attempt]) -> Iterator[str]:
    """Tell which refusals were not to be expected, and which expected ones did not come."""
    for attempt in attempts:
        status = attempt.status
        if status is None or status in UNDECIDED:
            continue
        if status in (200, 201):
            if attempt.expect:
                yield f"was done and {' or '.join(attempt.expect)} was expected"
            continue
        code = _code(attempt.answer)
        if code not in (attempt.expect or COMMON):
            yield f"was answered {status} {code}"


def _code(answer: str) -> str:
    try:
        return str(json.loads(answer)["code"])
    except (ValueError, KeyError, TypeError):
        return "in no way of the contract"


def _without_answer(
    attempts: list[Attempt], stored: Begun | None, counts: Counter[str]
) -> Iterator[str]:
    unknown = any(a.status is None or a.status in UNDECIDED for a in attempts)
    if not unknown:
        counts["rejected"] += 1
        if stored is not None:
            yield "was refused without a record, but is stored"
        return
    counts["unknown"] += 1
    counts["unknown_stored"] += stored is not None
    if stored is not None and any(a.drained for a in attempts):
        yield "was accepted by a process that drained, but not answered"


def _same_as_sent(sent: Attempt, stored: Begun) -> Iterator[str]:
    """Tell where what is stored is not what was asked for."""
    fields, body = json.loads(stored.state), sent.body
    pairs: dict[str, tuple[Any, Any]] = {}
    if "source_wallet_id" in body:
        pairs["amount"] = (_minor(body["amount"], body["currency"]), fields["amount"])
        for name in (
            *("currency", "source_wallet_id", "destination_wallet_id"),
            *("description", "reference", "metadata"),
        ):
            pairs[name] = (body.get(name), fields.get(name))
    elif "currency" in body:
        limit = body.get("overdraft_limit", None if body.get("kind") == "system" else "0")
        unlimited = limit in (None, "unlimited")
        minor = None if unlimited else _minor(str(limit), body["currency"])
        pairs["overdraft_limit"] = (minor, fields["overdraft_limit"])
        for name in ("name", "currency", "reference"):
            pairs[name] = (body.get(name), fields.get(name))
    else:
        *_, wallet, action = sent.path.split("/")
        pairs["wallet"] = (wallet, fields["wallet_id"])
        pairs["action"] = (action, fields["action"])
    for name, (asked, kept) in pairs.items():
        if asked != kept:
            yield f"{name} {asked!r} was asked for and {kept!r} is stored"


def _same_as_told(answer: dict[str, Any], digits: str, stored: Begun) -> Iterator[str]:
    """Tell where what was answered is not what is stored."""
    fields = json.loads(stored.state)
    pairs: dict[str, tuple[Any, Any]] = {"code": (answer.get("code"), fields.get("code"))}
    pairs["position"] = (answer.get("position"), stored.last)
    if stored.topic.startswith("payment."):
        pairs["payment_id"] = (answer.get("payment_id"), f"pay_{digits}")
    if stored.topic == "wallet.opened.v1":
        pairs["wallet_id"] = (answer.get("wallet_id"), f"wal_{digits}")
    if stored.topic == "payment.completed.v1":
        told = _minor(answer.get("amount", "0"), fields["currency"])
        pairs["amount"] = (told, fields["amount"])
        pairs["status"] = (answer.get("status"), "completed")
        at = stored.recorded_at.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        pairs["created_at"] = (answer.get("created_at"), at)
        for name in ("source_wallet_id", "destination_wallet_id", "currency", "description"):
            pairs[name] = (answer.get(name), fields.get(name))
    for name, (answered, kept) in pairs.items():
        if answered != kept:
            yield f"{name} was {answered!r} in the answer and is {kept!r} in the log"


def _minor(amount: str, currency: str) -> Decimal:
    return Decimal(amount).scaleb(DIGITS[currency])
