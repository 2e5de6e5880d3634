"""The append: dense positions in commit order, whoever writes and reads at the same time."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest

from application.commands import Answer
from infrastructure.event_log.reader import EventReader
from tests.races import append_opening, in_background, until_waiting
from tests.servers import FreshDatabases
from tests.written import Written

WRITERS = 8
EVENTS = 20_000


def test_eight_writers_and_a_tailing_reader(
    databases: FreshDatabases, make_writer: Callable[[], Written]
) -> None:
    """A reader that follows the positions misses nothing in 20,000 events and sees no hole."""
    writers = [make_writer() for _ in range(WRITERS)]
    seen: list[int] = []
    over = threading.Event()

    def tail() -> None:
        with databases.connect("audit") as connection:
            reader = EventReader(connection)
            while len(seen) < EVENTS and not over.wait(0.001):
                seen.extend(event.position for event in reader.after(len(seen), 500))

    def write(number: int) -> None:
        writer = writers[number]
        for _ in range(EVENTS // WRITERS // 50):
            works = [writer.opening() for _ in range(50)]
            assert all(isinstance(outcome, Answer) for outcome in writer.ledger.execute(works))

    with ThreadPoolExecutor(WRITERS + 1) as pool:
        tailing = pool.submit(tail)
        for done in [pool.submit(write, number) for number in range(WRITERS)]:
            done.result(120)
        try:
            tailing.result(30)
        finally:
            over.set()
    assert seen == list(range(1, EVENTS + 1))


def test_appends_stand_in_line(databases: FreshDatabases) -> None:
    """Who appends while another has not committed waits, and gets the position behind it."""
    with (
        databases.connect_admin() as watching,
        databases.connect_admin() as first,
        databases.connect_admin() as second,
    ):
        for connection in (first, second):
            connection.execute("SET search_path = ledger_main")
            connection.execute("BEGIN")
        append_opening(first, "clock_timestamp()", "'infinity'")
        behind = in_background(lambda: append_opening(second, "clock_timestamp()", "'infinity'"))
        until_waiting(watching, 1)
        first.execute("COMMIT")
        assert behind.exception(10) is None
        second.execute("COMMIT")
    with databases.connect("audit") as connection:
        assert [event.position for event in EventReader(connection).after(0, 10)] == [1, 2]


def test_times_never_go_back(databases: FreshDatabases) -> None:
    """What was decided before the last event is recorded at its time, not before it."""
    with databases.connect("command") as connection:
        append_opening(connection, "'2090-01-01T00:00:00Z'", "'infinity'")
        append_opening(connection, "'2026-01-01T00:00:00Z'", "'infinity'")
    with databases.connect("audit") as connection:
        first, second = EventReader(connection).after(0, 10)
    assert first.recorded_at == second.recorded_at == "2090-01-01T00:00:00.000000Z"


def test_what_is_not_valid_any_more_is_refused(databases: FreshDatabases) -> None:
    """The append itself looks whether the decision still holds at the time of recording."""
    with databases.connect("command") as connection:
        append_opening(connection, "'2090-01-01T00:00:00Z'", "'infinity'")
        with pytest.raises(psycopg.Error) as refused:
            append_opening(connection, "'2026-01-01T00:00:00Z'", "'2089-12-31T00:00:00Z'")
    assert refused.value.sqlstate == "FP001"


def test_another_isolation_is_refused(databases: FreshDatabases) -> None:
    """A snapshot from before the lock would number events that others have numbered."""
    with databases.connect("command") as connection:
        connection.execute("BEGIN ISOLATION LEVEL REPEATABLE READ")
        with pytest.raises(psycopg.Error) as refused:
            append_opening(connection, "clock_timestamp()", "'infinity'")
    assert refused.value.sqlstate == "FP002"


def test_a_time_falls_on_a_position(databases: FreshDatabases) -> None:
    """The last position recorded at or before a time; none before the first."""
    with databases.connect("command") as connection:
        for day in ("01", "02", "02", "05"):
            append_opening(connection, f"'2090-01-{day}T00:00:00Z'", "'infinity'")
    expected = {
        "2089-12-31T23:59:59Z": 0,
        "2090-01-01T00:00:00Z": 1,
        "2090-01-02T00:00:00Z": 3,
        "2090-01-04T00:00:00Z": 3,
        "2099-01-01T00:00:00Z": 4,
    }
    with databases.connect("audit") as connection:
        found = {
            at: connection.execute("SELECT position_at(%s)", (at,)).fetchone() for at in expected
        }
    assert {at: row[0] for at, row in found.items() if row} == expected
