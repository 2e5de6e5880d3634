"""A new version of a read model is built beside the old one, which serves meanwhile."""

import threading
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import replace

import pytest
from prometheus_client import CollectorRegistry

from interfaces.workers.projector import Projector, ProjectorFigures
from interfaces.workers.renewal import Renewal
from interfaces.workers.role import keep_working
from projections.contract import Applied, Cursor
from tests.fan_out import FanOut, drain, some_traffic, until
from tests.read_model_fold import checkpoints, folded_rows, stored_rows
from tests.rebuilds import identities, locked, projection
from tests.servers import FreshDatabases


@pytest.fixture
def fan_out(databases: FreshDatabases) -> FanOut:
    """Give read models at the head, of which the entries are of an older version."""
    found = FanOut(databases)
    some_traffic(found)
    with found.worker() as worker:
        worker.begin()
        drain(worker)
    with databases.connect_admin("reports") as admin:
        admin.execute(
            "UPDATE reports_main.checkpoint SET version = version - 1 WHERE projection = 'entries'"
        )
    return found


@contextmanager
def projecting(databases: FreshDatabases) -> Iterator[Projector]:
    """Let the role work in a thread, as its process does."""
    role = Projector(databases.settings, databases.secrets, ProjectorFigures(CollectorRegistry()))
    stop = threading.Event()
    thread = threading.Thread(target=keep_working, args=(role, stop))
    thread.start()
    try:
        yield role
    finally:
        stop.set()
        thread.join(30)
        assert not thread.is_alive()


def test_old_rows_serve_until_the_new_ones_are_there(fan_out: FanOut) -> None:
    """They stand still where they are; the other read models go on; then all are at the head."""
    databases = fan_out.databases
    at, tables = fan_out.head(), identities(databases)
    with locked(databases, "reports_main.entries", "ACCESS SHARE"), projecting(databases):
        until(lambda: checkpoints(databases)["entries"] == (at, "rebuilding"))
        writer = fan_out.writer(seed=9)
        writer.busy([writer.open(kind="system") for _ in range(3)], 20)
        writer.flush()
        until(lambda: checkpoints(databases)["balances"] == (fan_out.head(), "following"))
        assert checkpoints(databases)["entries"] == (at, "rebuilding")
        assert identities(databases) == tables
    with projecting(databases):
        until(lambda: set(checkpoints(databases).values()) == {(fan_out.head(), "following")})
    assert identities(databases)["entries"] != tables["entries"]
    assert stored_rows(databases) == folded_rows(databases)


def test_new_rows_that_are_wrong_do_not_serve(fan_out: FanOut) -> None:
    """The comparison finds them, the old ones stay, and health says why."""
    databases = fan_out.databases
    entries, tables = projection("entries"), identities(databases)

    def wrong(events: Sequence[Applied], cursor: Cursor) -> None:
        entries.apply(events, cursor)
        cursor.execute("UPDATE entries SET posted_after = 7 WHERE position = 8")

    newer = replace(entries, apply=wrong)
    place = (databases.settings, databases.secrets)
    with closing(Renewal(*place, [newer], threading.Event())) as renewal:
        renewal.start()
        until(lambda: renewal.reason is not None)
        assert "Position 8, entries" in str(renewal.reason)
        assert not renewal.done
        assert identities(databases) == tables
