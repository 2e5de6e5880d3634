"""Losses of the write path: answers, connections, servers that hang, commands that poison."""

import contextlib
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest

from application.commands import Answer, Defect, Unavailable
from application.ports import Changes, Conflict, StoreUnavailable
from domain.holds import CaptureHold
from domain.identifiers import WalletId, bits, payment_id
from domain.instants import Instant
from domain.payment_events import PaymentCompleted
from infrastructure.databases.provision import LIMITS_TRANSACTIONS
from infrastructure.event_log.reader import EventReader
from infrastructure.ledger_store.store import confirm
from tests.aftermath import aftermath
from tests.fan_out import until
from tests.given import NOW
from tests.servers import FreshDatabases
from tests.tools.cutting_proxy import COMMIT, CuttingProxy
from tests.written import Written

MakeWritten = Callable[..., Written]
FAR = Instant("2999-12-31T00:00:00.000000Z")


@pytest.fixture
def far(make_writer: MakeWritten, proxy: CuttingProxy) -> Written:
    """Give a writer that reaches the database through the proxy."""
    return make_writer(proxy.port)


def stored(databases: FreshDatabases) -> Counter[str]:
    """Return how many events of each type are stored."""
    with databases.connect("audit") as connection:
        return Counter(event.type for event in EventReader(connection).all())


def test_the_answer_to_commit_is_lost(
    databases: FreshDatabases, far: Written, proxy: CuttingProxy
) -> None:
    """In 100 batches whose COMMIT passed and whose answer did not, nothing is lost or doubled."""
    source, destination = far.open(overdraft_limit=None), far.open()
    for _ in range(100):
        proxy.lose_answer_to(COMMIT)
        answer = far.pay(source, destination, 1)
        assert isinstance(answer, Answer)
        assert isinstance(answer.event, PaymentCompleted)
        assert not answer.replayed, "the caller asked once, and gets the first answer"
    assert proxy.lost == 100
    assert stored(databases)["payment.completed.v1"] == 100
    assert stored(databases)["wallet.debited.v1"] == 100


def test_a_lost_commit_of_a_command_without_key(
    databases: FreshDatabases, far: Written, proxy: CuttingProxy
) -> None:
    """The request id made on arrival finds it again."""
    wallet = far.open()
    proxy.lose_answer_to(COMMIT)
    assert isinstance(far.one(far.limit(wallet, 500)), Answer)
    assert stored(databases)["wallet.overdraft_limit_changed.v1"] == 1
    assert stored(databases)["request.accepted.v1"] == 1


def test_a_lost_commit_of_openings(
    databases: FreshDatabases, far: Written, proxy: CuttingProxy
) -> None:
    """Where no head could be locked, the heads themselves hold off the second decision."""
    works = [far.opening(f"w{n}") for n in range(50)]
    proxy.lose_answer_to(COMMIT)
    assert all(isinstance(outcome, Answer) for outcome in far.ledger.execute(works))
    assert stored(databases) == {"wallet.opened.v1": 50}


def test_a_connection_lost_before_the_commit(
    databases: FreshDatabases, far: Written, proxy: CuttingProxy
) -> None:
    """What was lost before COMMIT was sent is done by the next run, once."""
    source, destination = far.open(overdraft_limit=None), far.open()
    for mark in (b"FOR UPDATE", b"append"):
        proxy.lose_answer_to(mark)
        far.store.close()
        assert isinstance(far.pay(source, destination, 1), Answer)
    assert stored(databases)["payment.completed.v1"] == 2


def test_lost_answers_of_what_goes_on_a_payment(
    databases: FreshDatabases, far: Written, proxy: CuttingProxy
) -> None:
    """Parts of a hold are captured once each, wherever the connection is lost."""
    source, destination = far.open(overdraft_limit=None), far.open()
    hold = far.holding(source, destination, 100)
    assert isinstance(far.one(hold), Answer)
    part = CaptureHold(payment_id(hold.stream), 5, final=False)
    marks = (b"originator_version = 1", b"CROSS JOIN LATERAL", b"append", *[COMMIT] * 12)
    for mark in marks:
        far.store.close()
        proxy.lose_answer_to(mark)
        answer = far.one(far.asking(part))
        assert isinstance(answer, Answer)
        assert not answer.replayed
    assert proxy.lost == len(marks)
    after = aftermath(databases, far)
    assert after.story(payment_id(hold.stream)) == ["authorized", *["captured"] * len(marks)]
    assert after.money[source] == (-75, 25)


def test_a_backend_that_ends_between_locks_and_commit(
    databases: FreshDatabases, writer: Written
) -> None:
    """Changes are never stored on a new connection, where the locks they rest on are gone."""
    source = writer.open(overdraft_limit=None)
    wallets = writer.store.load([source], []).wallets
    with databases.connect_admin() as admin:
        admin.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE usename = 'falconpay_command' AND datname = current_database()"
        )
    connection = writer.store._connection
    assert connection is not None
    with contextlib.suppress(psycopg.Error):
        connection.execute("SELECT 1")
    changes = Changes([wallets[source]], [], [], [], NOW, FAR)
    with pytest.raises(StoreUnavailable):
        writer.store.commit(changes)


def test_a_commit_that_answers_rollback(databases: FreshDatabases) -> None:
    """A failed transaction answers COMMIT with ROLLBACK and no error; only the tag tells."""
    with databases.connect("command") as connection:
        connection.execute("BEGIN")
        with pytest.raises(psycopg.errors.DivisionByZero):
            connection.execute("SELECT 1 / 0")
        tag = connection.execute("COMMIT").statusmessage
    assert tag == "ROLLBACK"
    with pytest.raises(Conflict):
        confirm(tag)
    confirm("COMMIT")


def test_a_poisonous_command_ends_alone(databases: FreshDatabases, writer: Written) -> None:
    """A batch that the database refuses is cut until the one at fault is found and reported."""
    source, destination = writer.open(overdraft_limit=None), writer.open()
    works = [writer.transfer(source, destination, 1) for _ in range(40)]
    works.insert(17, writer.opening(currency="E\0R"))
    outcomes = writer.ledger.execute(works)
    assert [type(outcome) for outcome in outcomes].index(Defect) == 17
    assert sum(isinstance(outcome, Answer) for outcome in outcomes) == 40
    assert len(writer.faults) == 1
    assert stored(databases)["payment.completed.v1"] == 40


def test_a_server_that_hangs(databases: FreshDatabases, far: Written, proxy: CuttingProxy) -> None:
    """A server that answers nothing ends in time as unknown, and the retry acts once."""
    source, destination = far.open(overdraft_limit=None), far.open()
    work = far.transfer(source, destination, 1)
    proxy.go_silent()
    started = time.monotonic()
    assert isinstance(far.one(work), Unavailable)
    assert time.monotonic() - started < 15
    proxy.speak_again()
    assert isinstance(far.one(work), Answer)
    assert stored(databases)["payment.completed.v1"] == 1


def with_idle_limit_only(writer: Written) -> None:
    """Let a session's transactions last for ever, where the server would end them as well."""
    connection = writer.store._connection
    assert connection is not None
    connection.execute(
        "SELECT set_config(name, '0', false) FROM pg_settings WHERE name = 'transaction_timeout'"
    )


@pytest.mark.parametrize("piece_seconds", [0.0, 0.05])
def test_a_holder_of_locks_that_hangs(
    databases: FreshDatabases,
    writer: Written,
    far: Written,
    proxy: CuttingProxy,
    piece_seconds: float,
) -> None:
    """A writer that stops between locks and commit loses them; the others go on in time.

    Also when answers are slow: then the driver's own pipeline would end with a Flush, and the
    server would wait for ever.
    """
    stuck, other = far, writer
    source, destination = stuck.open(overdraft_limit=None), stuck.open()
    with_idle_limit_only(stuck)
    proxy.slow_down(piece_seconds)
    stuck.store.load([source, destination], [])
    work, started = other.transfer(source, destination, 1), time.monotonic()
    while not isinstance(other.one(work), Answer):
        assert time.monotonic() - started < 9
    assert stored(databases)["payment.completed.v1"] == 1


def test_a_holder_of_the_appends_lock_that_hangs(
    databases: FreshDatabases, far: Written, proxy: CuttingProxy, make_writer: MakeWritten
) -> None:
    """One whose append has come and whose COMMIT has not holds up every writer, for no long."""
    with databases.connect_admin() as admin:
        if admin.info.server_version < LIMITS_TRANSACTIONS:
            pytest.skip("before version 17 PostgreSQL does not limit transactions")
    other = make_writer()
    source, destination = far.open(overdraft_limit=None), far.open()
    apart, theirs = other.open(overdraft_limit=None), other.open()
    lost, work = far.transfer(source, destination, 1), other.transfer(apart, theirs, 1)
    proxy.lose_rest_of(COMMIT)
    with ThreadPoolExecutor(1) as pool:
        asked = pool.submit(far.one, lost)
        until(lambda: proxy.lost == 1)
        started = time.monotonic()
        while not isinstance(other.one(work), Answer):
            assert time.monotonic() - started < 9
        assert isinstance(asked.result(), Answer | Unavailable)
    assert isinstance(far.one(lost), Answer)
    assert stored(databases)["payment.completed.v1"] == 2


def test_heads_equal_their_folds(databases: FreshDatabases, far: Written) -> None:
    """After all of it the heads are what the events say."""
    source, destination = far.open(overdraft_limit=None), far.open()
    far.pay(source, destination, 7)
    assert _head(databases, source) == (2, -7)
    assert _head(databases, destination) == (2, 7)


def _head(databases: FreshDatabases, wallet: WalletId) -> tuple[int, int]:
    with databases.connect("audit") as connection:
        row = connection.execute(
            "SELECT version, posted FROM wallet_head WHERE id = %s", (bits(wallet),)
        ).fetchone()
    assert row is not None
    return row[0], row[1]
