"""SIGTERM ends a process when it has answered all that it took, and with exit code 0."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from domain.identifiers import decode
from tests.command_api import CommandApi, new_key


@pytest.fixture
def own_api(command_api: CommandApi) -> Iterator[CommandApi]:
    """One process of the test's own over the same databases."""
    api = CommandApi(command_api.databases, workers=1)
    api.start()
    yield api
    api.stop()


def test_requests_under_way_are_answered(own_api: CommandApi) -> None:
    """Those in the database and those behind them in the queue; then nobody listens any more."""
    anna, operator = own_api.caller(), own_api.operator()
    wallet, other = anna.open(), anna.open()
    operator.paid(operator.bank(), wallet, "10")
    callers = [own_api.caller(anna.subject) for _ in range(10)]
    with own_api.databases.connect_admin() as lock, ThreadPoolExecutor(10) as pool:
        lock.execute("BEGIN")
        lock.execute(
            "SELECT 1 FROM ledger_main.wallet_head WHERE id = %s FOR UPDATE",
            [decode("wal", wallet)],
        )
        keys = [new_key() for _ in callers]
        sent = [
            pool.submit(caller.pay, wallet, other, "1", key)
            for caller, key in zip(callers, keys, strict=True)
        ]
        time.sleep(0.3)
        (process,) = own_api.processes
        process.terminate()
        time.sleep(0.2)
        assert process.poll() is None
        assert not any(each.done() for each in sent)
        with pytest.raises(httpx.ConnectError):
            httpx.get(f"{own_api.url}/readyz")
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
