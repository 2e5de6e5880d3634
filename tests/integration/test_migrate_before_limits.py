"""A ledger that the version before limits has written goes on as if it had been written today."""

import json
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg
import pytest

from application.commands import Answer
from domain.holds import CaptureHold
from domain.identifiers import WalletId, bits, payment_id, wallet_id
from domain.wallet_rules import ChangeLimits
from infrastructure.databases.migrate import MIGRATIONS, migrate
from infrastructure.databases.provision import provision
from tests.aftermath import aftermath, told
from tests.servers import FreshDatabases
from tests.written import OPERATOR, Written

BEFORE = 2
"""The last migration of the ledger, and of its reports, in the version before."""

Row = tuple[UUID, int, str, dict[str, Any]]


@pytest.fixture
def old(databases: FreshDatabases, tmp_path: Path) -> FreshDatabases:
    """Give a second ledger as the version before has made it."""
    settings = replace(databases.settings, ledger="old")
    provision(databases.admin, settings, databases.secrets)
    folder = tmp_path / "migrations"
    shutil.copytree(MIGRATIONS, folder)
    for file in [*folder.glob("ledger/*.sql"), *folder.glob("reports/*.sql")]:
        if int(file.name[:4]) > BEFORE:
            file.unlink()
    migrate(databases.admin, settings, folder)
    return replace(databases, settings=settings)


@pytest.fixture
def writer(old: FreshDatabases) -> Iterator[Written]:
    """Give a writer of the version of today, which connects when it is first used."""
    made = Written(old.settings, old.secrets)
    yield made
    made.close()


def stored(connection: psycopg.Connection, days_ago: int, fingerprint: str, *rows: Row) -> None:
    """Store a command's events as the version before stored them."""
    columns: list[list[Any]] = [[], [], [], [], []]
    for index, (stream, version, type_name, fields) in enumerate(rows):
        metadata: dict[str, Any] = {"command_id": "x", "index": index, "count": len(rows)}
        if index == 0:
            actor = {"sub": OPERATOR.subject, "client_id": "tests", "right": "member"}
            metadata |= {"actor": actor, "answer_version": 1, "fingerprint": fingerprint}
        values = (stream, version, type_name, json.dumps(fields).encode())
        for column, value in zip(columns, (*values, json.dumps(metadata).encode()), strict=True):
            column.append(value)
    connection.execute(
        "SELECT * FROM append(%s::uuid[], %s::bigint[], %s::text[], %s::bytea[], %s::bytea[],"
        " clock_timestamp() - make_interval(days => %s), 'infinity')",
        (*columns, days_ago),
    )


def opened(wallet: WalletId, limit: int | None) -> Row:
    fields = {
        "kind": "personal",
        "class": "liability",
        "owner": OPERATOR.subject,
        "name": "Everyday",
        "reference": None,
        "currency": "EUR",
        "overdraft_limit": limit,
    }
    return bits(wallet), 1, "wallet.opened.v1", fields


def paid(
    stream: UUID, source: tuple[WalletId, int], destination: tuple[WalletId, int], amount: int
) -> Sequence[Row]:
    """Return a transfer's events; each wallet comes with its version after them."""
    at = "2026-01-31T12:00:00.000000Z"
    money = {"payment_id": payment_id(stream), "amount": amount, "currency": "EUR"}
    fields = {
        "kind": "transfer",
        "amount": amount,
        "currency": "EUR",
        "source_wallet_id": source[0],
        "destination_wallet_id": destination[0],
        "effective_at": at,
        "description": None,
        "reference": None,
        "metadata": None,
    }
    debited = {**money, "counterparty": destination[0], "effective_at": at}
    credited = {**money, "counterparty": source[0], "effective_at": at}
    return (
        (stream, 1, "payment.completed.v1", fields),
        (bits(source[0]), source[1], "wallet.debited.v1", debited),
        (bits(destination[0]), destination[1], "wallet.credited.v1", credited),
    )


def write_book(old: FreshDatabases, writer: Written) -> tuple[WalletId, WalletId, WalletId]:
    """Write the book of the version before, whose keys the writer of today knows by these names.

    Three days ago the bank gave 100 to the purse, which gave 20 to the shop, and 30 today.
    """
    bank, purse, shop = (wallet_id(writer.stream(name)) for name in ("bank", "purse", "shop"))
    payments = [
        writer.transfer(source, destination, amount, key=f"pay {amount}")
        for source, destination, amount in (
            (bank, purse, 100),
            (purse, shop, 20),
            (purse, shop, 30),
        )
    ]
    first, second, third = payments
    freeze = writer.freeze(shop, key="freeze")
    accepted = {
        "action": "freeze",
        "wallet_id": shop,
        "status": "frozen",
        "overdraft_limit": 0,
        "role": "owner",
    }
    with old.connect("command") as connection:
        for name, wallet, limit in (("bank", bank, None), ("purse", purse, 0), ("shop", shop, 0)):
            fingerprint = writer.opening(name, overdraft_limit=limit).fingerprint
            stored(connection, 3, fingerprint, opened(wallet, limit))
        moves = (
            (first, 3, (bank, 2), (purse, 2), 100),
            (second, 3, (purse, 3), (shop, 2), 20),
            (third, 0, (purse, 4), (shop, 3), 30),
        )
        for work, days, source, destination, amount in moves:
            rows = paid(work.stream, source, destination, amount)
            stored(connection, days, work.fingerprint, *rows)
        stored(
            connection,
            0,
            freeze.fingerprint,
            (freeze.stream, 1, "request.accepted.v1", accepted),
            (bits(shop), 4, "wallet.frozen.v1", {"side": "member", "reason": "asked by a test"}),
        )
        for wallet, version, posted, limit in (
            (bank, 2, -100, None),
            (purse, 4, 50, 0),
            (shop, 4, 50, 0),
        ):
            connection.execute(
                "INSERT INTO wallet_head (id, version, kind, currency, owner, posted, held,"
                " overdraft_limit, frozen_by_member, frozen_by_operator, closed)"
                " VALUES (%s, %s, 'personal', 'EUR', %s, %s, 0, %s, %s, false, false)",
                (bits(wallet), version, OPERATOR.subject, posted, limit, wallet == shop),
            )
    return bank, purse, shop


def test_heads_are_what_their_events_say(old: FreshDatabases, writer: Written) -> None:
    """The new columns are filled: what was spent today counts, what was spent before does not."""
    bank, purse, shop = write_book(old, writer)
    assert "ledger/0003_payments_that_live_on" in migrate(old.admin, old.settings)
    after = aftermath(old, writer)
    assert len(after.rows) == 14
    today = after.rows[-1].recorded_at[:10]
    assert (after.wallets[purse].spent_on, after.wallets[purse].spent) == (today, 30)
    assert after.wallets[bank].spent == 100
    assert after.wallets[bank].spent_on != today
    assert after.wallets[shop].spent_on is None
    assert after.wallets[shop].rules.frozen_by_member


def test_answers_of_before_are_given_again(old: FreshDatabases, writer: Written) -> None:
    """A retry that comes after the migration gets what is on record, and nothing is done."""
    _, purse, shop = write_book(old, writer)
    migrate(old.admin, old.settings)
    works = (
        writer.opening("purse"),
        writer.transfer(purse, shop, 30, key="pay 30"),
        writer.freeze(shop, "freeze"),
    )
    for work in works:
        answer = writer.one(work)
        assert isinstance(answer, Answer)
        assert answer.replayed
    assert len(aftermath(old, writer).rows) == 14


def test_what_was_paid_before_goes_on(old: FreshDatabases, writer: Written) -> None:
    """Old payments are refunded and reversed once, and old wallets hold and limit."""
    bank, purse, _ = write_book(old, writer)
    migrate(old.admin, old.settings)
    gift, meal = (payment_id(writer.stream(f"pay {amount}")) for amount in (100, 30))
    assert told(writer.one(writer.refunding(meal, 10))) == "wallet-frozen"
    assert told(writer.one(writer.reversing(meal))) == "done"
    assert told(writer.one(writer.reversing(meal))) == "already-reversed"
    assert told(writer.one(writer.refunding(gift, 25))) == "done"
    assert told(writer.one(writer.refunding(gift, 80))) == "amount-exceeds-payment"
    assert told(writer.one(writer.asking(ChangeLimits(purse, None, 40)))) == "done"
    assert told(writer.one(writer.holding(purse, bank, 11))) == "limit-exceeded"
    hold = writer.holding(purse, bank, 10)
    assert told(writer.one(hold)) == "done"
    capture = CaptureHold(payment_id(hold.stream), 4, final=True)
    assert told(writer.one(writer.asking(capture))) == "done"
    after = aftermath(old, writer)
    assert after.story(gift) == ["completed", "refunded"]
    assert after.story(meal) == ["completed", "reversed"]
    assert (after.wallets[purse].posted, after.wallets[purse].spent) == (51, 34)
