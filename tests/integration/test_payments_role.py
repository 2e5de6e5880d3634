"""The role `payments` as processes: killed between any two steps, two at once, databases away."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta

import pytest

from domain.identifiers import PaymentId
from domain.instants import moment
from infrastructure.databases.ledgers import of_ledger
from infrastructure.databases.logins import Database
from infrastructure.databases.new_ledger import make_ledger
from infrastructure.event_log.reader import EventReader
from tests.fan_out import until
from tests.faults.roles import RoleProcess, roles
from tests.running_out import FREED, PLACED, RunningOut
from tests.servers import FreshDatabases
from tests.tools.cutting_proxy import CuttingProxy

PROMISED = timedelta(seconds=10)
DONE = "falconpay_payments_done_total"
STEPS: dict[str, tuple[Database, str]] = {
    "finding": ("reports", "LOCK TABLE reports_main.payments"),
    "reading the payments": ("ledger", "LOCK TABLE ledger_main.events"),
    "locking the wallets": ("ledger", "SELECT FROM ledger_main.wallet_head FOR UPDATE"),
    "appending": (
        "ledger",
        "SELECT pg_advisory_xact_lock('ledger_main.events'::regclass::oid::bigint)",
    ),
    "committing": ("ledger", "SELECT pg_advisory_xact_lock(7)"),
}
"""What is locked so that a worker waits in each of its steps, and in which database."""

SLOW_COMMIT = """
    CREATE FUNCTION ledger_main.wait() RETURNS trigger LANGUAGE plpgsql AS
        $$ BEGIN PERFORM pg_advisory_xact_lock(7); RETURN NULL; END $$;
    CREATE CONSTRAINT TRIGGER wait AFTER UPDATE ON ledger_main.wallet_head
        DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION ledger_main.wait()"""
WAITING = """
    SELECT count(*) FROM pg_stat_activity WHERE application_name = 'falconpay-payments'
        AND datname = current_database() AND wait_event_type = 'Lock'"""


@pytest.fixture
def world(databases: FreshDatabases) -> RunningOut:
    return RunningOut(databases)


def freed(world: RunningOut, payments: list[PaymentId]) -> Callable[[], bool]:
    """Return what asks whether each of these was freed, and nothing else happened to it."""
    return lambda: all(world.story(payment) == [PLACED, FREED] for payment in payments)


@contextmanager
def held_up(world: RunningOut, step: str) -> Iterator[Callable[[], bool]]:
    """Let workers wait in a step; give what asks whether one does."""
    database, lock = STEPS[step]
    with (
        world.databases.connect_admin(database) as holder,
        world.databases.connect_admin(database) as watching,
    ):
        if step == "committing":
            holder.execute(SLOW_COMMIT)
        with holder.transaction():
            holder.execute(lock.encode())
            yield lambda: watching.execute(WAITING).fetchone() != (0,)


@pytest.mark.parametrize("step", STEPS)
def test_killed_in_any_step(world: RunningOut, step: str) -> None:
    """Whatever a killed worker has begun, the next one ends, and each hold is freed once."""
    payments = world.place(count=3)
    world.follow()
    with held_up(world, step) as waits, roles(world.databases, "payments") as (killed,):
        until(waits)
        killed.kill()
        assert world.money(world.payer) == (0, 300)
    with roles(world.databases, "payments") as (after,):
        until(after.ready)
        until(freed(world, payments))
        assert after.terminate() == 0
    assert world.money(world.payer) == (0, 0)


def test_killed_between_the_answer_and_the_read_model(world: RunningOut) -> None:
    """A worker that finds what another has ended already gets the other's answer."""
    payments = world.place(count=3)
    world.follow()
    with roles(world.databases, "payments") as (killed,):
        until(freed(world, payments))
        killed.kill()
    head = world.head()
    with roles(world.databases, "payments") as (after,):
        until(after.ready)
        until(lambda: (after.figure("falconpay_payments_rounds_total") or 0) >= 2)
        assert after.figure(DONE) == 0
    assert world.head() == head


def test_freed_within_the_promised_time(world: RunningOut) -> None:
    """From the hold to the read model, by the processes that `up` runs."""
    with roles(world.databases, "projector,payments") as (both,):
        until(both.ready)
        assert both.ask("/healthz")[0] == 200
        (payment,) = world.place(seconds=1)
        end = world.ends(payment)
        until(freed(world, [payment]))
        with world.databases.connect("audit") as connection:
            (last,) = EventReader(connection).after(world.head() - 1, 1)
        assert moment(last.recorded_at) - end < PROMISED
        with world.databases.connect("reader", "reports") as reports:
            status = "SELECT status FROM payments"
            until(lambda: reports.execute(status).fetchall() == [("expired",)])
        assert both.figure(DONE) == 1
        assert both.terminate() == 0


def test_two_side_by_side(world: RunningOut) -> None:
    """Two workers and a projector, holds that run out all the time: each is freed once."""
    with roles(world.databases, "payments", "payments", "projector") as (one, other, projector):
        for each in (one, other, projector):
            until(each.ready)
        payments = [payment for _ in range(20) for payment in world.place(count=10)]
        until(freed(world, payments))
        until(lambda: (one.figure(DONE) or 0) + (other.figure(DONE) or 0) == len(payments))
        assert [one.terminate(), other.terminate()] == [0, 0]
    assert world.money(world.payer) == (0, 0)


def test_it_waits_while_the_database_is_away(world: RunningOut) -> None:
    """It says what it waits for, and goes on by itself."""
    proxy = CuttingProxy(world.databases.settings.database_port)
    far = replace(
        world.databases, settings=replace(world.databases.settings, database_port=proxy.port)
    )
    with roles(far, "payments") as (worker,):
        until(worker.ready)
        proxy.refuse(refusing=True)
        proxy.cut()
        until(lambda: not worker.ready())
        status, body = worker.ask("/readyz")
        assert (status, "payments: the database does not answer" in body) == (503, True)
        assert worker.ask("/healthz")[0] == 200
        payments = world.place(count=3)
        world.follow()
        proxy.refuse(refusing=False)
        until(freed(world, payments))
        until(worker.ready)
        assert worker.terminate() == 0
    proxy.close()


def test_it_says_when_the_ledger_does_not_answer(world: RunningOut) -> None:
    """The read models answer and the ledger does not, so the worker is not ready."""
    payments = world.place(count=3)
    world.follow()
    with roles(world.databases, "payments") as (worker,):
        with held_up(world, "locking the wallets"):
            until(lambda: "payments: the ledger does not answer" in worker.ask("/readyz")[1])
        until(freed(world, payments))
        until(worker.ready)


def test_it_ends_while_the_ledger_does_not_answer(world: RunningOut) -> None:
    """SIGTERM is obeyed, whatever the worker waits for."""
    world.place()
    world.follow()
    held, running = held_up(world, "reading the payments"), roles(world.databases, "payments")
    with held as waits, running as (worker,):
        until(waits)
        assert worker.terminate() == 0


class Unpinned(FreshDatabases):
    """Databases whose processes serve every ledger."""

    @property
    def environ(self) -> dict[str, str]:
        """The environment of such a process."""
        return {**super().environ, "FALCONPAY_LEDGER": ""}


def test_every_ledger_of_the_installation(databases: FreshDatabases) -> None:
    """Also one that is made while the worker runs; and each only its own holds."""
    unpinned = Unpinned(databases.settings, databases.secrets, databases.admin)
    worker: RoleProcess
    with roles(unpinned, "projector,payments") as (worker,):
        until(worker.ready)
        north = replace(databases, settings=of_ledger(databases.settings, "north"))
        make_ledger(databases.admin, north.settings)
        for ledger in (databases, north):
            world = RunningOut(ledger)
            payments = world.place(count=2)
            until(freed(world, payments))
            assert world.money(world.payer) == (0, 0)
        page = worker.ask("/metrics")[1]
        for name in ("main", "north"):
            assert f'{DONE}{{job="expiring-payments",ledger="{name}"}} 2.0' in page
        assert worker.terminate() == 0
