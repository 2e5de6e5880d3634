"""`replay rebuild`: the new tables are the old ones in all but age, and nobody notices."""

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace

import psycopg
import pytest

from domain.identifiers import StreamId, encode
from projections.catalogue import CATALOGUE
from projections.contract import Applied, Cursor
from tests import requested, scheduled
from tests.books import falcon, falcon_json
from tests.conftest import MakeDatabases
from tests.every_payment import write_every_payment
from tests.fan_out import FanOut, drain, some_traffic, until, unused_ledger
from tests.read_model_fold import checkpoints, folded_rows, stored_rows
from tests.rebuilds import (
    fingerprints,
    identities,
    projection,
    rebuilt,
    schemas,
    shapes,
    wrong_rows,
)
from tests.servers import FreshDatabases

NAMES = [each.name for each in CATALOGUE]


@pytest.fixture
def fan_out(databases: FreshDatabases) -> FanOut:
    some_traffic(FanOut(databases))
    follow(FanOut(databases))
    return FanOut(databases)


def follow(fan_out: FanOut) -> None:
    with fan_out.worker() as worker:
        worker.begin()
        drain(worker)


def test_every_read_model_twice_has_the_same_rows_rights_and_indexes(
    databases: FreshDatabases,
) -> None:
    """Rows hash alike after two rebuilds, and the catalogue of the server tells no difference."""
    write_every_payment(databases)
    writer = FanOut(databases).writer(seed=11)
    for prefix, event in (("prq", requested.created()), ("sch", scheduled.created())):
        writer.command([(StreamId(encode(prefix, writer.new_bits())), event)])
    writer.flush()
    follow(FanOut(databases))
    rows, shape, tables = fingerprints(databases), shapes(databases), identities(databases)
    for name in NAMES:
        for _ in range(2):
            found = rebuilt(databases, name)
            assert (found.switched, found.findings.kept) == (True, [])
    assert fingerprints(databases) == rows
    assert shapes(databases) == shape
    assert not set(identities(databases).values()) & set(tables.values())
    assert wrong_rows(databases) == []


def test_the_command_tells_what_it_has_done(fan_out: FanOut) -> None:
    """It needs PostgreSQL and nothing else that runs; what served before is kept until dropped."""
    databases = fan_out.databases
    told = falcon_json(databases, "replay", "rebuild", "entries")
    head = fan_out.head()
    assert (told["projection"], told["switched"], told["differences"]) == ("entries", True, 0)
    assert (told["position"], told["compared_at"], told["began_at"]) == (head, head, 0)
    assert schemas(databases) == ["reports_main__old_entries"]
    dropped = falcon_json(databases, "replay", "drop", "entries")
    assert dropped["dropped"] == ["old"]
    assert schemas(databases) == []
    done = falcon(databases, "replay", "rebuild", "balances", "--drop-old")
    assert done.returncode == 0, done.stderr
    assert f"serves since position {head:,}" in done.stdout
    assert schemas(databases) == []


def test_a_ledger_with_the_longest_name_and_a_dash_in_it(make_databases: MakeDatabases) -> None:
    """The schemas of its rebuilds have names that the server takes whole, whichever model it is."""
    databases = make_databases(f"a-{'b' * 29}")
    some_traffic(FanOut(databases))
    follow(FanOut(databases))
    rows = stored_rows(databases)
    with databases.connect("projector", "reports") as projector:
        for name in NAMES:
            projector.execute("SELECT begin_rebuild(%s, '{entries}', '{}', false)", [name])
            projector.execute("SELECT drop_rebuild(%s)", [name])
    for name in ("entries", "payment_requests"):
        assert rebuilt(databases, name).switched
    assert stored_rows(databases) == rows


def test_an_unknown_read_model_is_named(databases: FreshDatabases) -> None:
    done = falcon(databases, "replay", "rebuild", "balance")
    assert done.returncode == 2
    assert "There is no read model 'balance': there are" in done.stderr


def test_a_corrupt_row_is_healed(fan_out: FanOut) -> None:
    databases = fan_out.databases
    with databases.connect_admin("reports") as admin:
        admin.execute("UPDATE reports_main.balances SET posted = posted + 1")
    assert {found.where for found in wrong_rows(databases)} == {"balances"}
    assert rebuilt(databases, "balances").switched
    assert wrong_rows(databases) == []


def test_a_bug_of_the_projection_exchanges_nothing(fan_out: FanOut) -> None:
    """Wrong rows are found and named; the live ones stay, and the next rebuild begins afresh."""
    databases = fan_out.databases
    entries = projection("entries")

    def wrong(events: Sequence[Applied], cursor: Cursor) -> None:
        entries.apply(events, cursor)
        cursor.execute("UPDATE entries SET posted_after = 7 WHERE position = 8")

    tables, rows = identities(databases), fingerprints(databases)
    found = rebuilt(databases, replace(entries, apply=wrong))
    first = found.findings.first
    assert first is not None
    assert (found.switched, first.where, first.field) == (False, "entries", "posted_after")
    assert first.position == 8
    assert identities(databases) == tables
    assert fingerprints(databases) == rows
    again = rebuilt(databases, "entries")
    assert (again.switched, again.began_at) == (True, 0)


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


def test_a_rebuild_changes_nothing_but_its_own_read_model(fan_out: FanOut) -> None:
    """No event is appended, and no other read model is touched: there are no side effects."""
    head, tables = fan_out.head(), identities(fan_out.databases)
    assert rebuilt(fan_out.databases, "payments").switched
    changed = {name for name, oid in identities(fan_out.databases).items() if oid != tables[name]}
    assert changed == {"payments", "payment_legs", "payment_steps"}
    assert fan_out.head() == head


def test_every_read_model_can_be_compared() -> None:
    """A read model that replay does not know could not be rebuilt: nothing would confirm it."""
    from interfaces.replay.read_models import COMPARED

    assert set(COMPARED) == {each.name for each in CATALOGUE}
