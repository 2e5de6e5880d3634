"""SIGTERM ends a process when it has answered all that it took, and with exit code 0."""

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from domain.identifiers import decode
from tests.command_api import CommandApi


@pytest.fixture
def own_api(command_api: CommandApi) -> Iterator[CommandApi]:
    """One process of the test's own over the same databases."""
    api = CommandApi(command_api.databases, workers=1)
    api.start()
    yield api
    api.stop()


def _until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def _listens(api: CommandApi) -> bool:
    try:
        return httpx.get(f"{api.url}/healthz").status_code == 200
    except httpx.TransportError:
        return False


def _waits(api: CommandApi) -> bool:
    with api.databases.connect_admin() as connection:
        waiting = connection.execute(
            "SELECT 1 FROM pg_stat_activity WHERE datname = current_database()"
            " AND usename = 'falconpay_command' AND wait_event_type = 'Lock'"
        )
        return waiting.fetchone() is not None


def test_requests_under_way_are_answered(own_api: CommandApi) -> None:
    """Those in the database and those behind them in the queue; then nobody listens any more."""
    anna, operator = own_api.caller(), own_api.operator()
    wallet, other = anna.open(), anna.open()
    operator.paid(operator.bank(), wallet, "10")
    callers = [own_api.caller(anna.subject) for _ in range(10)]
    assert {caller.client.get("/healthz").status_code for caller in callers} == {200}
    with own_api.databases.connect_admin() as lock, ThreadPoolExecutor(10) as pool:
        lock.execute("BEGIN")
        lock.execute(
            "SELECT 1 FROM ledger_main.wallet_head WHERE id = %s FOR UPDATE",
            [decode("wal", wallet)],
        )
        sent = [pool.submit(caller.pay, wallet, other, "1") for caller in callers]
        _until(lambda: _waits(own_api))
        # The others are on connections that are open, so they need no more than to be read.
        time.sleep(0.5)
        (process,) = own_api.processes
        process.terminate()
        _until(lambda: not _listens(own_api))
        # A server that drains for no longer than a moment would cut them off by now.
        time.sleep(0.5)
        assert process.poll() is None
        assert not any(each.done() for each in sent)
        lock.execute("ROLLBACK")
        assert {each.result().status_code for each in sent} == {201}
        assert process.wait(10) == 0
    assert own_api.posted(other) == 1_000


def test_a_process_that_has_nothing_to_do_ends_at_once(own_api: CommandApi) -> None:
    """An idle connection that is kept open does not keep the process."""
    caller = own_api.caller()
    caller.open()
    begun = time.monotonic()
    assert own_api.stop() == [0]
    assert time.monotonic() - begun < 5
