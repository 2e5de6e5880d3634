"""Races of the write path over real PostgreSQL, which a looser order of steps would lose."""

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import pairwise

from psycopg.errors import DeadlockDetected, UniqueViolation

from application.clock import ClockGuard
from application.commands import Answer, Outcome
from application.ledger import Ledger
from domain.identifiers import WalletId, bits
from domain.payment_events import PaymentCompleted, PaymentDeclined
from domain.refusals import KeyReused
from infrastructure.event_log.reader import EventReader
from infrastructure.ledger_store.opening import suspended_too
from tests.given import ISO
from tests.races import TOMORROW, Holder, append_opening, in_background, until_waiting
from tests.servers import FreshDatabases
from tests.watched_store import Overtaken, Watched
from tests.written import Written

MakeWritten = Callable[[], Written]


def test_a_wallet_frozen_while_a_payment_waits_for_its_head(
    databases: FreshDatabases, writer: Written
) -> None:
    """The decision sees what the holder of the lock committed."""
    source, destination = writer.open(overdraft_limit=None), writer.open()
    holder = Holder(databases, source)
    paid = in_background(lambda: writer.pay(source, destination, 100))
    until_waiting(holder.connection, 1)
    holder.commit("UPDATE wallet_head SET frozen_by_operator = true WHERE id = %s", bits(source))
    answer = paid.result(5)
    assert isinstance(answer, Answer)
    assert isinstance(answer.event, PaymentDeclined)
    assert answer.event.code == "wallet-frozen"


def test_the_same_key_in_two_processes(databases: FreshDatabases, make_writer: MakeWritten) -> None:
    """The second one waits for the head, then finds the first one's answer: one effect.

    It looks for answers under the lock, so it does not have to fail first.
    """
    writers = (make_writer(), make_writer())
    watched = [Watched(writer) for writer in writers]
    source, destination = writers[0].open(overdraft_limit=None), writers[0].open()
    work = writers[0].transfer(source, destination, 100, key="once")
    holder = Holder(databases, source)
    both = [in_background(partial(w.ledger.execute, [work])) for w in watched]
    until_waiting(holder.connection, 2)
    holder.commit()
    answers = [answer for future in both for answer in future.result(5)]
    assert UniqueViolation not in {type(c) for w in watched for c in w.conflicts}
    assert all(isinstance(answer, Answer) for answer in answers)
    assert {answer.position for answer in answers if isinstance(answer, Answer)} == {5}
    assert sorted(a.replayed for a in answers if isinstance(a, Answer)) == [False, True]
    assert posted(databases, source) == -100


def test_the_same_key_on_two_routes(writer: Written) -> None:
    """A key that opened a wallet pays nothing, and the other way round."""
    source, destination = writer.open("k1", overdraft_limit=None), writer.open()
    assert isinstance(writer.one(writer.transfer(source, destination, 5, "k1")), KeyReused)
    assert isinstance(writer.one(writer.transfer(source, destination, 5, "k2")), Answer)
    assert isinstance(writer.one(writer.opening("k2")), KeyReused)
    assert isinstance(writer.one(writer.freeze(source, "k2")), KeyReused)


def test_the_same_key_on_other_wallets(databases: FreshDatabases, make_writer: MakeWritten) -> None:
    """Two payments that share a key and no wallet have no lock in common: one is refused."""
    writer, other = make_writer(), make_writer()
    source, destination = writer.open(overdraft_limit=None), writer.open()
    payer, payee = writer.open(overdraft_limit=None), writer.open()
    store = Overtaken(writer.store, lambda: other.one(other.transfer(payer, payee, 7, "once")))
    ledger = Ledger(
        store, ClockGuard(suspended_too), digits=ISO.digits, report=writer.faults.append
    )
    (outcome,) = ledger.execute([writer.transfer(source, destination, 5, "once")])
    assert isinstance(outcome, KeyReused)
    wallets = (source, destination, payer, payee)
    assert [posted(databases, wallet) for wallet in wallets] == [0, 0, -7, 7]


def test_new_heads_made_in_opposite_order(
    databases: FreshDatabases, make_writer: MakeWritten
) -> None:
    """Two processes that open the same wallets in opposite order never deadlock.

    A third one holds the wallet in the middle until both have made the heads before it.
    """
    writers = (make_writer(), make_writer())
    watched = [Watched(writer) for writer in writers]
    works = sorted((writers[0].opening() for _ in range(41)), key=lambda work: work.stream)
    holder = databases.connect_admin()
    holder.execute("SET search_path = ledger_main")
    holder.execute("BEGIN")
    holder.execute(
        "INSERT INTO wallet_head (id, version, kind, currency, posted, held, frozen_by_member,"
        " frozen_by_operator, closed) VALUES (%s, 1, 'system', 'EUR', 0, 0, %s, %s, %s)",
        (works[20].stream, False, False, False),
    )
    runs = [
        in_background(partial(w.ledger.execute, works[::order]))
        for w, order in zip(watched, (1, -1), strict=True)
    ]
    until_waiting(holder, 2)
    holder.execute("ROLLBACK")
    outcomes = [outcome for run in runs for outcome in run.result(20)]
    assert all(isinstance(outcome, Answer) for outcome in outcomes)
    assert sum(not o.replayed for o in outcomes if isinstance(o, Answer)) == len(works)
    assert DeadlockDetected not in {type(c) for w in watched for c in w.conflicts}
    holder.close()


def test_heads_locked_in_opposite_order(
    databases: FreshDatabases, make_writer: MakeWritten
) -> None:
    """Payments in both directions lock in one order, so none waits for the other for ever.

    A third one holds the head in the middle until both have locked what they can before it.
    """
    writers = (make_writer(), make_writer())
    wallets = sorted(writers[0].open(overdraft_limit=None) for _ in range(60))
    watched = [Watched(writer) for writer in writers]
    holder = Holder(databases, wallets[30])
    pairs = list(pairwise(wallets))
    runs = [
        in_background(partial(w.ledger.execute, works))
        for w, works in (
            (watched[0], [writers[0].transfer(a, b, 1) for a, b in pairs]),
            (watched[1], [writers[1].transfer(b, a, 1) for a, b in reversed(pairs)]),
        )
    ]
    until_waiting(holder.connection, 2)
    holder.commit()
    outcomes = [outcome for run in runs for outcome in run.result(20)]
    assert all(isinstance(o, Answer) and isinstance(o.event, PaymentCompleted) for o in outcomes)
    assert {posted(databases, wallet) for wallet in wallets} == {0}
    assert DeadlockDetected not in {type(c) for w in watched for c in w.conflicts}


def test_double_spends_in_parallel(databases: FreshDatabases, make_writer: MakeWritten) -> None:
    """Of 200 attempts to spend the same 10, exactly ten succeed, whoever takes them."""
    writers = [make_writer() for _ in range(4)]
    bank, purse = writers[0].open(overdraft_limit=None), writers[0].open()
    shop = writers[0].open()
    assert isinstance(writers[0].pay(bank, purse, 10), Answer)

    def spend(writer: Written) -> list[Outcome]:
        return [writer.pay(purse, shop, 1) for _ in range(50)]

    with ThreadPoolExecutor(4) as pool:
        runs = [pool.submit(spend, w) for w in writers]
        outcomes = [outcome for run in runs for outcome in run.result(60)]
    events = [outcome.event for outcome in outcomes if isinstance(outcome, Answer)]
    assert sum(isinstance(event, PaymentCompleted) for event in events) == 10
    assert sum(isinstance(event, PaymentDeclined) for event in events) == 190
    assert posted(databases, purse) == 0


def test_decided_no_earlier_than_the_last_event(databases: FreshDatabases, writer: Written) -> None:
    """The clock is read under the locks: an event stored while a payment waited is not later."""
    source, destination = writer.open(overdraft_limit=None), writer.open()
    holder = Holder(databases, source)
    paid = in_background(lambda: writer.pay(source, destination, 100))
    until_waiting(holder.connection, 1)
    with databases.connect("command") as other:
        append_opening(other, "clock_timestamp()", "'infinity'")
    holder.commit()
    assert isinstance(paid.result(5), Answer)
    with databases.connect("audit") as connection:
        events = EventReader(connection).after(2, 10)
    completed = next(event for event in events if event.type == "payment.completed.v1")
    assert completed.recorded_at >= events[0].recorded_at
    assert json.loads(completed.data)["effective_at"] >= events[0].recorded_at


def test_midnight_between_decision_and_append(databases: FreshDatabases, writer: Written) -> None:
    """What was decided for a day is not recorded on the next one: it is decided again."""
    source, destination = writer.open(overdraft_limit=None), writer.open()

    def store_an_event_of_tomorrow() -> None:
        with databases.connect("command") as other:
            append_opening(other, f"{TOMORROW} + interval '1 second'", "'infinity'")

    store = Overtaken(writer.store, store_an_event_of_tomorrow)
    ledger = Ledger(
        store, ClockGuard(suspended_too), digits=ISO.digits, report=writer.faults.append
    )
    (answer,) = ledger.execute([writer.transfer(source, destination, 100)])
    assert store.commits == 2
    assert isinstance(answer, Answer)
    assert isinstance(answer.event, PaymentCompleted)
    assert answer.event.effective_at[:10] == answer.recorded_at[:10]
    with databases.connect("audit") as connection:
        row = connection.execute(f"SELECT {TOMORROW}::date".encode()).fetchone()
    assert row is not None
    assert answer.recorded_at.startswith(row[0].isoformat())
    assert posted(databases, source) == -100


def posted(databases: FreshDatabases, wallet: WalletId) -> int:
    """Return what the head of a wallet says."""
    with databases.connect("audit") as connection:
        row = connection.execute(
            "SELECT posted FROM wallet_head WHERE id = %s", (bits(wallet),)
        ).fetchone()
    assert row is not None
    return int(row[0])
