"""Rebuilds under way: writers, projectors and queries go on, and none of them is misled."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import psycopg
import pytest

from projections.catalogue import CATALOGUE
from tests.conftest import MakeDatabases
from tests.fan_out import FanOut, drain, some_traffic, until, unused_ledger
from tests.read_model_fold import checkpoints, folded_rows, stored_rows
from tests.rebuilds import followed, rebuilt, schemas
from tests.servers import FreshDatabases

NAMES = [each.name for each in CATALOGUE]


@pytest.fixture
def fan_out(databases: FreshDatabases) -> FanOut:
    some_traffic(FanOut(databases))
    return followed(databases)


@contextmanager
def busy(fan_out: FanOut, work: Callable[[], object]) -> Iterator[None]:
    """Do something again and again in a thread; what it raises is raised at the end."""
    stop, faults = threading.Event(), []

    def run() -> None:
        try:
            while not stop.wait(0.01):
                work()
        except Exception as fault:  # noqa: BLE001 (it is raised in the test)
            faults.append(fault)

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()
    assert not faults, faults


def test_under_writes_nothing_is_lost_or_doubled_and_no_position_goes_back(
    fan_out: FanOut,
) -> None:
    """Writers, a projector, and queries that count go on while all read models are rebuilt."""
    writer = fan_out.writer(seed=5)
    wallets = [writer.open(kind="system") for _ in range(4)]
    seen: list[tuple[int, int]] = []

    def write() -> None:
        writer.busy(wallets, 5)
        writer.flush()

    with (
        fan_out.worker() as worker,
        fan_out.databases.connect("query", "reports") as query,
    ):
        worker.begin()
        query.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        cursor = query.cursor()

        def ask() -> None:
            with query.transaction():
                ((position,),) = cursor.execute(
                    "SELECT position FROM checkpoint WHERE projection = 'entries'"
                ).fetchall()
                ((last, count),) = cursor.execute(
                    "SELECT max(position), count(*) FROM entries"
                ).fetchall()
                assert last <= position
                seen.append((position, count))

        with busy(fan_out, write), busy(fan_out, lambda: worker.step(0.01)), busy(fan_out, ask):
            for name in (*NAMES, *NAMES):
                assert rebuilt(fan_out.databases, name).switched
        drain(worker)
    assert seen == sorted(seen)
    assert dict(seen) == counts(fan_out, {position for position, _ in seen})
    assert stored_rows(fan_out.databases) == folded_rows(fan_out.databases)
    assert set(checkpoints(fan_out.databases).values()) == {(fan_out.head(), "following")}


def counts(fan_out: FanOut, positions: set[int]) -> dict[int, int]:
    """Return how many entries there must be at each position."""
    with fan_out.databases.connect("reader") as ledger:
        rows = ledger.execute(
            "SELECT p, count(*) FROM unnest(%s::bigint[]) AS p JOIN events"
            " ON notification_id <= p AND topic IN ('wallet.credited.v1', 'wallet.debited.v1',"
            " 'wallet.funds_held.v1', 'wallet.hold_captured.v1', 'wallet.hold_released.v1')"
            " GROUP BY p",
            [list(positions)],
        )
        return dict(rows.fetchall())


def test_a_query_that_began_before_finds_all_rows(fan_out: FanOut) -> None:
    """Its snapshot is older than the new rows, so the exchange waits until it has ended."""
    tried = threading.Semaphore(0)
    switched = threading.Event()

    def told(doing: str, _done: int, _last: int) -> None:
        if doing == "switching":
            tried.release()

    def run() -> None:
        rebuilt(fan_out.databases, "entries", told)
        switched.set()

    wanted = stored_rows(fan_out.databases)["entries"][-1][0]
    with fan_out.databases.connect("query", "reports") as query:
        query.execute("SET idle_in_transaction_session_timeout = 0")
        query.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        thread = threading.Thread(target=run, daemon=True)
        with query.transaction():
            query.execute("SELECT position FROM checkpoint")
            thread.start()
            for _ in range(2):
                assert tried.acquire(timeout=60)
            ((last,),) = query.execute("SELECT max(position) FROM entries").fetchall()
            assert not switched.is_set()
        thread.join(60)
    assert switched.is_set()
    assert last == wanted


def test_a_query_under_way_is_waited_for_and_holds_up_no_other(fan_out: FanOut) -> None:
    """A table in use is given up again at once, so that others need not wait behind it."""
    tried = threading.Semaphore(0)

    def told(doing: str, _done: int, _last: int) -> None:
        if doing == "switching":
            tried.release()

    thread = threading.Thread(
        target=lambda: rebuilt(fan_out.databases, "balances", told), daemon=True
    )
    with (
        fan_out.databases.connect("projector", "reports") as reader,
        fan_out.databases.connect("query", "reports") as query,
    ):
        # A projector's own transactions are not waited for, so that its table is the only thing.
        with reader.transaction():
            reader.execute("SELECT count(*) FROM balances")
            thread.start()
            for _ in range(3):
                assert tried.acquire(timeout=60)
                query.execute("SELECT count(*) FROM balances")
        thread.join(60)
    assert schemas(fan_out.databases) == ["reports_main__old_balances"]


def test_the_projector_goes_on_over_the_switch_from_kafka(
    make_databases: MakeDatabases, kafka_bootstrap: str
) -> None:
    """Its statements are prepared, and find the new tables; it is not thrown back."""
    databases = make_databases(unused_ledger(), kafka_bootstrap)
    fan_out = FanOut(databases, kafka_bootstrap)
    writer = some_traffic(fan_out)
    fan_out.publish()
    with fan_out.topic_source() as source, fan_out.worker(source) as worker:
        worker.begin()
        until(lambda: worker.step(0.05) == 0 and at_head(fan_out))
        wallets = [writer.open(kind="system") for _ in range(3)]
        for _ in range(8):
            writer.busy(wallets, 2)
            writer.flush()
            fan_out.publish()
            until(lambda: worker.step(0.05) == 0 and at_head(fan_out))
        for name in NAMES:
            assert rebuilt(databases, name).switched
        writer.busy(wallets, 10)
        writer.flush()
        fan_out.publish()
        until(lambda: worker.step(0.05) == 0 and at_head(fan_out))
    assert stored_rows(databases) == folded_rows(databases)


def at_head(fan_out: FanOut) -> bool:
    return {position for position, _ in checkpoints(fan_out.databases).values()} == {fan_out.head()}
