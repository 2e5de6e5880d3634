"""Clocks that are stepped while money moves: PostgreSQL's, and a command process's own."""

from collections.abc import Callable, Iterator
from datetime import datetime

import pytest

from application.commands import Answer, ClockUnsure
from tests import servers
from tests.command_api import CommandApi, new_key, refused
from tests.fan_out import until
from tests.faults.roles import roles
from tests.running_out import FREED, PLACED, RunningOut
from tests.servers import FreshDatabases, PostgresHome
from tests.tools.absent_server import server_absent
from tests.tools.stepped_clock import SteppedClock, no_library
from tests.written import Written

HOURS = 2 * 3600
MakeWriter = Callable[..., Written]


@pytest.fixture(scope="module", autouse=True)
def library() -> None:
    """Skip where no process can be given a clock of its own."""
    reason = no_library()
    if reason is not None:
        server_absent(reason)


@pytest.fixture(scope="module")
def clock() -> Iterator[SteppedClock]:
    """Give the clock by which the PostgreSQL of these tests lives."""
    made = SteppedClock()
    yield made
    made.close()


@pytest.fixture(scope="module")
def postgres(
    clock: SteppedClock, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[PostgresHome]:
    """Give a PostgreSQL that lives by the clock, in place of the session's."""
    with clock.given(threads=False):
        started = servers.start_postgres(tmp_path_factory.mktemp("stepped"))
    yield started
    started.server.stop(20)


@pytest.fixture(autouse=True)
def true_time(clock: SteppedClock, postgres: PostgresHome) -> Iterator[None]:
    """Let each test begin with the true time, whatever the one before it left."""
    yield
    clock.step(0)


def recorded(databases: FreshDatabases) -> list[datetime]:
    """Return when each event was recorded, in the order of the positions."""
    with databases.connect("audit") as connection:
        rows = connection.execute("SELECT recorded_at FROM events ORDER BY notification_id")
        return [at for (at,) in rows]


def database_clock(databases: FreshDatabases) -> datetime:
    """Return what PostgreSQL takes for the time."""
    with databases.connect("audit") as connection:
        row = connection.execute("SELECT clock_timestamp()").fetchone()
    assert row is not None
    found: datetime = row[0]
    return found


def test_steps_below_a_minute(
    databases: FreshDatabases, make_writer: MakeWriter, clock: SteppedClock
) -> None:
    """Forth and back while money moves: all is done, once, and `recorded_at` never goes back."""
    one = make_writer()
    source, destination = one.open(overdraft_limit=None), one.open()
    for offset in (50, -5, 0):
        clock.step(offset)
        assert isinstance(one.pay(source, destination, 1), Answer)
    times = recorded(databases)
    assert times == sorted(times)
    assert database_clock(databases) < times[-1], "the clock went back behind what is recorded"
    assert sum(row == times[-1] for row in times) > 4, "what came since is recorded at that time"


def test_steps_of_hours(
    databases: FreshDatabases, make_writer: MakeWriter, clock: SteppedClock
) -> None:
    """Who knew the time before decides nothing; a new process goes on, and never backwards."""
    one = make_writer()
    source, destination = one.open(overdraft_limit=None), one.open()
    work = one.transfer(source, destination, 1)
    for offset in (HOURS, -HOURS):
        before = recorded(databases)
        clock.step(offset)
        assert isinstance(one.one(work), ClockUnsure)
        assert recorded(databases) == before
        assert isinstance(make_writer().pay(source, destination, 1), Answer)
    clock.step(0)
    first = one.one(work)
    assert isinstance(first, Answer)
    assert not first.replayed
    times = recorded(databases)
    assert times == sorted(times)


def test_a_command_api(databases: FreshDatabases, clock: SteppedClock) -> None:
    """503 with a code and Retry-After while the database's clock is unsure; its own is no matter.

    The time of an event is PostgreSQL's, whatever the clock of the process that asks says.
    """
    own = SteppedClock()
    api = CommandApi(databases, workers=1)
    with own.given(threads=True):
        api.start()
    try:
        caller = api.caller(scope="wallets payments operate")
        source, payee = caller.bank(), caller.open()
        first = caller.paid(source, payee, "1.00", key := new_key())
        own.step(600)
        assert caller.paid(source, payee, "1.00", key) == first
        caller.paid(source, payee, "2.00")
        times = recorded(databases)
        assert times == sorted(times)
        assert times[-1] <= database_clock(databases)
        clock.step(HOURS)
        told = caller.pay(source, payee, "4.00", unsure := new_key())
        refused(told, 503, "clock-unsure")
        assert int(told.headers["retry-after"]) >= 1
        assert len(recorded(databases)) == len(times)
        clock.step(0)
        assert caller.paid(source, payee, "4.00", unsure)["position"] > len(times)
        assert api.posted(payee) == 700
    finally:
        api.stop()
        own.close()


def test_what_only_seems_to_have_run_out(databases: FreshDatabases, clock: SteppedClock) -> None:
    """A jump ahead ends no hold, also of a worker that had nothing to do before it."""
    world = RunningOut(databases)
    (payment,) = world.place(seconds=HOURS // 2)
    world.follow()
    with roles(databases, "payments") as (worker,):
        until(worker.ready)
        clock.step(HOURS)
        until(lambda: "the database's clock has jumped" in worker.ask("/readyz")[1])
        assert world.story(payment) == [PLACED]
        clock.step(0)
        until(worker.ready)
        (other,) = world.place()
        world.follow()
        until(lambda: world.story(other) == [PLACED, FREED])
        assert world.story(payment) == [PLACED]
