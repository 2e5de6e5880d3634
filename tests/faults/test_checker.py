"""The checker finds each kind of broken promise in rows and logs that are otherwise right."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from tests.faults.checker import judge

Row = tuple[int, UUID, int, str, bytes, bytes]
Rows = list[Row]

SOURCE, DESTINATION, PAYMENT = UUID(int=1), UUID(int=2), UUID(int=3)
SENT = {"amount": "5.00", "source_wallet_id": "wal_S", "destination_wallet_id": "wal_D"}
ANSWER = {"payment_id": "pay_P", "status": "completed", "position": 5}


def row(
    position: int, stream: UUID, version: int, topic: str, index: int, count: int, **data: Any
) -> Row:
    """Return a row of the event table."""
    metadata = {"command_id": f"c{position - index}", "index": index, "count": count}
    return (
        position,
        stream,
        version,
        topic,
        json.dumps(data).encode(),
        json.dumps(metadata).encode(),
    )


def leg(position: int, stream: UUID, topic: str, index: int, amount: int = 500) -> Row:
    """Return the debit or credit of the payment."""
    fields = {"payment_id": "pay_P", "amount": amount, "currency": "EUR"}
    return row(position, stream, 2, topic, index, 3, **fields)


def right() -> Rows:
    """Return two wallets and a payment between them."""
    return [
        row(1, SOURCE, 1, "wallet.opened.v1", 0, 1, overdraft_limit=500),
        row(2, DESTINATION, 1, "wallet.opened.v1", 0, 1, overdraft_limit=0),
        row(
            3,
            PAYMENT,
            1,
            "payment.completed.v1",
            0,
            3,
            description="key",
            amount=500,
            source_wallet_id="wal_S",
            destination_wallet_id="wal_D",
        ),
        leg(4, SOURCE, "wallet.debited.v1", 1),
        leg(5, DESTINATION, "wallet.credited.v1", 2),
    ]


def attempt(status: int | None = 201, **answer: Any) -> dict[str, Any]:
    """Return a line of a client's log."""
    text = json.dumps({**ANSWER, **answer}) if status else "ReadError"
    return {"key": "key", "body": json.dumps(SENT), "status": status, "answer": text}


def faults(rows: Rows, attempts: list[dict[str, Any]], folder: Path) -> list[str]:
    """Return what the checker finds."""
    log = folder / "client.jsonl"
    log.write_text("".join(json.dumps(line) + "\n" for line in attempts))
    return judge(rows, [log])[0]


def test_what_is_right_passes(tmp_path: Path) -> None:
    """An acknowledged payment that is stored once, retried and lost answers included."""
    assert faults(right(), [attempt(None), attempt(), attempt()], tmp_path) == []


def test_an_unknown_outcome_may_be_either(tmp_path: Path) -> None:
    """Without an answer the payment may be stored or not."""
    assert faults(right(), [attempt(None)], tmp_path) == []
    assert faults(right()[:2], [attempt(None)], tmp_path) == []


BROKEN: dict[str, Callable[[Rows], Rows]] = {
    "acknowledged, but not stored": lambda rows: rows[:2],
    "a hole": lambda rows: [rows[0], *rows[2:]],
    "half a payment": lambda rows: rows[:4],
    "another amount": lambda rows: [
        *rows[:3],
        leg(4, SOURCE, "wallet.debited.v1", 1, 400),
        rows[4],
    ],
    "below the limit": lambda rows: [
        row(1, SOURCE, 1, "wallet.opened.v1", 0, 1, overdraft_limit=499),
        *rows[1:],
    ],
    "a version twice": lambda rows: [
        rows[0],
        row(2, SOURCE, 1, "wallet.opened.v1", 0, 1, overdraft_limit=0),
    ],
    "torn apart": lambda rows: [*rows[:3], row(4, DESTINATION, 2, "wallet.frozen.v1", 0, 1)],
    "doubled": lambda rows: [
        *rows,
        *(
            row(n + 3, UUID(int=9) if n == 3 else s, v + (n > 3), t, n - 3, 3, **json.loads(d))
            for n, s, v, t, d, _ in rows[2:]
        ),
    ],
}


@pytest.mark.parametrize("broken", BROKEN)
def test_a_broken_book_is_found(tmp_path: Path, broken: str) -> None:
    """Each way in which the event table can break a promise."""
    assert faults(BROKEN[broken](right()), [attempt()], tmp_path)


@pytest.mark.parametrize(
    "attempts",
    [
        [attempt(), attempt(position=6)],
        [attempt(position=4)],
        [{**attempt(422), "answer": '{"code": "wallet-frozen", "payment_id": "p", "position": 5}'}],
        [{**attempt(403), "answer": '{"code": "scope-missing"}'}],
    ],
    ids=["two answers", "wrong position", "refused but done", "refused without a record"],
)
def test_a_wrong_answer_is_found(tmp_path: Path, attempts: list[dict[str, Any]]) -> None:
    """Each way in which an answer can differ from what is stored."""
    assert faults(right(), attempts, tmp_path)


def test_money_that_nobody_asked_for_is_found(tmp_path: Path) -> None:
    """A payment without a request is a fault."""
    assert faults(right(), [], tmp_path)
