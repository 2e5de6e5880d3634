"""`./falcon archive --move` that is ended in the middle, or while others are at work."""

import signal
import subprocess
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.books import INTERRUPTED, ROOT, falcon, falcon_command, project
from tests.carried import carrying
from tests.command_api import CommandApi, Sides, new_key
from tests.moved_ledger import move
from tests.sealed_ledger import seal_now
from tests.servers import FreshDatabases
from tests.tools.whole_system import until
from tests.written import Written


@pytest.fixture
def store(tmp_path: Path) -> Path:
    return tmp_path / "archive"


@contextmanager
def held(databases: FreshDatabases, position: int) -> Iterator[Callable[[], bool]]:
    """Keep an event where it is; give what tells whether a run waits for it to leave."""
    waiting = (
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
        " AND usename = 'falconpay_archiver' AND wait_event_type = 'Lock'"
    )
    with databases.connect_admin() as hand, databases.connect_admin() as eye, hand.transaction():
        row = "SELECT FROM ledger_main.events WHERE notification_id = %s FOR UPDATE"
        assert hand.execute(row, [position]).rowcount == 1
        yield lambda: eye.execute(waiting).fetchone() == (1,)


def left(databases: FreshDatabases) -> int:
    """Return how many events have left."""
    with databases.connect("reader") as reader:
        return int(reader.execute("SELECT count(*) FROM moved_event").fetchall()[0][0])


def test_two_runs_do_not_move_at_once(
    databases: FreshDatabases, writer: Written, store: Path
) -> None:
    """The second says so, and touches nothing; the lock ends with who has it."""
    source, payee = writer.open(overdraft_limit=None), writer.open()
    for _ in range(3):
        writer.pay(source, payee, 1)
    seal_now(databases)
    with databases.connect("archiver") as first, carrying(databases):
        assert first.execute("SELECT take_move_lock()").fetchone() == (True,)
        done = falcon(databases, "archive", "--to", store, "--move", "--older-than", "0")
        assert (done.returncode, len(done.stderr.splitlines())) == (3, 1), done.stderr
        assert "Another run is moving" in done.stderr
        assert left(databases) == 0
    assert move(databases, store)["moved"] == left(databases) >= 5


def end_in_the_middle(
    databases: FreshDatabases, store: Path, position: int, how: signal.Signals
) -> None:
    """Send a run a signal as soon as it waits for a position to leave."""
    with carrying(databases), held(databases, position) as waits:
        process = subprocess.Popen(
            falcon_command("archive", "--to", store, "--move", "--older-than", 0),
            cwd=ROOT,
            env=databases.environ,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        until(waits, 60, "a batch leaves")
        process.send_signal(how)
        _, told = process.communicate(timeout=60)
        ended = (-how,) if how == signal.SIGKILL else INTERRUPTED
        assert (process.returncode in ended, told) == (True, "")
        # The server notices a client that is gone when it has waited long enough.
        until(lambda: not waits(), 20, "nobody waits")


def test_a_run_that_is_ended_leaves_whole_batches(
    databases: FreshDatabases, writer: Written, store: Path
) -> None:
    """Killed, and then interrupted, while its second batch leaves; the next run goes on."""
    source, payee = writer.open(overdraft_limit=None), writer.open()
    for _ in range(13):
        writer.ledger.execute([writer.transfer(source, payee, 1) for _ in range(200)])
    sealed = seal_now(databases)
    for how in (signal.SIGKILL, signal.SIGINT):
        end_in_the_middle(databases, store, sealed - 1, how)
        assert left(databases) == 5_000
        assert falcon(databases, "replay", "verify").returncode == 0
    assert move(databases, store)["moved"] == left(databases) - 5_000 == 200
    assert falcon(databases, "replay", "verify").returncode == 0


def test_commands_go_on_while_events_leave(databases: FreshDatabases, store: Path) -> None:
    """They are made meanwhile, asked for again, refunded and captured as if nothing had left."""
    api = CommandApi(databases, workers=1)
    api.start()
    try:
        sides = Sides.of(api)
        answers = {}

        def pay(count: int) -> None:
            for _ in range(count):
                key = new_key()
                answers[key] = sides.anna.pay(sides.full, sides.shop, "1", key).content

        pay(6)
        payment = sides.anna.paid(sides.full, sides.shop, "20")["payment_id"]
        hold = sides.anna.held(sides.full, sides.shop, "30")
        pay(6)
        sealed = seal_now(databases)
        with ThreadPoolExecutor(1) as pool:
            with held(databases, sealed - 1) as waits:
                moving = pool.submit(move, databases, store)
                until(waits, 60, "events leave")
                pay(3)
            assert moving.result()["moved"] == left(databases) >= 28
        for key, answer in answers.items():
            assert sides.anna.pay(sides.full, sides.shop, "1", key).content == answer
        assert sides.ben.on(payment, "refund", {"amount": "4"}).status_code == 201
        assert sides.ben.on(hold, "capture", {"amount": "25"}).status_code == 200
    finally:
        api.stop()
    project(databases)
    assert falcon(databases, "replay", "verify").returncode == 0
    with databases.connect("reader") as reader:
        heads = "SELECT posted, held FROM wallet_head WHERE kind <> 'system' ORDER BY posted"
        # 100 less 15 payments of 1, 20 of which 4 came back, and 25 of a hold of 30.
        assert reader.execute(heads).fetchall() == [(44_00, 0), (56_00, 0)]
