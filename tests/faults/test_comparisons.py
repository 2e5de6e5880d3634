"""The comparisons with the topic and the read models find each difference; times are measured."""

import json
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from psycopg import sql
from psycopg.conninfo import make_conninfo

from domain.identifiers import StreamId
from domain.instants import instant
from infrastructure.event_codec import EventCodec
from projections.catalogue import CATALOGUE
from projections.contract import Applied
from tests.faults.book import Row
from tests.faults.checker import fold
from tests.faults.forged import living, rows
from tests.faults.names import PREFIXES, identifier
from tests.faults.recoveries import Recovery, recoveries
from tests.faults.report import BEGIN, END, Report, as_json, write_into
from tests.faults.tables import Tables
from tests.faults.test_checker import KEYS, WALLET_A, right
from tests.faults.topic import Topic
from tests.servers import FreshDatabases


@dataclass(frozen=True)
class Written:
    """A record of the topic, with the methods of the client library's."""

    at: int
    position: int
    name: bytes
    content: bytes

    def offset(self) -> int:
        return self.at

    def key(self) -> bytes:
        return self.name

    def value(self) -> bytes:
        return self.content

    def headers(self) -> list[tuple[str, bytes]]:
        return [("position", b"%d" % self.position)]


def record(row: Row, at: int = 0) -> Written:
    """Return an event's record as the relay writes it."""
    name = identifier(PREFIXES[row[3].split(".")[0]], row[1])
    return Written(at, row[0], name.encode(), row[4])


STRANGER = Written(0, 3, b"nobody", b"{}")
Topics = Callable[[list[Written]], list[Written]]


def compared(change: Topics, noted: set[str], dropped: bool = False) -> Topic:
    """Compare the right events with records that are right but for a change."""
    topic = Topic(iter(change([record(row) for row in right()])), noted, dropped)
    fold(right(), KEYS, topic.watch)
    topic.finish()
    return topic


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda r: [*r[:3], *r[4:]], "the topic lacks position 4"),
        (lambda r: [*r[:3], r[4], r[3], *r[5:]], "position 5, 4 was expected"),
        (lambda r: [*r[:3], Written(0, 4, r[3].name, b"{}"), *r[4:]], "position 4, 4 was expected"),
        (lambda r: [*r[:3], Written(0, 4, b"pay_0", r[3].content), *r[4:]], "4 was expected"),
        (lambda r: [*r[:5], STRANGER, *r[5:]], "position 3, 6 was expected"),
        (lambda r: [*r, STRANGER], "a record that no event tells of"),
        (lambda r: r[:-1], "the topic lacks position 8"),
    ],
    ids=["missing", "swapped", "other value", "other key", "stranger", "behind", "cut off"],
)
def test_a_wrong_topic_is_found(change: Topics, said: str) -> None:
    assert said in " | ".join(compared(change, set()).faults)


def test_a_topic_that_was_cut_short() -> None:
    """It may begin later where records have been dropped, and lack nothing from there on."""
    assert compared(lambda r: r[3:], set(), dropped=True).faults == []
    assert compared(lambda r: r[3:], set()).faults
    assert compared(lambda r: r, set(), dropped=True).faults == []
    faults = compared(lambda r: [*r[2:4], *r[5:]], set(), dropped=True).faults
    assert "the topic lacks position 5" in " ".join(faults)


def test_what_may_stand_in_the_topic_passes() -> None:
    """The same record again, a topic written twice, and a stranger that was noted before."""
    noted = {sha256(STRANGER.content).hexdigest()}
    topic = compared(lambda r: [*r[:3], *r[1:4], STRANGER, *r[4:], *r], noted)
    assert topic.faults == []
    assert (topic.duplicates, topic.strangers) == (3 - 1 + len(right()), 1)


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


TABLES = (
    *("balances", "members", "entries", "daily_totals", "trial_balance"),
    *("payments", "payment_legs", "payment_steps", "schedules", "schedule_occurrences"),
)


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
}
"""What can be wrong in the read models of what lives on."""


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
        "INSERT INTO members VALUES (%s, 'somebody', 'owner', %s)": [
            (wallets["a"], 1), (wallets["b"], 2),
        ],
        "INSERT INTO trial_balance VALUES (%s, %s, 'EUR')": [(1, wallets["a"]), (2, wallets["b"])],
    }  # fmt: skip


def test_recoveries_are_measured(tmp_path: Path) -> None:
    """They count from the end of the harm, or from when nothing was in the way any more."""
    notes: list[dict[str, Any]] = [
        {"at": 10.0, "begins": ["kill"]},
        {"at": 10.5, "ends": True, "struck": ["kill"]},
        {"at": 20.0, "begins": ["pause"]},
        {"at": 21.0, "recovers": True},
        {"at": 25.0, "ends": True, "struck": ["pause"]},
        {"at": 30.0, "begins": ["nothing"]},
        {"at": 30.0, "ends": True, "struck": []},
    ]
    lines = [
        {"place": place, "status": status, "sent": at - 0.1, "at": at, "answer": answer}
        for place, status, at, answer in [
            ("one", 201, 9.0, '{"position": 7}'),
            ("one", None, 11.0, ""),
            ("one", 201, 12.0, '{"position": 9}'),
            ("two", 422, 13.5, "{}"),
            ("one", 200, 22.0, "{}"),
            ("two", 503, 22.5, "{}"),
            ("two", 201, 23.5, '{"position": 12}'),
        ]
    ]
    log, progress = tmp_path / "client-0.jsonl", tmp_path / "progress.jsonl"
    log.write_text("".join(json.dumps(line) + "\n" for line in lines))
    samples = [{"at": 10.6, "lowest": 6}, {"at": 11.5, "lowest": 7}, {"at": 24.0, "lowest": 12}]
    progress.write_text("".join(json.dumps(sample) + "\n" for sample in samples))
    assert recoveries(notes, [log], progress) == [
        Recovery("kill", 3.0, 1.0),
        Recovery("pause", 2.5, 3.0),
    ]


def test_the_report_goes_into_its_place(tmp_path: Path) -> None:
    """What stands around the place stays, and another report replaces the first."""
    page = tmp_path / "page.md"
    page.write_text(f"before\n{BEGIN}\nwhat was there\n{END}\nafter\n")
    report = Report(5, 60, 4, kinds=Counter({"kill": 2}), recoveries=[Recovery("kill", 1.5, None)])
    write_into(page, report)
    write_into(page, report)
    text = page.read_text()
    assert text.startswith(f"before\n{BEGIN}\n`./falcon campaign --minutes 1 --seed 5`\n")
    assert text.endswith(f"{END}\nafter\n")
    assert text.count("| kill | 2 |") == 1
    assert "what was there" not in text
    assert json.loads(as_json(report))["recovery"]["commands"]["worst"] == 1.5
    page.write_text("nothing")
    with pytest.raises(ValueError, match="no place for a report"):
        write_into(page, report)
