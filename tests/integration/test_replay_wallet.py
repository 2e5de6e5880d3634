"""`replay wallet` shows a wallet as it stood, and never a command that is cut in two."""

import json
from typing import Any

import pytest

from domain.instants import instant, next_midnight
from tests.altered_book import Book, paying, submit, wallet_of, write_book
from tests.books import falcon, falcon_json
from tests.every_payment import write_every_payment
from tests.servers import FreshDatabases


def shown(book: Book, number: int, *words: object) -> dict[str, Any]:
    return falcon_json(book.databases, "replay", "wallet", wallet_of(number), *words)


def test_a_wallet_is_shown_with_all_that_led_to_it(book: Book) -> None:
    found = shown(book, 2)
    events = found.pop("events")
    opened_at = found.pop("opened_at")
    assert found == {
        "wallet_id": wallet_of(2),
        "position": 20,
        "name": "two",
        "kind": "personal",
        "class": "liability",
        "currency": "EUR",
        "owner": "tests",
        "reference": None,
        "status": "open",
        "frozen_by": [],
        "posted": "0.01",
        "held": "0.00",
        "available": "0.01",
        "overdraft_limit": "1.00",
        "limits": {"per_payment": None, "per_day": None},
        "approvals": {"required": 0, "above": "0.00"},
        "members": {"tests": "owner"},
        "holds": [],
    }
    assert [event["position"] for event in events] == [2, 6, 8, 14, 16, 20]
    assert [event["posted"] for event in events] == ["0.00", "5.00", "3.00", "3.00", "0.00", "0.01"]
    assert [event["version"] for event in events] == [1, 2, 3, 4, 5, 6]
    assert events[0]["recorded_at"] == opened_at
    assert events[2]["data"]["counterparty"] == wallet_of(3)
    assert [event["effective_at"] is not None for event in events] == [
        *(False, True, True),
        *(False, True, True),
    ]


@pytest.mark.parametrize(
    ("at", "position", "posted"),
    [
        (20, 20, "0.01"),
        (19, 17, "0.00"),
        (18, 17, "0.00"),
        (9, 9, "3.00"),
        (8, 6, "5.00"),
        (5, 3, "0.00"),
        (2, 2, "0.00"),
        (10**30, 20, "0.01"),
        ("9" * 5_000, 20, "0.01"),
    ],
)
def test_a_position_inside_a_command_is_rounded_down_to_the_one_before(
    book: Book, at: object, position: int, posted: str
) -> None:
    found = shown(book, 2, "--at", at)
    assert (found["position"], found["posted"]) == (position, posted)
    assert all(event["position"] <= position for event in found["events"])


def test_a_time_is_the_last_position_recorded_by_then(book: Book) -> None:
    row = book.ledger.execute(
        "SELECT recorded_at FROM events WHERE notification_id = 20"
    ).fetchone()
    assert row is not None
    last = instant(row[0])
    assert shown(book, 2, "--at", last)["position"] == 20
    assert shown(book, 2, "--at", next_midnight(last))["position"] == 20
    assert shown(book, 3, "--at", last)["status"] == "frozen"


@pytest.mark.parametrize(
    ("wallet", "words", "code", "reason"),
    [
        (wallet_of(99), (), 1, "There is no wallet"),
        (wallet_of(2), ("--at", "1"), 1, "at position 1"),
        (wallet_of(2), ("--at", "2001-01-01T00:00:00Z"), 1, "at position 0"),
        ("wal_1", (), 2, "is no wallet's id"),
        (wallet_of(2).replace("wal_", "pay_"), (), 2, "is no wallet's id"),
        (wallet_of(2), ("--at", "yesterday"), 2, "--at is 'yesterday'"),
        (wallet_of(2), ("--at", "-1"), 2, "--at is '-1'"),
    ],
)
def test_what_is_not_there_is_one_sentence(
    book: Book, wallet: str, words: tuple[str, ...], code: int, reason: str
) -> None:
    done = falcon(book.databases, "replay", "wallet", wallet, *words)
    assert (done.returncode, done.stdout) == (code, "")
    assert reason in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_people_are_shown_tables_that_are_whole(book: Book) -> None:
    done = falcon(book.databases, "replay", "wallet", wallet_of(2))
    assert done.returncode == 0
    assert "-2.00" in done.stdout
    first = json.loads(falcon(book.databases, "replay", "wallet", wallet_of(2), "--json").stdout)
    assert first["opened_at"] in done.stdout


def test_people_are_shown_the_last_events_of_many(databases: FreshDatabases) -> None:
    """A till has more than anybody reads; JSON has all of them."""
    write_book(databases)
    submit(databases, [paying(1, 2, 3) for _ in range(120)], begin=100)
    till = wallet_of(1)
    shown = falcon(databases, "replay", "wallet", till).stdout
    found = falcon_json(databases, "replay", "wallet", till)["events"]
    assert f"These are the last of {len(found)} events: --json lists all." in shown
    lines = [line for line in shown.splitlines() if "wallet.debited.v1" in line]
    assert (len(found), len(lines)) == (123, 100)
    assert str(found[-1]["position"]) in lines[-1]


def test_open_holds_are_shown_as_they_were(databases: FreshDatabases) -> None:
    """What is held for which payment and until when; who has frozen it, too."""
    names = write_every_payment(databases)
    ann = names.wallets["ann"]
    found = falcon_json(databases, "replay", "wallet", ann)
    payments = {payment: name for name, payment in names.payments.items()}
    held = {payments[hold["payment_id"]]: hold["amount"] for hold in found["holds"]}
    assert held == {"held": "50.00", "captured in part": "50.00"}
    (frozen,) = (e["position"] for e in found["events"] if e["type"] == "wallet.frozen.v1")
    then = falcon_json(databases, "replay", "wallet", ann, "--at", frozen)
    assert (then["status"], then["frozen_by"]) == ("frozen", ["member"])
    assert "run out" in {payments[hold["payment_id"]] for hold in then["holds"]}
    assert all(hold["expires_at"] > found["opened_at"] for hold in then["holds"])


def test_an_event_that_cannot_be_read_is_one_sentence(book: Book) -> None:
    book.ledger.execute("UPDATE events SET state = '{' WHERE notification_id = 6")
    for words in (("wallet", wallet_of(2)), ("diff", "0", "20")):
        done = falcon(book.databases, "replay", *words)
        assert (done.returncode, done.stdout, len(done.stderr.splitlines())) == (1, "", 1)
        assert "./falcon replay verify tells which" in done.stderr
