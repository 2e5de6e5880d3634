"""Races of the write path over real PostgreSQL, which a looser order of steps would lose."""

import json
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from uuid import uuid4

import psycopg

from application.clock import ClockGuard
from application.commands import Answer, Outcome
from application.ledger import Ledger
from application.ports import Appended, Changes, LedgerStore
from domain.events import PaymentCompleted, PaymentDeclined
from domain.identifiers import WalletId, bits
from domain.refusals import KeyReused
from infrastructure.event_log.reader import EventReader
from infrastructure.ledger_store.opening import suspended_too
from tests.servers import FreshDatabases
from tests.written import Written

MakeWritten = Callable[[], Written]
TOMORROW = "(date_trunc('day', clock_timestamp()) + interval '1 day')"


class Holder:
    """Another transaction that has a wallet's head locked."""

    def __init__(self, databases: FreshDatabases, wallet: WalletId) -> None:
        """Lock it."""
        self.connection = databases.connect_admin()
        self.connection.execute("SET search_path = ledger_main")
        self.connection.execute("BEGIN")
        self.connection.execute(
            "SELECT 1 FROM wallet_head WHERE id = %s FOR UPDATE", (bits(wallet),)
        )

    def until_somebody_waits(self) -> None:
        """Return when another session waits for a lock."""
        for _ in range(300):
            found = self.connection.execute(
                "SELECT count(*) FROM pg_stat_activity"
                " WHERE wait_event_type = 'Lock' AND datname = current_database()"
            ).fetchone()
            if found is not None and found[0]:
                return
            time.sleep(0.01)
        raise AssertionError("nobody waits for the head")

    def commit(self, statement: str = "SELECT 1", *values: object) -> None:
        """Change something under the lock, then give it back."""
        self.connection.execute(statement.encode(), values)
        self.connection.execute("COMMIT")
        self.connection.close()


def in_background(call: Callable[[], Outcome]) -> Future[Outcome]:
    """Run a call in a thread of its own."""
    pool = ThreadPoolExecutor(1)
    future = pool.submit(call)
    pool.shutdown(wait=False)
    return future


def test_a_wallet_frozen_while_a_payment_waits_for_its_head(
    databases: FreshDatabases, written: Written
) -> None:
    """The decision sees what the holder of the lock committed."""
    source, destination = written.open(overdraft_limit=None), written.open()
    holder = Holder(databases, source)
    paid = in_background(lambda: written.pay(source, destination, 100))
    holder.until_somebody_waits()
    holder.commit("UPDATE wallet_head SET frozen_by_operator = true WHERE id = %s", bits(source))
    answer = paid.result(5)
    assert isinstance(answer, Answer)
    assert isinstance(answer.event, PaymentDeclined)
    assert answer.event.code == "wallet-frozen"


def test_the_same_key_in_two_processes(
    databases: FreshDatabases, make_written: MakeWritten
) -> None:
    """The second one waits for the head, then finds the first one's answer: one effect."""
    first, second = make_written(), make_written()
    source, destination = first.open(overdraft_limit=None), first.open()
    work = first.transfer(source, destination, 100, key="once")
    holder = Holder(databases, source)
    both = [in_background(lambda w=w: w.one(work)) for w in (first, second)]  # type: ignore[misc]
    holder.until_somebody_waits()
    holder.commit()
    answers = [future.result(5) for future in both]
    assert all(isinstance(answer, Answer) for answer in answers)
    assert {answer.position for answer in answers if isinstance(answer, Answer)} == {5}
    assert sorted(a.replayed for a in answers if isinstance(a, Answer)) == [False, True]
    assert posted(databases, source) == -100


def test_the_same_key_on_two_routes(written: Written) -> None:
    """A key that opened a wallet pays nothing, and the other way round."""
    source, destination = written.open("k1", overdraft_limit=None), written.open()
    assert isinstance(written.one(written.transfer(source, destination, 5, "k1")), KeyReused)
    assert isinstance(written.one(written.transfer(source, destination, 5, "k2")), Answer)
    assert isinstance(written.one(written.opening("k2")), KeyReused)
    assert isinstance(written.one(written.freeze(source, "k2")), KeyReused)


def test_new_heads_made_in_opposite_order(
    databases: FreshDatabases, make_written: MakeWritten
) -> None:
    """Two processes that open the same wallets in opposite order never deadlock."""
    writers = (make_written(), make_written())
    for round_number in range(12):
        works = [writers[0].opening(f"{round_number}-{n}") for n in range(40)]
        start = threading.Barrier(2)

        def opened(writer: Written, reverse: bool) -> list[Outcome]:
            ordered = list(reversed(works)) if reverse else works  # noqa: B023 (awaited below)
            start.wait()  # noqa: B023 (awaited below)
            return writer.ledger.execute(ordered)

        with ThreadPoolExecutor(2) as pool:
            runs = [pool.submit(opened, w, i == 1) for i, w in enumerate(writers)]
            outcomes = [outcome for run in runs for outcome in run.result(20)]
        assert all(isinstance(outcome, Answer) for outcome in outcomes)
        assert sum(not o.replayed for o in outcomes if isinstance(o, Answer)) == len(works)
    assert deadlocks(databases) == 0


def test_opposite_transfers(databases: FreshDatabases, make_written: MakeWritten) -> None:
    """Payments in both directions lock in one order, so none waits for the other for ever."""
    writers = (make_written(), make_written())
    one, other = writers[0].open(overdraft_limit=None), writers[0].open(overdraft_limit=None)

    def run(writer: Written, source: WalletId, destination: WalletId) -> list[Outcome]:
        return [writer.pay(source, destination, 1) for _ in range(150)]

    with ThreadPoolExecutor(2) as pool:
        runs = [pool.submit(run, writers[0], one, other), pool.submit(run, writers[1], other, one)]
        outcomes = [outcome for done in runs for outcome in done.result(60)]
    assert all(isinstance(o, Answer) and isinstance(o.event, PaymentCompleted) for o in outcomes)
    assert (posted(databases, one), posted(databases, other)) == (0, 0)
    assert deadlocks(databases) == 0


def test_double_spends_in_parallel(databases: FreshDatabases, make_written: MakeWritten) -> None:
    """Of 200 attempts to spend the same 10, exactly ten succeed, whoever takes them."""
    writers = [make_written() for _ in range(4)]
    bank, purse = writers[0].open(overdraft_limit=None), writers[0].open()
    shop = writers[0].open()
    assert isinstance(writers[0].pay(bank, purse, 10), Answer)
    with ThreadPoolExecutor(4) as pool:
        runs = [
            pool.submit(lambda w=w: [w.pay(purse, shop, 1) for _ in range(50)])  # type: ignore[misc]
            for w in writers
        ]
        outcomes = [outcome for run in runs for outcome in run.result(60)]
    events = [outcome.event for outcome in outcomes if isinstance(outcome, Answer)]
    assert sum(isinstance(event, PaymentCompleted) for event in events) == 10
    assert sum(isinstance(event, PaymentDeclined) for event in events) == 190
    assert posted(databases, purse) == 0


def test_decided_no_earlier_than_the_last_event(
    databases: FreshDatabases, written: Written
) -> None:
    """The clock is read under the locks: an event stored while a payment waited is not later."""
    source, destination = written.open(overdraft_limit=None), written.open()
    holder = Holder(databases, source)
    paid = in_background(lambda: written.pay(source, destination, 100))
    holder.until_somebody_waits()
    with databases.connect("command") as other:
        append_opening(other, "clock_timestamp()", "'infinity'")
    holder.commit()
    assert isinstance(paid.result(5), Answer)
    with databases.connect("audit") as connection:
        events = EventReader(connection).after(2, 10)
    completed = next(event for event in events if event.type == "payment.completed.v1")
    assert completed.recorded_at >= events[0].recorded_at
    assert json.loads(completed.data)["effective_at"] >= events[0].recorded_at


class MidnightStrikes:
    """The real store, where another process stores an event of tomorrow before the first commit."""

    def __init__(self, store: LedgerStore, databases: FreshDatabases) -> None:
        """Take the store and where the other process connects."""
        self.load, self.release = store.load, store.release
        self._store = store
        self._databases = databases
        self.commits = 0

    def commit(self, changes: Changes) -> Appended:
        """Commit, but the first time after midnight."""
        self.commits += 1
        if self.commits == 1:
            with self._databases.connect("command") as other:
                append_opening(other, f"{TOMORROW} + interval '1 second'", "'infinity'")
        return self._store.commit(changes)


def test_midnight_between_decision_and_append(databases: FreshDatabases, written: Written) -> None:
    """What was decided for a day is not recorded on the next one: it is decided again."""
    source, destination = written.open(overdraft_limit=None), written.open()
    store = MidnightStrikes(written.store, databases)
    ledger = Ledger(store, ClockGuard(suspended_too), report=written.faults.append)
    (answer,) = ledger.execute([written.transfer(source, destination, 100)])
    assert store.commits == 2
    assert isinstance(answer, Answer)
    assert isinstance(answer.event, PaymentCompleted)
    assert answer.event.effective_at[:10] == answer.recorded_at[:10]
    with databases.connect("audit") as connection:
        row = connection.execute(f"SELECT {TOMORROW}::date".encode()).fetchone()
    assert row is not None
    assert answer.recorded_at.startswith(row[0].isoformat())
    assert posted(databases, source) == -100


def append_opening(connection: psycopg.Connection, at: str, valid_before: str) -> None:
    """Store one event as another process would, decided at a time given in SQL."""
    connection.execute(
        "SELECT * FROM append(ARRAY[%s::uuid], ARRAY[1::bigint], ARRAY['wallet.opened.v1'],"
        ' ARRAY[\'{"kind":"personal","class":"liability","owner":"x","name":"x",'
        '"reference":null,"currency":"EUR","overdraft_limit":0}\'::bytea],'
        ' ARRAY[\'{"command_id":"x","index":0,"count":1}\'::bytea],'
        f" {at}, {valid_before})".encode(),
        (uuid4(),),
    )


def posted(databases: FreshDatabases, wallet: WalletId) -> int:
    """Return what the head of a wallet says."""
    with databases.connect("audit") as connection:
        row = connection.execute(
            "SELECT posted FROM wallet_head WHERE id = %s", (bits(wallet),)
        ).fetchone()
    assert row is not None
    return int(row[0])


def deadlocks(databases: FreshDatabases) -> int:
    """Return how many deadlocks PostgreSQL had to end in the ledger's database."""
    with databases.connect_admin() as connection:
        connection.execute("SELECT pg_stat_force_next_flush()")
        row = connection.execute(
            "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"
        ).fetchone()
    assert row is not None
    return int(row[0])
