"""Rebuilds that are killed, doubled, refused, or find what another one has left."""

import os
import signal
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

import psycopg
import pytest

from infrastructure.report_store.rebuilt_tables import rebuilt_tables
from interfaces.rebuilding.run import rebuild
from interfaces.supervisor.report import _positions
from tests.books import ROOT, falcon, falcon_command, falcon_json
from tests.fan_out import FanOut, copy_of_the_store, some_traffic, until
from tests.query_system import query_system
from tests.read_model_fold import folded_rows, stored_rows
from tests.rebuilds import (
    fingerprints,
    followed,
    identities,
    locked,
    projection,
    rebuilt,
    schemas,
    wait_until_blocked,
    wrong_rows,
)
from tests.servers import FreshDatabases, PostgresHome

NEW = '"reports_main__new_payments"'


@pytest.fixture
def fan_out(databases: FreshDatabases) -> FanOut:
    some_traffic(FanOut(databases))
    return followed(databases)


@contextmanager
def rebuilding(
    databases: FreshDatabases, name: str, locks: Sequence[tuple[str, str]]
) -> Iterator[None]:
    """Run the command in a process of its own up to where the last lock keeps it; then kill it."""
    with ExitStack() as held:
        process = None
        for table, mode in locks:
            before = held.pop_all()
            lock = held.enter_context(locked(databases, table, mode))
            process = process or subprocess.Popen(
                falcon_command("replay", "rebuild", name),
                cwd=ROOT,
                env=databases.environ,
                stderr=subprocess.DEVNULL,
            )
            before.close()
            wait_until_blocked(databases, lock, process)
        assert process is not None
        try:
            yield
        finally:
            os.kill(process.pid, signal.SIGKILL)
            process.wait(20)


ROWS = (f"{NEW}.payments", "SHARE")
POINTS = {
    "the new tables are being made": [("reports_main.payments", "ACCESS EXCLUSIVE")],
    "the first rows come": [ROWS],
    "the indexes are being made": [(f"{NEW}.payments", "ROW EXCLUSIVE")],
    "the rows are being compared": [ROWS, ("reports_main.schema_migration", "ACCESS EXCLUSIVE")],
    "the tables are being exchanged": [("reports_main.payment_steps", "ACCESS SHARE")],
}
"""Which table keeps a rebuild waiting there; where there are two, the first one until then."""


@pytest.mark.parametrize("point", POINTS)
def test_a_rebuild_killed_at_a_point_is_gone_on_from(fan_out: FanOut, point: str) -> None:
    """Killed where it waits for a lock that a test holds; then the next one comes to the end."""
    databases = fan_out.databases
    rows, tables = fingerprints(databases), identities(databases)
    if NEW in POINTS[point][0][0]:
        with rebuilt_tables(databases.settings, databases.secrets, projection("payments")) as new:
            new.begin(afresh=False)
    with rebuilding(databases, "payments", POINTS[point]):
        pass
    assert identities(databases) == tables
    told = falcon_json(databases, "replay", "rebuild", "payments")
    assert told["switched"]
    assert fingerprints(databases) == rows
    assert not set(identities(databases).values()) >= set(tables.values())
    assert schemas(databases) == ["reports_main__old_payments"]
    assert wrong_rows(databases) == []


def test_an_event_that_cannot_be_read_ends_it_with_a_sentence(fan_out: FanOut) -> None:
    databases = fan_out.databases
    tables = identities(databases)
    with databases.connect_admin() as admin:
        admin.execute("ALTER TABLE ledger_main.events DISABLE TRIGGER ALL")
        admin.execute("UPDATE ledger_main.events SET state = '{' WHERE notification_id = 5")
    done = falcon(databases, "replay", "rebuild", "entries")
    assert done.returncode == 1
    assert "entries cannot be rebuilt: An event of type" in done.stderr
    assert "Traceback" not in done.stderr
    assert identities(databases) == tables


class _Cut(Exception):
    """The process has ended in the middle of its rows."""


@pytest.mark.parametrize("name", ["balances", "entries", "payments"])
def test_a_rebuild_cut_off_among_its_rows_goes_on_there(fan_out: FanOut, name: str) -> None:
    """What was committed stays, and the rows come out as if nothing had happened."""
    databases = fan_out.databases
    rows = fingerprints(databases)
    place = (databases.settings, databases.secrets, projection(name))
    reached: list[int] = []

    def cut(doing: str, done: int, last: int) -> None:
        reached.append(done)
        if doing == "building" and done > last // 2:
            raise _Cut

    with pytest.raises(_Cut):
        rebuild(*place, cut, limit=11)
    again = rebuild(*place, lambda _doing, _done, _last: None, limit=7)
    assert again.began_at == reached[-1]
    assert 0 < again.began_at < again.position
    assert fingerprints(databases) == rows


def test_what_was_built_is_not_built_again(fan_out: FanOut) -> None:
    """Rows that stand at a position are gone on from there."""
    databases = fan_out.databases
    with rebuilding(databases, "entries", [("reports_main.entries", "ACCESS SHARE")]):
        pass
    at = fan_out.head()
    writer = fan_out.writer(seed=3)
    writer.busy([writer.open(kind="system") for _ in range(3)], 10)
    writer.flush()
    followed(databases)
    told = falcon_json(databases, "replay", "rebuild", "entries")
    assert (told["began_at"], told["position"]) == (at, fan_out.head())
    assert stored_rows(databases) == folded_rows(databases)


def test_the_second_of_two_is_refused(fan_out: FanOut) -> None:
    databases = fan_out.databases
    with rebuilt_tables(databases.settings, databases.secrets, projection("entries")) as tables:
        assert tables.claim()
        done = falcon(databases, "replay", "rebuild", "entries")
        assert done.returncode == 3
        assert "The read model entries is being rebuilt already" in done.stderr
        assert falcon(databases, "replay", "drop", "entries").returncode == 1
        assert falcon_json(databases, "replay", "rebuild", "balances")["switched"]
    assert falcon_json(databases, "replay", "rebuild", "entries")["switched"]


def test_what_is_being_rebuilt_is_shown_for_as_long_as_it_lasts(
    postgres: PostgresHome, tmp_path: Path
) -> None:
    """By the query API and by `status`; what was killed is not shown."""
    with query_system(postgres, tmp_path) as system:
        some_traffic(FanOut(system.databases))
        system.follow()
        place = (system.databases.settings, system.databases.secrets)

        def shown() -> list[set[str]]:
            asked = system.pages("/v1/projections")
            _, told = _positions(*place)
            return [
                {each["name"] for each in found if each["state"] == "rebuilding"}
                for found in (asked, told)
            ]

        assert shown() == [set(), set()]
        with rebuilt_tables(*place, projection("entries")) as tables:
            assert tables.claim()
            assert shown() == [{"entries"}, {"entries"}]
        until(lambda: shown() == [set(), set()])
        with rebuilding(system.databases, "payments", [("reports_main.payments", "ACCESS SHARE")]):
            assert shown() == [{"payments"}, {"payments"}]
        until(lambda: shown() == [set(), set()])


def test_tables_that_were_migrated_since_are_begun_afresh(fan_out: FanOut) -> None:
    """What was left is of another shape; nothing of it comes among the live tables."""
    databases = fan_out.databases
    with rebuilt_tables(databases.settings, databases.secrets, projection("members")) as tables:
        schema = tables.begin(afresh=False)
    with databases.connect_admin("reports") as admin:
        admin.execute(f"COMMENT ON SCHEMA {schema} IS '1'")
        admin.execute(f"ALTER TABLE {schema}.members ADD COLUMN strange text")
    assert rebuilt(databases, "members").switched
    assert stored_rows(databases) == folded_rows(databases)
    with databases.connect("reader", "reports") as reader, pytest.raises(psycopg.Error):
        reader.execute("SELECT strange FROM members")


def test_rows_of_another_past_are_begun_afresh(fan_out: FanOut) -> None:
    """What was built of events that a restore has taken back is not gone on from."""
    databases = fan_out.databases
    with rebuilding(databases, "entries", [("reports_main.entries", "ACCESS SHARE")]):
        pass
    with databases.connect_admin("reports") as admin:
        admin.execute(
            "UPDATE reports_main__new_entries.checkpoint SET event_id = 'evt_of_another_past'"
        )
        admin.execute("UPDATE reports_main__new_entries.entries SET amount = 1")
    told = rebuilt(databases, "entries")
    assert (told.switched, told.began_at) == (True, 0)
    assert stored_rows(databases) == folded_rows(databases)


def test_nothing_is_built_beside_read_models_that_have_diverged(fan_out: FanOut) -> None:
    databases = fan_out.databases
    copy_of_the_store(fan_out, fan_out.head() - 3)
    tables = identities(databases)
    done = falcon(databases, "replay", "rebuild", "balances")
    assert done.returncode == 1
    assert "./falcon recover" in done.stderr
    assert identities(databases) == tables
    assert schemas(databases) == []


@pytest.mark.parametrize(
    "table", ["checkpoint", "access_log", "schema_migration", "pg_class", "nothing"]
)
def test_a_projector_exchanges_no_tables_but_those_it_writes(
    databases: FreshDatabases, table: str
) -> None:
    with databases.connect("projector", "reports") as projector:
        with pytest.raises(psycopg.errors.RaiseException):
            projector.execute("SELECT begin_rebuild('x', %s, '{}', false)", [[table]])
        for name in ("X", "x; DROP", "x" * 60):
            with pytest.raises(psycopg.errors.RaiseException):
                projector.execute("SELECT begin_rebuild(%s, '{}', '{}', false)", [name])


@pytest.mark.parametrize("login", ["query", "reader"])
def test_nobody_else_may_exchange_tables(databases: FreshDatabases, login: str) -> None:
    with databases.connect(login, "reports") as connection:  # type: ignore[arg-type]  # two logins
        connection.execute("SET default_transaction_read_only = off")
        for call in (
            "begin_rebuild('entries', '{entries}', '{}', true)",
            "complete_rebuild('entries', '{entries}')",
            "switch_rebuild('entries', '{entries}')",
            "drop_rebuild('entries')",
        ):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                connection.execute(f"SELECT {call}".encode())


def test_rows_at_another_position_are_not_exchanged(fan_out: FanOut) -> None:
    """The owner's function itself compares where both stand, whatever its caller believes."""
    databases = fan_out.databases
    tables = identities(databases)
    with rebuilt_tables(databases.settings, databases.secrets, projection("entries")) as new:
        schema = new.begin(afresh=False)
        with databases.connect_admin("reports") as admin:
            admin.execute(
                f"INSERT INTO {schema}.checkpoint"
                " SELECT * FROM reports_main.checkpoint WHERE projection = 'entries'"
            )
            admin.execute(f"UPDATE {schema}.checkpoint SET position = position - 1")
        with pytest.raises(psycopg.errors.RaiseException, match="do not stand where"):
            new.exchange(lambda _position: True, 1.0)
    assert identities(databases) == tables
