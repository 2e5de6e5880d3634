"""The checker finds each lie about holds, refunds, approvals, limits and schedules."""

import copy
import json
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from tests.faults.checker import fold, judge
from tests.faults.forged import (
    BEFORE,
    BEGUN,
    DAY,
    KEYS,
    OTHER,
    YESTERDAY,
    A,
    Commands,
    S,
    living,
    moment,
    pay,
    rows,
)
from tests.faults.names import identifier

Change = Callable[[Commands], None]
END = BEGUN + timedelta(seconds=60)
SCHEDULE = identifier("sch", KEYS.stream("k"))


def faults(change: Change, now: datetime | None = END) -> str:
    """Return what is said of the book after a change."""
    commands = living()
    change(commands)
    return " | ".join(fold(rows(commands), KEYS, now=now).faults)


def alter(command: str, place: int, **fields: Any) -> Change:
    """Return a change of what one event says."""

    def change(commands: Commands) -> None:
        commands[command].events[place][1].update(fields)

    return change


def stands(command: str, place: int, **fields: Any) -> Change:
    """Return a change of how a payment stands after one event."""

    def change(commands: Commands) -> None:
        commands[command].events[place][1]["standing"].update(fields)

    return change


def drop(command: str, *places: int) -> Change:
    """Return a change without some events of a command, or without all of it."""

    def change(commands: Commands) -> None:
        kept = [e for n, e in enumerate(commands[command].events) if n not in places]
        commands[command].events = kept if places else []

    return change


def again(command: str, at: float = 55, stream: UUID | None = None) -> Change:
    """Return a change that does a command once more at the end, in another stream."""

    def change(commands: Commands) -> None:
        another = copy.deepcopy(commands[command])
        another.at, another.stream = at, stream or UUID(int=7)
        commands["again"] = another

    return change


def later(command: str, seconds: float) -> Change:
    """Return a change of when a command was recorded."""

    def change(commands: Commands) -> None:
        commands[command].at = seconds

    return change


def in_stream(command: str, stream: UUID) -> Change:
    """Return a change of the stream in which a command is answered."""

    def change(commands: Commands) -> None:
        commands[command].stream = stream

    return change


def test_the_book_is_right() -> None:
    assert faults(lambda _: None) == ""


FORGED: dict[str, tuple[Change, str]] = {
    "captured after its time": (later("c1", 70.0), "goes on after its time"),
    "captured after its end": (again("c1"), "goes on after its end as partially-refunded"),
    "released after its release": (again("yr"), "goes on after its end as cancelled"),
    "captured too much": (alter("c2", 1, amount=250), "has 200 left, of which 250 were captured"),
    "freed too little": (alter("c2", 1, released=40), "has 200 left"),
    "released too little": (alter("yr", 1, amount=60), "released by 60 where 70 were held"),
    "shown otherwise": (stands("c1", 1, left=150), "left of"),
    "expired too early": (later("xe", 26.0), "expired before its time"),
    "expired twice": (again("xe"), "was released after its end"),
    "expired by chance": (in_stream("xe", UUID(int=9)), "by a command of no derived id"),
    "never expired": (drop("xe"), "still holds money"),
    "refunded too much": (alter("r", 1, amount=300), "and 300 of it were refunded"),
    "refunded untold": (drop("r", 1), "gives back and nothing is told"),
    "refunded to another": (alter("r", 0, destination_wallet_id=S), "between other wallets"),
    "refund told of none": (alter("r", 1, refund_payment_id=pay("t")), "that is not beside it"),
    "reversed twice": (again("v"), "was reversed and is reversed"),
    "reversed in part": (alter("v", 1, amount=30), "was reversed by another amount"),
    "held otherwise": (alter("x", 1, amount=90), "holds 90 and its payments 80"),
    "freed otherwise": (alter("yr", 2, amount=60), "holds 10 and its payments 0"),
    "held below the limit": (alter("a", 0, overdraft_limit=299), "below its limit"),
    "past the limit of a day": (alter("limits", 1, per_day=299), "gave 300 on 2026-01-01"),
    "past that of a payment": (alter("limits", 1, per_payment=299), "the limit of a payment"),
    "given back otherwise": (alter("yr", 2, given_back=0), "that its payment does not tell of"),
    "not counted": (alter("t", 1, counted=0), "that its payment does not tell of"),
    "approved by oneself": (alter("ok", 1, by="somebody"), "decided on by who asked for it"),
    "approved by a stranger": (alter("ok", 1, by="nobody"), "by who owns none of its wallets"),
    "approved after its end": (again("ok"), "was decided on and did not wait"),
    "carried out unapproved": (drop("ok", 1), "was carried out with 0 of 1 owners"),
    "carried out twice": (again("ok"), "was carried out and did not wait"),
    "rejected by oneself": (alter("no", 1, by="somebody"), "decided on by who asked for it"),
    "paid without owners": (alter("above", 1, above=10), "did not wait for other owners"),
    "run twice": (again("run"), f"{DAY} of {SCHEDULE} ends twice"),
    "run before its day": (alter("run", 2, on="2026-01-02"), "was tried before its day"),
    "run by chance": (in_stream("run", UUID(int=9)), "by a command that does not follow from it"),
    "run by another payment": (alter("run", 2, payment_id=pay("t")), "that is not its own"),
    "never run": (drop("run"), f"was due on {DAY} and was not run"),
    "a date left out": (stands("run", 2, next_on="2026-01-03"), "is followed by 2026-01-03"),
    "dated in a closed period": (again("e"), "2025-12-31T12:00:00.000000Z after that day was"),
    "refused for an open day": (alter("p", 0, through="2025-12-30"), "that was not closed"),
    "closed before it is over": (alter("p", 0, through=DAY), "is closed and is not over"),
    "closed twice": (again("p"), f"{BEFORE} is closed again"),
    "nobody's command": (drop("c1", 0), "a command that begins with payment.captured.v1"),
}
"""Each way in which a payment that lives on can break a promise, and what is said of it."""


@pytest.mark.parametrize("forged", FORGED)
def test_a_forged_book_is_found(forged: str) -> None:
    change, said = FORGED[forged]
    assert said in faults(change)


def line(
    key: str, path: str, body: Any, answer: dict[str, Any], status: int = 200
) -> dict[str, Any]:
    """Return a line of a client's log."""
    asked = {"path": path, "body": json.dumps(body), "key": key, "place": "command"}
    return {**asked, "status": status, "answer": json.dumps(answer)}


def hold(**more: Any) -> dict[str, Any]:
    """Return what was asked for and answered of the hold `h`."""
    began = rows(living())[position("h") - 1]
    names = ("source_wallet_id", "destination_wallet_id", "currency", "description")
    facts = {name: json.loads(began[4])[name] for name in names}
    body = {**facts, "amount": "3.00", "expires_in": 60}
    told = {**facts, "amount": "3.00", "status": "authorized", "payment_id": pay("h")}
    told |= {"created_at": moment(10), "position": position("h") + 1}
    return line("h", "/v1/holds", body | more.pop("body", {}), told | more, 201)


def position(command: str) -> int:
    """Return where a command's first event stands."""
    commands = living()
    names = list(commands)
    before = names[: names.index(command)]
    return 1 + sum(len(commands[name].events) for name in before)


def capture(**more: Any) -> dict[str, Any]:
    """Return what was asked for and answered of the first capture."""
    told = {"payment_id": pay("h"), "status": "authorized", "position": position("c1") + 3}
    told |= {"currency": "EUR", "captured": "1.00", "left": "2.00", "refundable": "1.00"}
    path = more.pop("path", f"/v1/holds/{pay('h')}/capture")
    return line("c1", path, {"amount": "1.00", "final": False}, told | more)


def member(role: str) -> dict[str, Any]:
    """Return what was asked for and answered of the other owner's role."""
    body = {"user_id": OTHER, "role": role}
    return line("m", f"/v1/wallets/{S}/members", body, {"position": position("m") + 1}, 201)


def refund(**more: Any) -> dict[str, Any]:
    """Return what was asked for and answered of the refund."""
    body = {"amount": "1.00", "reason": "r"} | more.pop("body", {})
    began = json.loads(rows(living())[position("r") - 1][4])
    names = ("source_wallet_id", "destination_wallet_id", "currency", "description")
    told = {name: began[name] for name in names}
    told |= {"original_payment_id": pay("h"), "amount": "1.00", "status": "completed"}
    told |= {"payment_id": pay("r"), "created_at": moment(13), "position": position("r") + 3}
    path = more.pop("path", f"/v1/payments/{pay('h')}/refund")
    return line("r", path, body, told | more, 201)


def closing(through: str = BEFORE, **more: Any) -> dict[str, Any]:
    """Return what was asked for and answered of the closing of a period."""
    body = {"through": through, "reason": "p"}
    told = {**body, "through": BEFORE, "position": position("p")}
    told["operation_id"] = identifier("opr", KEYS.stream("p"))
    return line("p", "/v1/operations/periods/close", body, told | more)


def backdated(value_date: float = -YESTERDAY) -> dict[str, Any]:
    """Return what was asked for and answered of the payment under yesterday's date."""
    began = json.loads(rows(living())[position("e") - 1][4])
    names = ("source_wallet_id", "destination_wallet_id", "currency", "description")
    told = {name: began[name] for name in names} | {"amount": "0.25"}
    body = {**told, "effective_at": moment(value_date)}
    told |= {"payment_id": pay("e"), "status": "completed", "created_at": moment(52)}
    return line("e", "/v1/transfers", body, told | {"position": position("e") + 2}, 201)


LIMITS = {
    **line("", f"/v1/wallets/{A}/limits", {"per_day": "9.00"}, {}),
    "key": None,
    "method": "PUT",
}


def said(tmp_path: Path, *lines: dict[str, Any]) -> list[str]:
    """Return what the checker says of these lines, but for what nobody asked for."""
    log = tmp_path / "client.jsonl"
    log.write_text("".join(json.dumps(each) + "\n" for each in lines))
    return judge(fold(rows(living()), KEYS, now=END), [log]).faults


def stranger(command: str) -> str:
    """Return what is said of a command that nobody asked for."""
    return f"position {position(command)} is stored, but nobody asked for it"


def test_right_answers_pass(tmp_path: Path) -> None:
    periods = (closing(), backdated())
    found = said(tmp_path, hold(), capture(), refund(), member("owner"), LIMITS, *periods)
    assert [fault for fault in found if "nobody asked for it" not in fault] == []


@pytest.mark.parametrize(
    ("lines", "fault"),
    [
        ([hold(body={"expires_in": 61})], "h: expires_in 61 was asked for and 60 is stored"),
        ([hold(status="completed")], "h: status was 'completed' in the answer"),
        ([capture(status="completed")], "c1: status was 'completed' in the answer"),
        ([capture(payment_id=pay("x"))], "c1: payment_id was"),
        ([capture(left="1.99")], "c1: left was Decimal('199') in the answer and is 200"),
        ([capture(captured="0.99")], "c1: captured was Decimal('99') in the answer and is 100"),
        ([member("spender")], "m: member {'user_id': 'another owner', 'role': 'spender'} was"),
        ([capture(path=f"/v1/holds/{pay('x')}/capture")], "c1: subject"),
        ([capture(path=f"/v1/holds/{pay('h')}/release")], "c1: action 'release' was asked for"),
        ([refund(body={"amount": "2.00"})], "r: amount Decimal('200') was asked for"),
        ([refund(path=f"/v1/payments/{pay('t')}/refund")], "r: original"),
        ([refund(path=f"/v1/payments/{pay('h')}/reverse")], "r: kind 'reversal' was asked for"),
        ([closing(through="2025-12-30")], "p: through '2025-12-30' was asked for"),
        ([closing(through=BEFORE, position=1)], "p: position was 1 in the answer"),
        ([closing(operation_id="opr_")], "p: operation_id was 'opr_' in the answer"),
        ([backdated(-2 * YESTERDAY)], "e: effective_at '2025-12-30T12:00:00.000000Z' was asked"),
    ],
)
def test_wrong_answers_are_found(tmp_path: Path, lines: list[dict[str, Any]], fault: str) -> None:
    assert fault in " | ".join(said(tmp_path, *lines))


def test_what_has_no_key_was_asked_for_as_often_as_it_is_stored(tmp_path: Path) -> None:
    assert stranger("limits") in said(tmp_path, hold())
    assert stranger("limits") not in said(tmp_path, hold(), LIMITS)


def test_keys_are_those_of_who_asks(tmp_path: Path) -> None:
    """An approval has the key of another owner; the same key of the campaign's is none."""
    told = {"payment_id": pay("q"), "status": "completed", "position": position("ok") + 4}
    asked = line("ok", f"/v1/payments/{pay('q')}/approve", {"reason": "ok"}, told)
    assert stranger("ok") not in said(tmp_path, {**asked, "by": OTHER})
    assert "ok: was acknowledged, but is not stored" in said(tmp_path, asked)


def test_the_workers_own_commands_need_nobody(tmp_path: Path) -> None:
    found = said(tmp_path)
    assert stranger("xe") not in found
    assert stranger("run") not in found
    assert stranger("yr") in found
