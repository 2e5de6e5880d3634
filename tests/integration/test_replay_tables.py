"""`replay verify` finds altered heads and read models, and says so by its exit code."""

import json
from typing import Any, LiteralString

import psycopg
import pytest

from domain.identifiers import bits, event_id
from infrastructure.event_log.reader import EventReader
from tests.altered_book import Book, paying, submit, wallet_of, write_book
from tests.books import falcon, replay
from tests.servers import FreshDatabases


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ("posted = posted + 1", "posted"),
        ("held = 1", "held"),
        ("version = version - 1", "version"),
        ("overdraft_limit = 7", "overdraft_limit"),
        ("frozen_by_member = false", "frozen_by_member"),
        ("closed = true", "closed"),
        ("currency = 'USD'", "currency"),
        ("owner = 'thief'", "owner"),
        ("kind = 'shared'", "kind"),
    ],
)
def test_an_altered_head_is_found_at_the_wallets_last_event(
    book: Book, change: LiteralString, field: str
) -> None:
    book.ledger.execute(
        "UPDATE wallet_head SET " + change + " WHERE id = %s", (bits(wallet_of(3)),)
    )
    assert book.place() == (17, "wallet_head", wallet_of(3), field)


def test_a_missing_and_an_invented_head_are_found(book: Book) -> None:
    book.ledger.execute("DELETE FROM wallet_head WHERE id = %s", (bits(wallet_of(3)),))
    assert book.place() == (3, "wallet_head", wallet_of(3), "row")
    book.ledger.execute(
        "INSERT INTO wallet_head SELECT gen_random_uuid(), version, kind, currency, owner, posted,"
        " held, overdraft_limit, frozen_by_member, frozen_by_operator, closed FROM wallet_head"
        " LIMIT 1"
    )
    fields = [difference.expected for difference in replay(book.databases).findings.kept]
    assert fields == [None, "one row"]


@pytest.mark.parametrize(
    ("statement", "place"),
    [
        ("UPDATE balances SET posted = 1 WHERE name = 'three'", (17, "balances", "posted")),
        ("UPDATE balances SET position = 3 WHERE name = 'three'", (17, "balances", "position")),
        ("DELETE FROM balances WHERE name = 'two'", (2, "balances", "row")),
        ("INSERT INTO balances SELECT 'wal_0', 99, opened_at, position, posted, held,"
         " overdraft_limit, frozen_by_member, frozen_by_operator, closed, kind, account_class,"
         " currency, owner, name, reference FROM balances WHERE name = 'three'",
         (17, "balances", "row")),
        ("UPDATE entries SET posted_after = 0 WHERE position = 8", (8, "entries", "posted_after")),
        ("UPDATE entries SET held_after = 1 WHERE position = 8", (8, "entries", "held_after")),
        ("UPDATE entries SET effective_at = effective_at - interval '1 microsecond'"
         " WHERE position = 9", (9, "entries", "effective_at")),
        ("UPDATE entries SET description = NULL WHERE position = 5", (5, "entries", "description")),
        ("UPDATE entries SET direction = 'debit' WHERE position = 6", (6, "entries", "direction")),
        ("DELETE FROM entries WHERE position = 5", (5, "entries", "row")),
        ("UPDATE entries SET position = 10 WHERE position = 9", (9, "entries", "row")),
        ("UPDATE entries SET position = 21 WHERE position = 20", (20, "entries", "row")),
        ("UPDATE payments SET status = 'declined' WHERE position = 7", (7, "payments", "status")),
        ("UPDATE payments SET available = 1 WHERE position = 10", (10, "payments", "available")),
        ("DELETE FROM payments WHERE position = 18", (18, "payments", "row")),
        ("INSERT INTO payments SELECT 'pay_0', 19, amount, available, recorded_at,"
         " effective_at, source_wallet_id, destination_wallet_id, kind, status, currency,"
         " failure_code, description, reference, metadata FROM payments WHERE position = 18",
         (19, "payments", "row")),
        ("UPDATE daily_totals SET volume = volume + 1", (20, "daily_totals", "volume")),
        ("UPDATE daily_totals SET count = 3", (20, "daily_totals", "count")),
        ("UPDATE daily_totals SET declined = 0", (20, "daily_totals", "declined")),
        ("DELETE FROM daily_totals", (20, "daily_totals", "row")),
        ("UPDATE trial_balance SET currency = 'USD' WHERE opened_position = 2",
         (2, "trial_balance", "currency")),
        ("DELETE FROM trial_balance WHERE opened_position = 3", (3, "trial_balance", "row")),
        ("UPDATE value_days SET value_date = '2001-01-01' WHERE position = 6",
         (6, "value_days", "value_date")),
        ("DELETE FROM value_days WHERE position = 9", (9, "value_days", "row")),
        ("INSERT INTO late_entries SELECT 8, -200, wallet_id, value_date FROM value_days"
         " WHERE position = 6", (8, "late_entries", "row")),
        ("UPDATE declines SET count = 2", (20, "declines", "count")),
        ("UPDATE declines SET volume = volume + 1", (20, "declines", "volume")),
        ("UPDATE declines SET code = 'wallet-frozen'", (20, "declines", "row")),
        ("DELETE FROM declines", (20, "declines", "row")),
        ("UPDATE audit_trail SET actor = 7 WHERE position = 10", (10, "audit_trail", "actor")),
        ("UPDATE audit_trail SET wallet_id = NULL WHERE position = 11",
         (11, "audit_trail", "wallet_id")),
        ("UPDATE audit_trail SET payment_id = 'pay_0' WHERE position = 4",
         (4, "audit_trail", "payment_id")),
        ("DELETE FROM audit_trail WHERE position = 18", (18, "audit_trail", "row")),
        ("INSERT INTO audit_trail VALUES (7, 19, NULL, NULL)", (19, "audit_trail", "row")),
        ("UPDATE checkpoint SET position = 19", (19, "audit_trail", "position")),
        ("UPDATE checkpoint SET position = 21 WHERE projection = 'entries'",
         (21, "entries", "last position that the store has")),
        ("UPDATE checkpoint SET store = gen_random_uuid() WHERE projection = 'payments'",
         (1, "payments", "store")),
        ("UPDATE checkpoint SET epoch = 2 WHERE projection = 'payments'",
         (1, "payments", "epoch")),
        ("UPDATE checkpoint SET event_id = 'evt_0' WHERE projection = 'entries'",
         (20, "entries", "event_id")),
        ("UPDATE checkpoint SET recorded_at = recorded_at - interval '1 microsecond'"
         " WHERE projection = 'balances'", (20, "balances", "recorded_at")),
    ],
)  # fmt: skip
def test_an_altered_read_model_is_found(
    book: Book, statement: LiteralString, place: tuple[int, str, str]
) -> None:
    book.reports.execute(statement)
    first, where, _, field = book.place()
    assert (first, where, field) == place


def test_the_command_says_where_and_ends_with_1(book: Book) -> None:
    good = falcon(book.databases, "replay", "verify")
    assert good.returncode == 0
    assert "Everything is as the events say." in good.stdout
    book.ledger.execute("DELETE FROM events WHERE notification_id = 9")
    done = falcon(book.databases, "replay", "verify", "--json")
    assert done.returncode == 1
    assert "the first is at position 9." in done.stderr
    assert len(done.stderr.splitlines()) == 1
    report = json.loads(done.stdout)
    assert report["first_position"] == 9
    assert report["differences"] == len(report["findings"])
    assert report["findings"][0] == {
        "position": 9,
        "until": None,
        "where": "events",
        "stream": "-",
        "field": "position",
        "expected": 9,
        "found": 10,
    }
    shown = falcon(book.databases, "replay", "verify")
    assert "Position 9, events, -: position should be 9 and is 10." in shown.stdout


def test_read_models_that_lag_are_compared_where_they_stand(databases: FreshDatabases) -> None:
    write_book(databases)
    submit(databases, [paying(1, 2, 5), paying(2, 3, 1)], begin=100)
    found = replay(databases)
    assert found.findings.kept == []
    assert found.position == 26
    assert {model.position for model in found.read_models} == {20}
    with databases.connect_admin("reports") as reports:
        reports.execute("UPDATE reports_main.balances SET posted = posted + 1")
    assert {d.where for d in replay(databases).findings.kept} == {"balances"}


def stand_at(
    databases: FreshDatabases, reports: psycopg.Connection[Any], name: str, position: int
) -> None:
    """Let a read model's checkpoint say of a position what a projector there has said."""
    with databases.connect("reader") as ledger:
        (event,) = EventReader(ledger).after(position - 1, 1)
    reports.execute(
        "UPDATE checkpoint SET position = %s, event_id = %s, recorded_at = %s"
        " WHERE projection = %s",
        (position, event_id(event.stream_id, event.version), event.recorded_at, name),
    )


def test_read_models_may_stand_at_different_positions(databases: FreshDatabases) -> None:
    """Each was fed up to another command; the one that does not exist yet has no rows."""
    write_book(databases)
    with databases.connect_admin("reports") as reports:
        reports.execute("SET search_path = reports_main")
        reports.execute("DELETE FROM entries WHERE position > 9")
        stand_at(databases, reports, "entries", 9)
        reports.execute("DELETE FROM payments WHERE position > 14")
        stand_at(databases, reports, "payments", 14)
        reports.execute("DELETE FROM trial_balance")
        reports.execute("DELETE FROM checkpoint WHERE projection = 'trial_balance'")
    assert replay(databases).findings.kept == []


def test_an_empty_ledger_has_no_difference(databases: FreshDatabases) -> None:
    found = replay(databases)
    assert (found.events, found.findings.kept) == (0, [])


def test_without_a_database_it_is_one_sentence(databases: FreshDatabases) -> None:
    databases.drop()
    done = falcon(databases, "replay", "verify")
    assert done.returncode == 3
    assert len(done.stderr.splitlines()) == 1
