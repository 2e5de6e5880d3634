"""Judges a run from outside: what the clients were told against what the event table says.

It shares no code with the ledger. A client's log has one JSON object a line for each attempt:
the request as `drawing.Request` has it, `place`, `status` (none where no answer came), `answer`
as text, and when it was `sent` and `at` which time it was over.
"""

import json
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID

from tests.faults.book import Begun, Book, Row
from tests.faults.names import PERIOD_CLOSED, Keys
from tests.faults.told import ACTIONS, same_as_sent, same_as_told

RECORDED = '"position":'
UNDECIDED = (502, 503, 504)
"""Answers after which nobody knows, or nothing was done; 500 is a fault of the product."""

COMMON = {
    *("insufficient-funds", "wallet-frozen", "wallet-closed", "payee-unavailable"),
    *("wallet-not-empty", "not-executed", "batch-refused", "overloaded", "rate-limited"),
    "limit-exceeded",
}
"""Codes that may refuse a command from which nothing else is expected."""

ON_HOLD = {"hold-expired", "hold-already-released", "hold-already-captured", "amount-exceeds-hold"}
DECIDED = {"approval-not-needed", "already-approved", "role-missing"}
ALSO = {
    "capture": {*ON_HOLD, "period-closed"},
    "release": ON_HOLD,
    "increase": ON_HOLD,
    "refund": {"amount-exceeds-payment", "already-reversed", "not-refundable"},
    "reverse": {"already-reversed", "already-refunded", "not-reversible"},
    "approve": DECIDED,
    "reject": DECIDED,
    # By a database's clock that is ahead, today is over.
    "schedules": {"invalid-request"},
    # Somebody closes the period in which it is dated; the book knows whether it was.
    **{end: {"period-closed"} for end in ("transfers", "holds", "periods/close")},
}
"""Codes by which what was done meanwhile may refuse a command, by the end of its path."""

Key = tuple[str | None, str]
"""Whose key it is, none being the campaign's own, and the key."""

COMPLETED = {
    *("payment.completed.v1", "payment.authorized.v1", "payment.approval_requested.v1"),
    *("wallet.opened.v1", "schedule.created.v1", "request.accepted.v1", PERIOD_CLOSED),
}


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


def fold(
    rows: Iterable[Row],
    keys: Keys,
    *watchers: Callable[[Book, Row], None],
    now: datetime | None = None,
) -> Book:
    """Fold all events; each watcher is told of every event once it is folded.

    By `now` everything that is due must have been done; none asks for nothing.
    """
    book = Book(keys)
    for row in rows:
        book.add(row)
        for watch in watchers:
            watch(book, row)
    book.finish(now)
    return book


def judge(book: Book, logs: Iterable[Path]) -> Verdict:
    """Return what is wrong with the log, or with what the clients were told."""
    verdict = Verdict(list(book.faults))
    verdict.counts["doubled"] = book.doubled
    asked = set(book.derived)
    unkeyed: Counter[str] = Counter()
    for log in logs:
        batches: list[list[str]] = []
        for (subject, key), attempts in _attempts(log, batches, unkeyed, verdict).items():
            stream = book.keys.of(subject).stream(key)
            asked.add(stream.bytes)
            verdict.faults += [
                f"{key}: {fault}" for fault in _judge_key(stream, attempts, book, verdict)
            ]
        verdict.faults += [fault for keys in batches for fault in _all_or_none(keys, book)]
    unasked = sorted(set(book.begun) - asked, key=lambda stream: book.begun[stream].position)
    strangers = [stream for stream in unasked if not _unkeyed(book, stream, unkeyed)]
    verdict.faults += [
        f"position {book.begun[stream].position} is stored, but nobody asked for it"
        for stream in strangers[:20]
    ]
    verdict.counts |= Counter(_counted(book))
    return verdict


def _counted(book: Book) -> dict[str, int]:
    counts, stories = book.stories.counts, book.stories.told.values()
    undone = Counter(s.kind for s in stories if s.status != "declined")
    return {
        "events": book.events,
        "holds": undone["hold"],
        "captures": counts["captured"],
        "expired": counts["expired"],
        "refunds": undone["refund"],
        "reversals": undone["reversal"],
        "splits": undone["split"],
        "approvals": counts["approved"],
        "occurrences": book.schedules.ran,
        "periods": book.periods.closed,
        "too_late": book.periods.refused,
        "backdated": book.periods.backdated,
    }


def _unkeyed(book: Book, stream: bytes, asked: Counter[str]) -> bool:
    """Whether somebody asked for this without a key, with which each attempt is a command."""
    fields = json.loads(book.begun[stream].state)
    name = f"{fields.get('wallet_id')} {fields.get('action')}"
    asked[name] -= 1
    return asked[name] >= 0


def _attempts(
    log: Path, batches: list[list[str]], unkeyed: Counter[str], verdict: Verdict
) -> dict[Key, list[Attempt]]:
    """Return the attempts of each key in a client's log.

    The keys of atomic batches are kept, and what was asked for without one is counted.
    """
    attempts: dict[Key, list[Attempt]] = defaultdict(list)
    with log.open() as lines:
        for line in lines:
            entry = json.loads(line)
            verdict.counts["attempts"] += 1
            verdict.counts["unanswered"] += entry["status"] is None
            body = json.loads(entry["body"])
            for key, attempt in _commands(entry, body):
                attempts[entry.get("by"), key].append(attempt)
            if entry.get("method") == "PUT":
                *_, wallet, word = entry["path"].split("/")
                unkeyed[f"{wallet} {ACTIONS[word]}"] += 1
                verdict.faults += _codes([_attempt(entry, body)])
            if body.get("mode") == "atomic":
                batches.append([item["idempotency_key"] for item in body["transfers"]])
    return attempts


def _commands(entry: dict[str, Any], body: dict[str, Any]) -> Iterator[tuple[str, Attempt]]:
    """Yield what one request asks for: one command, those of a batch, or none (a dry run)."""
    status, answer = entry["status"], entry["answer"] or ""
    if "transfers" not in body:
        if entry.get("key"):
            yield entry["key"], _attempt(entry, body)
        return
    told = json.loads(answer) if status in (200, 422) else {}
    results = told.get("results") or [{"status": status, "body": told}] * len(body["transfers"])
    for item, result in zip(body["transfers"], results, strict=True):
        sent = {name: value for name, value in item.items() if name != "idempotency_key"}
        # As the API writes it, so that it can be compared with the answer to a single transfer.
        text = json.dumps(result["body"], separators=(",", ":"), ensure_ascii=False)
        yield item["idempotency_key"], Attempt("/v1/transfers", sent, result["status"], text)


def _attempt(entry: dict[str, Any], body: dict[str, Any]) -> Attempt:
    return Attempt(
        entry["path"],
        body,
        entry["status"],
        entry["answer"] or "",
        tuple(entry.get("expect", ())),
        entry.get("other", False),
        entry.get("drained", False),
    )


def _all_or_none(keys: list[str], book: Book) -> list[str]:
    stored = sum(book.keys.stream(key).bytes in book.begun for key in keys)
    if stored in (0, len(keys)):
        return []
    return [f"{stored} of the {len(keys)} items of the atomic batch of {keys[0]} are stored"]


def _judge_key(
    stream: UUID, attempts: list[Attempt], book: Book, verdict: Verdict
) -> Iterator[str]:
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
            yield from same_as_sent(first[0].path, first[0].body, stored)
        for answer in recorded:
            accepted = stored.topic in COMPLETED
            counts["acknowledged" if accepted else "refused"] += 1
            yield from same_as_told(json.loads(answer), stored, stream)


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
        *_, before, last = attempt.path.split("/")
        also = ALSO.get(f"{before}/{last}") or ALSO.get(last, set())
        if code not in (attempt.expect or COMMON | also):
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
