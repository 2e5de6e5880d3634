"""The checker finds each kind of lie in a book and in logs that are otherwise right."""

import json
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from tests.faults.book import Book, Row
from tests.faults.checker import fold, judge
from tests.faults.names import Keys, identifier

KEYS = Keys("somebody")
A, B, P, Q, F = (KEYS.stream(key) for key in ("a", "b", "p", "q", "f"))
WALLET_A, WALLET_B = identifier("wal", A), identifier("wal", B)
BEGUN = datetime(2026, 1, 1, tzinfo=UTC)
PRODUCT = ("domain", "application", "infrastructure", "projections", "interfaces")

Change = Callable[[list[Row]], list[Row]]


def row(position: int, stream: UUID, version: int, topic: str, place: str, **data: Any) -> Row:
    """Return a row of the event table; `place` is `command index count`."""
    command, index, count = place.split()
    metadata = {"command_id": command, "index": int(index), "count": int(count)}
    stored = json.dumps(metadata).encode()
    at = BEGUN + timedelta(seconds=position)
    return (position, stream, version, topic, json.dumps(data).encode(), stored, at)


def opened(position: int, key: str, limit: int | None) -> Row:
    """Return the opening of a wallet."""
    facts = {"kind": "personal", "class": "liability", "owner": "somebody", "name": key}
    facts |= {"reference": key, "currency": "EUR"}
    stream = KEYS.stream(key)
    place = f"c{position} 0 1"
    return row(position, stream, 1, "wallet.opened.v1", place, **facts, overdraft_limit=limit)


def payment(key: str = "p", amount: int = 500) -> dict[str, Any]:
    """Return the facts of a payment from A to B."""
    wallets = {"source_wallet_id": WALLET_A, "destination_wallet_id": WALLET_B}
    money = {"kind": "transfer", "amount": amount, "currency": "EUR", "description": key}
    return money | wallets | {"effective_at": "2026-01-01T00:00:03.000000Z"}


def transfer(position: int, key: str = "p", version: int = 2, amount: int = 500) -> list[Row]:
    """Return the three events of a payment."""
    facts = {"payment_id": identifier("pay", KEYS.stream(key)), "amount": amount}
    facts |= {"currency": "EUR", "effective_at": "2026-01-01T00:00:03.000000Z"}
    command = f"c{position}"
    completed, debited, credited = (
        "payment.completed.v1",
        "wallet.debited.v1",
        "wallet.credited.v1",
    )
    story = row(position, KEYS.stream(key), 1, completed, f"{command} 0 3", **payment(key, amount))
    out = row(position + 1, A, version, debited, f"{command} 1 3", **facts, counterparty=WALLET_B)
    into = row(position + 2, B, version, credited, f"{command} 2 3", **facts, counterparty=WALLET_A)
    return [story, out, into]


def declined(position: int, code: str, amount: int) -> Row:
    """Return a refusal on record."""
    facts = payment("q", amount) | {"code": code, "available": 0}
    return row(position, Q, 1, "payment.declined.v1", f"c{position} 0 1", **facts)


def frozen(position: int, version: int) -> list[Row]:
    """Return the freeze of wallet A."""
    request = {"action": "freeze", "wallet_id": WALLET_A}
    accepted = row(position, F, 1, "request.accepted.v1", f"c{position} 0 2", **request)
    freeze = {"side": "member", "reason": "f"}
    place = f"c{position} 1 2"
    return [accepted, row(position + 1, A, version, "wallet.frozen.v1", place, **freeze)]


def right() -> list[Row]:
    """Return two wallets, a payment of 5.00 between them, a refusal and a freeze."""
    book = [opened(1, "a", 900), opened(2, "b", 0), *transfer(3)]
    return [*book, declined(6, "insufficient-funds", 401), *frozen(7, 3)]


def changed(place: int, **data: Any) -> Change:
    """Return a change of an event's data."""

    def change(rows: list[Row]) -> list[Row]:
        old = rows[place]
        state = json.dumps({**json.loads(old[4]), **data}).encode()
        return [*rows[:place], (*old[:4], state, *old[5:]), *rows[place + 1 :]]

    return change


BROKEN: dict[str, tuple[Change, str]] = {
    "a hole": (lambda rows: [rows[0], *rows[2:]], "position 3 where 2"),
    "half a payment": (lambda rows: rows[:4], "ends at position 4 inside a command"),
    "a leg of another amount": (changed(3, amount=400), "that its payment does not tell of"),
    "a leg of another payee": (changed(4, counterparty=WALLET_B), "does not tell of"),
    "money out of nothing": (changed(4, amount=600), "EUR sums to 100"),
    "below the limit": (changed(0, overdraft_limit=499), "below its limit"),
    "a version twice": (lambda r: [*r[:3], (*r[3][:2], 1, *r[3][3:]), *r[4:]], "out of order"),
    "torn apart": (lambda r: [*r[:3], (*frozen(4, 2)[1],), *r[4:]], "not side by side"),
    "back in time": (lambda r: [*r[:5], (*r[5][:6], BEGUN), *r[6:]], "before the one before it"),
    "done again under another key": (
        lambda r: [*r[:6], *[(*e[:1], UUID(int=9), *e[2:]) for e in transfer(7, "p", 3)[:1]],
                   *transfer(7, "p", 3)[1:]],
        "an effect of 'p' which is not its key's",
    ),
    "refused for nothing": (changed(5, amount=400), "for want of money that was there"),
    "paid though frozen": (lambda r: [*r, *transfer(9, "x", 4, 1)], "is closed or frozen"),
    "money in no wallet": (lambda r: [r[0], *transfer(2)], "never opened"),
}  # fmt: skip
"""Each way in which the event table can break a promise, and what is said of it."""


@pytest.mark.parametrize("broken", BROKEN)
def test_a_broken_book_is_found(broken: str) -> None:
    change, said = BROKEN[broken]
    assert said in " | ".join(fold(change(right()), KEYS).faults)


SENT = {name: fact for name, fact in payment().items() if name not in ("kind", "effective_at")} | {
    "amount": "5.00"
}
TOLD = {
    "payment_id": identifier("pay", P),
    "status": "completed",
    "position": 5,
    **SENT,
    "created_at": "2026-01-01T00:00:03.000000Z",
}


def attempt(status: int | None = 201, *, key: str = "p", **answer: Any) -> dict[str, Any]:
    """Return a line of a client's log."""
    text = json.dumps({**TOLD, **answer}) if status else "ReadError"
    sent = {"path": "/v1/transfers", "key": key, "body": json.dumps(SENT), "place": "command"}
    return {**sent, "status": status, "answer": text, "sent": 0.0, "at": 1.0}


def problem(status: int, code: str, **more: Any) -> dict[str, Any]:
    """Return an attempt that was refused."""
    return {**attempt(), "status": status, "answer": json.dumps({"code": code, **more})}


REUSED = "idempotency-key-reused"


def others() -> list[dict[str, Any]]:
    """Return the attempts of everything in the book but the payment."""
    wallets = [
        {"name": key, "reference": key, "currency": "EUR", "overdraft_limit": limit}
        for key, limit in (("a", "9.00"), ("b", "0.00"))
    ]
    asked = [
        ("a", "/v1/wallets", wallets[0], 201, {"wallet_id": WALLET_A, "position": 1}),
        ("b", "/v1/wallets", wallets[1], 201, {"wallet_id": WALLET_B, "position": 2}),
        ("q", "/v1/transfers", SENT | {"amount": "4.01", "description": "q"}, 422,
         {"code": "insufficient-funds", "payment_id": identifier("pay", Q), "position": 6}),
        ("f", f"/v1/wallets/{WALLET_A}/freeze", {"reason": "f"}, 200, {"position": 8}),
    ]  # fmt: skip
    return [
        {**attempt(key=key), "path": path, "body": json.dumps(body), "status": status,
         "answer": json.dumps(answer)}
        for key, path, body, status, answer in asked
    ]  # fmt: skip


def judged(book: Book, attempts: list[dict[str, Any]], folder: Path) -> list[str]:
    """Return what the checker finds."""
    log = folder / "client.jsonl"
    log.write_text("".join(json.dumps(line) + "\n" for line in attempts))
    return judge(book, [log]).faults


@pytest.mark.parametrize(
    "attempts",
    [
        [attempt(None), attempt(), attempt()],
        [attempt(None)],
        [attempt(), {**problem(422, REUSED), "other": True, "expect": [REUSED]}],
        [problem(503, "service-unavailable"), attempt()],
    ],
    ids=["retried", "never answered", "another body refused", "unavailable at first"],
)
def test_what_is_right_passes(tmp_path: Path, attempts: list[dict[str, Any]]) -> None:
    assert judged(fold(right(), KEYS), [*others(), *attempts], tmp_path) == []


def test_an_unknown_outcome_may_be_absent(tmp_path: Path) -> None:
    asked = [*others()[:2], attempt(None)]
    assert judged(fold(right()[:2], KEYS), asked, tmp_path) == []


WRONG: dict[str, tuple[list[dict[str, Any]], str]] = {
    "two answers": ([attempt(), attempt(created_at="later")], "was answered in 2 ways"),
    "another position": ([attempt(position=4)], "position was 4 in the answer and is 5"),
    "another time": ([attempt(created_at="later")], "created_at was 'later'"),
    "another amount told": ([attempt(amount="5.01")], "amount was Decimal('501')"),
    "another payment told": ([attempt(payment_id="pay_0")], "payment_id was 'pay_0'"),
    "another amount stored": (
        [{**attempt(), "body": json.dumps(SENT | {"amount": "6.00"})}],
        "was asked for and 500 is stored",
    ),
    "refused but done": ([problem(422, "wallet-frozen", position=5, payment_id="")], "code was"),
    "refused without a record": ([problem(422, "wallet-frozen")], "but is stored"),
    "another body taken": ([attempt(), {**attempt(), "other": True}], "another body"),
    "done against all hope": (
        [{**attempt(), "expect": ["same-wallet"]}],
        "was done and same-wallet was expected",
    ),
    "a wallet that is gone": ([attempt(), problem(404, "wallet-not-found")], "answered 404"),
    "a fault of the service": ([attempt(), problem(500, "internal-error")], "answered 500"),
    "drained unanswered": ([{**attempt(None), "drained": True}], "by a process that drained"),
    "nobody asked": ([], "position 3 is stored, but nobody asked for it"),
}
"""Each way in which the clients can have been told something else, and what is said of it."""


@pytest.mark.parametrize("wrong", WRONG)
def test_a_wrong_answer_is_found(tmp_path: Path, wrong: str) -> None:
    attempts, said = WRONG[wrong]
    assert said in " | ".join(judged(fold(right(), KEYS), [*others(), *attempts], tmp_path))


def test_a_lost_command_is_found(tmp_path: Path) -> None:
    asked = [*others()[:2], attempt()]
    found = judged(fold(right()[:2], KEYS), asked, tmp_path)
    assert found == ["p: was acknowledged, but is not stored"]


@pytest.mark.parametrize(("mode", "found"), [("atomic", 1), ("independent", 0)])
def test_half_an_atomic_batch_is_found(tmp_path: Path, mode: str, found: int) -> None:
    items = [SENT | {"idempotency_key": "p"}, SENT | {"idempotency_key": "z", "description": "z"}]
    body = json.dumps({"mode": mode, "transfers": items})
    batch = {**attempt(None), "key": None, "body": body, "path": "/v1/transfers/batch"}
    faults = judged(fold(right(), KEYS), [*others(), batch], tmp_path)
    assert len(faults) == found


def test_the_checker_shares_no_code_with_the_ledger() -> None:
    """What judges imports nothing of the product, not even through others."""
    modules = ", ".join(
        f"tests.faults.{name}"
        for name in (
            "book",
            "checker",
            "told",
            "tables",
            "topic",
            "reporting",
            "seals",
            "tree",
            "heard",
            "listening",
            "witness",
            "recoveries",
            "drawing",
            "client",
        )
    )
    code = f"import sys, {modules}; print(*{{name.split('.')[0] for name in sys.modules}})"
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        cwd=Path(__file__).parents[2],
    )
    assert not set(done.stdout.split()) & set(PRODUCT)
