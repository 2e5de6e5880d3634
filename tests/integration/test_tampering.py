"""Whatever the database's owner does to stored bytes, `replay verify` finds and names it."""

import pytest

from tests.altered_book import REPORT_TABLES
from tests.tampered_book import Tampered


def test_a_book_that_nobody_touched_passes(world: Tampered) -> None:
    code, places, said = world.told()
    assert (code, places, said) == (0, [], "")
    assert len(world.sizes) == 3
    assert world.sizes[-1] > 256


COLUMNS = {
    "data": "state = set_byte(state, length(state) / 2, get_byte(state, length(state) / 2) # 1)",
    "metadata": "metadata = set_byte(metadata, length(metadata) / 2,"
    " get_byte(metadata, length(metadata) / 2) # 1)",
    "recorded_at": "recorded_at = recorded_at + interval '1 microsecond'",
    "topic": "topic = overlay(topic placing 'x' from length(topic) - 3 for 1)",
    "topic of another": "topic = CASE topic WHEN 'payment.completed.v1'"
    " THEN 'payment_request.created.v1' ELSE 'payment.completed.v1' END",
    "topic of no letters": "topic = 'wallet.été\"'",
    "version": "originator_version = originator_version + 1000",
    "stream": "originator_id = overlay(originator_id::text placing '00' from 35)::uuid",
    "stream of another": "originator_id = (SELECT o.originator_id FROM events o"
    " WHERE o.topic LIKE 'payment.%' AND o.notification_id > 40 LIMIT 1),"
    " originator_version = 77",
    "end of time": "recorded_at = 'infinity'",
}


@pytest.mark.parametrize("column", COLUMNS)
def test_one_byte_of_any_kind_of_event_is_found(world: Tampered, column: str) -> None:
    """In each column and each type of event; the seal names the part that it stands in."""
    kinds = world.ask(
        "SELECT topic, min(notification_id), max(notification_id) FROM events"
        " WHERE notification_id <= %s GROUP BY topic ORDER BY topic",
        world.sizes[-1],
    )
    assert len(kinds) > 20
    change = COLUMNS[column].replace("%", "%%")
    missed = []
    for topic, first, last in kinds:
        for position in {first, last}:
            assert world.do(f"UPDATE events SET {change} WHERE notification_id = %s",
                            position) == 1  # fmt: skip
            places = world.places()
            seals = [place for place in places if place[1] == "seals"]
            begins = {world.sealed_from(position), 1 + (position - 1) // 256 * 256}
            if not seals or seals[0][0] not in begins:
                missed.append((topic, position, places[:3]))
            world.do("DELETE FROM events WHERE notification_id = %s", position)
            world.do("INSERT INTO events SELECT * FROM copy_of_events WHERE notification_id = %s",
                     position)  # fmt: skip
    assert missed == []


CHANGED = {
    "bigint": "coalesce({0}, 0) + 100003",
    "integer": "coalesce({0}, 0) + 100003",
    "smallint": "coalesce({0}, 0) + 101",
    "numeric": "coalesce({0}, 0) + 1",
    "text": "coalesce({0}, '') || 'x'",
    "boolean": "NOT coalesce({0}, false)",
    "timestamp with time zone": "coalesce({0}, 'epoch') + interval '1 microsecond'",
    "date": "coalesce({0}, 'epoch') + 1",
    "json": '\'{{"x": "x"}}\'',
    "jsonb": '\'{{"x": "x"}}\'',
    "uuid": "gen_random_uuid()",
    "ARRAY": "coalesce({0}, '{{}}') || '{{x}}'",
    '"char"': "'x'",
}
"""What to make of a value, by the type of its column."""


OTHER_DIRECTION = "CASE direction WHEN 'debit' THEN 'credit' ELSE 'debit' END"
"""A direction is one of two, which the database itself sees to, whichever row comes first."""

NOT_DERIVED = {"checkpoint": {"version", "state", "reason", "updated_at"}}
"""What follows from no event: which code has made the rows, and how it is getting on."""

WITHOUT_ROWS = {"schedule_occurrences", "late_entries"}
"""What no event of this book asks for; rows of them are altered in other tests."""

TABLES = [table for table in REPORT_TABLES if table not in WITHOUT_ROWS]


@pytest.mark.parametrize("table", [*TABLES, "wallet_head"])
def test_a_change_in_any_column_is_found(world: Tampered, table: str) -> None:
    """In one row of each read model, of the checkpoints, and of the ledger's own heads."""
    connection = world.book.ledger if table == "wallet_head" else world.book.reports
    columns = connection.execute(
        "SELECT column_name, data_type FROM information_schema.columns"
        " WHERE table_schema = current_schema() AND table_name = %s",
        (table,),
    ).fetchall()
    assert columns
    missed = []
    for name, kind in columns:
        if name in NOT_DERIVED.get(table, ()):
            continue
        value = OTHER_DIRECTION if name == "direction" else CHANGED[kind].format(name)
        row = f"(SELECT ctid FROM {table} ORDER BY ctid LIMIT 1)"
        done = connection.execute(
            f"UPDATE {table} SET {name} = {value} WHERE ctid = {row}".encode()
        )
        assert done.rowcount == 1
        missed += [] if world.places() else [name]
        with connection.transaction():
            connection.execute(f"DELETE FROM {table}".encode())
            connection.execute(f"INSERT INTO {table} SELECT * FROM copy_of_{table}".encode())
    assert missed == []


def test_a_read_model_whose_checkpoint_is_gone_is_found(world: Tampered) -> None:
    """It is as if it had never begun, so that all of its rows are too many."""
    reports = world.book.reports
    missed = []
    for (name,) in reports.execute("SELECT projection FROM checkpoint").fetchall():
        reports.execute("DELETE FROM checkpoint WHERE projection = %s", (name,))
        missed += [] if world.places() else [name]
        reports.execute("DELETE FROM checkpoint")
        reports.execute("INSERT INTO checkpoint SELECT * FROM copy_of_checkpoint")
    assert missed == []
