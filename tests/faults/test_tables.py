"""The comparison with the read models finds each difference, in every table of every one."""

import json
import re
from collections.abc import Sequence
from typing import Any

from psycopg import sql
from psycopg.conninfo import make_conninfo

from domain.identifiers import StreamId
from domain.instants import instant
from domain.recorded import Actor
from infrastructure.event_codec import EventCodec
from projections.catalogue import CATALOGUE
from projections.contract import Applied
from tests.faults.book import Row
from tests.faults.checker import fold
from tests.faults.forged import living, rows
from tests.faults.names import PREFIXES, identifier
from tests.faults.tables import Tables
from tests.faults.test_checker import KEYS, WALLET_A, right
from tests.servers import FreshDatabases

MODELS: dict[str, str] = {
    "a balance": "UPDATE balances SET posted = posted + 1",
    "an entry": "UPDATE entries SET posted_after = 0 WHERE position = 4",
    "an entry too few": "DELETE FROM entries WHERE position = 5",
    "an entry too many": "INSERT INTO entries SELECT 99, version, amount, posted_after, held_after,"
    " recorded_at, effective_at, wallet_id, payment_id, counterparty, direction, currency,"
    " description FROM entries WHERE position = 5",
    "a payment": "UPDATE payments SET status = 'declined' WHERE position = 3",
    "a day": "UPDATE daily_totals SET declined = 2",
    "a wallet too few": "DELETE FROM trial_balance WHERE opened_position = 2",
    "a value date too few": "DELETE FROM value_days WHERE position = 5",
    "why it was declined": "UPDATE declines SET code = 'wallet-frozen'",
    "a late entry too many": "INSERT INTO late_entries VALUES (4, -500, 'wal_', '2026-01-01')",
    "who did nothing": "INSERT INTO audit_trail VALUES (1, 1, NULL, NULL)",
}
"""What can be wrong in each read model."""


def test_wrong_read_models_are_found(databases: FreshDatabases) -> None:
    """Rows written by hand as the events tell pass; each change of them is found."""
    url = make_conninfo(databases.admin, dbname=f"{databases.settings.database_prefix}reports")
    with databases.connect_admin("reports") as connection:
        connection.execute('SET search_path TO "reports_main"')
        for statement, rows in _models().items():
            with connection.cursor() as cursor:
                cursor.executemany(statement, rows)
        assert _differences(url) == []
        for name, change in MODELS.items():
            _keep_and_change(connection, change)
            assert _differences(url), name
            _put_back(connection)


TABLES = [table for projection in CATALOGUE for table in projection.tables]


LIVING: dict[str, str] = {
    "what is held": "UPDATE balances SET held = held + 1",
    "a limit": "UPDATE balances SET per_day = 1 WHERE per_day = 900",
    "a threshold": "UPDATE balances SET approvals_above = 1 WHERE approvals_required = 1",
    "a member": "DELETE FROM members WHERE user_id = 'another owner'",
    "a role": "UPDATE members SET role = 'viewer' WHERE user_id = 'another owner'",
    "what was held": "UPDATE entries SET held_after = 1 WHERE direction IS NULL",
    "a status": "UPDATE payments SET status = 'authorized' WHERE status = 'expired'",
    "what was captured": "UPDATE payments SET captured = 1 WHERE captured = 250",
    "what can be refunded": "UPDATE payments SET refundable = 0 WHERE refunded = 100",
    "who approved": "UPDATE payments SET approved_by = '{}' WHERE approved_by <> '{}'",
    "how many must": "UPDATE payments SET quorums = '{}' WHERE quorums IS NOT NULL",
    "a step": "UPDATE payment_steps SET status = 'completed' WHERE status = 'expired'",
    "a step too few": "DELETE FROM payment_steps WHERE status = 'declined'",
    "a leg too many": "INSERT INTO payment_legs VALUES ('pay_', 0, 99, 1, 'a', 'b', 'EUR')",
    "a next date": "UPDATE schedules SET next_on = NULL",
    "an occurrence": "UPDATE schedule_occurrences SET outcome = 'skipped'",
    "an occurrence too few": "DELETE FROM schedule_occurrences",
    "a value date": "UPDATE value_days SET value_date = value_date - 1",
    "where it moved on": "UPDATE value_days SET position = -position",
    "what came late": "UPDATE late_entries SET amount = -amount",
    "when it came late": "UPDATE late_entries SET value_date = value_date - 1",
    "a late entry too few": "DELETE FROM late_entries WHERE amount > 0",
    "who acted": "UPDATE audit_trail SET actor = 1 WHERE position = 1",
    "on which wallet": "UPDATE audit_trail SET wallet_id = NULL WHERE wallet_id IS NOT NULL",
    "on which payment": "UPDATE audit_trail SET payment_id = 'pay_' WHERE payment_id IS NOT NULL",
    "an act too few": "DELETE FROM audit_trail WHERE position = 1",
    "what was rejected": "UPDATE declines SET volume = volume + 1 WHERE code LIKE 'approval%'",
    "how often": "UPDATE declines SET count = 2 WHERE code = 'period-closed'",
    "a request of nobody's": "INSERT INTO payment_requests VALUES ('prq_', 1, 1, now(), now(),"
    " 'wal_', 'a', NULL, 'EUR', 'open')",
}
"""What can be wrong in the read models of what lives on."""


def test_every_table_of_every_read_model_is_compared() -> None:
    """A read model that the checker does not know is told of here: a change of it is not found."""
    changes = " ".join((*MODELS.values(), *LIVING.values()))
    assert [table for table in TABLES if not re.search(rf"\b{table}\b", changes)] == []


def test_wrong_read_models_of_what_lives_on_are_found(databases: FreshDatabases) -> None:
    """What the projections make of the book passes; each change of it is found."""
    url = make_conninfo(databases.admin, dbname=f"{databases.settings.database_prefix}reports")
    book = rows(living())
    with databases.connect_admin("reports") as connection:
        connection.execute('SET search_path TO "reports_main"')
        with connection.cursor() as cursor:
            for projection in CATALOGUE:
                projection.apply([_applied(row) for row in book], cursor)
        assert _differences(url, book) == []
        for name, change in LIVING.items():
            _keep_and_change(connection, change)
            assert _differences(url, book), name
            _put_back(connection)


def _applied(row: Row) -> Applied:
    position, stream, version, topic, state, stored, at = row
    metadata = json.loads(stored)
    return Applied(
        position,
        StreamId(identifier(PREFIXES[topic.split(".")[0]], stream)),
        version,
        instant(at),
        metadata["command_id"],
        metadata["index"],
        metadata["count"],
        EventCodec().decode(topic, state),
        Actor(**metadata["actor"]) if "actor" in metadata else None,
    )


def _keep_and_change(connection: Any, change: str) -> None:
    for name in TABLES:
        table, copy = sql.Identifier(name), sql.Identifier(f"kept_{name}")
        connection.execute(sql.SQL("CREATE TABLE {} AS TABLE {}").format(copy, table))
    connection.execute(change)


def _put_back(connection: Any) -> None:
    for name in TABLES:
        table, copy = sql.Identifier(name), sql.Identifier(f"kept_{name}")
        connection.execute(sql.SQL("DELETE FROM {}").format(table))
        connection.execute(sql.SQL("INSERT INTO {} TABLE {}").format(table, copy))
        connection.execute(sql.SQL("DROP TABLE {}").format(copy))


def _differences(url: str, book: Sequence[Row] = ()) -> list[str]:
    tables = Tables(url)
    tables.finish(fold(book or right(), KEYS, tables.watch))
    return tables.faults


def _models() -> dict[str, list[tuple[Any, ...]]]:
    """Return rows, written down here once more, that the right events make."""
    at = [row[6] for row in right()]
    wallets = {name: identifier("wal", KEYS.stream(name)) for name in "ab"}
    paid, refused = (identifier("pay", KEYS.stream(key)) for key in "pq")
    day = at[2].replace(second=3)
    leg = "(%s, 2, 500, %s, 0, %s, %s, %s, %s, %s, %s, 'EUR', 'p')"
    balance = "(%s, %s, %s, %s, %s, 0, %s, %s, false, false, 'personal', 'liability', 'EUR',"
    payment = "(%s, %s, %s, %s, %s, %s, %s, %s, 'transfer', %s, 'EUR', %s, %s, NULL, NULL,"
    refundable = "NULL, 0, 0, 0, %s)"
    return {
        f"INSERT INTO balances VALUES {balance} 'somebody', %s, %s)": [
            (wallets["a"], 1, at[0], 8, -500, 900, True, "a", "a"),
            (wallets["b"], 2, at[1], 5, 500, 0, False, "b", "b"),
        ],
        f"INSERT INTO entries VALUES {leg}": [
            (4, -500, at[3], day, WALLET_A, paid, wallets["b"], "debit"),
            (5, 500, at[4], day, wallets["b"], paid, WALLET_A, "credit"),
        ],
        f"INSERT INTO payments VALUES {payment} {refundable}": [
            (paid, 3, 500, None, at[2], day, *wallets.values(), "completed", None, "p",
             500),
            (refused, 6, 401, 0, at[5], day, *wallets.values(), "declined",
             "insufficient-funds", "q", 0),
        ],
        "INSERT INTO daily_totals VALUES (%s, 'EUR', 'transfer', 1, 500, 1)": [(day.date(),)],
        "INSERT INTO declines VALUES (%s, 'EUR', 'transfer', 'insufficient-funds', 1, 401)": [
            (day.date(),),
        ],
        "INSERT INTO value_days VALUES (%s, %s, %s)": [
            (wallets["a"], day.date(), 4), (wallets["b"], day.date(), 5),
        ],
        "INSERT INTO members VALUES (%s, 'somebody', 'owner', %s)": [
            (wallets["a"], 1), (wallets["b"], 2),
        ],
        "INSERT INTO trial_balance VALUES (%s, %s, 'EUR')": [(1, wallets["a"]), (2, wallets["b"])],
    }  # fmt: skip
