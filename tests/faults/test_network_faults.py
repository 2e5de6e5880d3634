"""The network before PostgreSQL: cut, refused, slow, jammed and silent, for every role."""

import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial

import pytest

from tests.command_api import CommandApi, new_key
from tests.fan_out import FanOut, until, unused_ledger
from tests.faults.roles import Load, assert_projected, lag, roles
from tests.servers import FreshDatabases
from tests.tools.cutting_proxy import COMMIT, CuttingProxy

pytestmark = pytest.mark.timeout(240)

SILENT_SECONDS = 3.0
"""Longer than a connection may take to be made."""

SLOW_SECONDS = 0.05


@pytest.fixture
def databases(
    make_databases: Callable[..., FreshDatabases], kafka_bootstrap: str
) -> FreshDatabases:
    return make_databases(ledger=unused_ledger(), kafka=kafka_bootstrap)


@pytest.fixture
def far(databases: FreshDatabases, proxy: CuttingProxy) -> FreshDatabases:
    """Give the databases as they are reached through the proxy."""
    return replace(databases, settings=replace(databases.settings, database_port=proxy.port))


def shut_off(proxy: CuttingProxy) -> None:
    """Refuse new connections, and cut those that there are."""
    proxy.refuse(True)
    proxy.cut()


def refuse(proxy: CuttingProxy) -> None:
    shut_off(proxy)
    time.sleep(1.5)
    proxy.refuse(False)


def slow(proxy: CuttingProxy) -> None:
    proxy.slow_down(SLOW_SECONDS)
    time.sleep(1.5)
    proxy.slow_down(0)


def jam(proxy: CuttingProxy) -> None:
    proxy.go_silent()
    time.sleep(SILENT_SECONDS)
    proxy.speak_again(cut=False)


def half_open(proxy: CuttingProxy) -> None:
    proxy.go_silent()
    time.sleep(SILENT_SECONDS)
    proxy.speak_again()


def test_relay_and_projector(
    databases: FreshDatabases, far: FreshDatabases, proxy: CuttingProxy
) -> None:
    """Neither ends, both go on after each harm, and nothing is missing or there twice."""
    with roles(far, "relay", "projector") as started:
        with Load(databases) as load:
            until(lambda: all(role.ready() for role in started))
            for harm in (refuse, slow, jam, half_open):
                before = load.last
                harm(proxy)
                assert load.last > before, "who is not behind the proxy goes on"
                until(lambda: all(role.ready() for role in started))
                behind = load.last
                until(lambda end=behind: FanOut(databases).head() - lag(databases) >= end)  # type: ignore[misc]  # bound at once
        assert_projected(databases)
        assert all(role.child is not None and role.child.poll() is None for role in started)
    positions = FanOut(databases, databases.settings.kafka_bootstrap or "").positions()
    assert set(positions) == set(range(1, FanOut(databases).head() + 1))


@pytest.fixture
def api(make_databases: Callable[..., FreshDatabases]) -> Iterator[tuple[CommandApi, CuttingProxy]]:
    """Give a command API that reaches its database through a proxy, and the proxy."""
    databases = make_databases()
    proxy = CuttingProxy(databases.settings.database_port)
    far = replace(databases, settings=replace(databases.settings, database_port=proxy.port))
    made = CommandApi(far, workers=1)
    made.start()
    yield made, proxy
    made.stop()
    proxy.close()


def test_a_command_api(api: tuple[CommandApi, CuttingProxy]) -> None:
    """It answers in time: done, or 503; whoever asks again has it done once."""
    served, proxy = api
    caller = served.caller(scope="wallets payments operate")
    source, payee = caller.bank(), caller.open()
    for _ in range(10):
        proxy.lose_request_of(COMMIT)
        assert "idempotent-replayed" not in caller.pay(source, payee, "1.00").headers
    assert proxy.lost == 10
    assert served.posted(payee) == 1000
    paid = 10
    for begin, end, told, count in (
        (proxy.go_silent, partial(proxy.speak_again, cut=False), {503}, 1),
        (partial(proxy.slow_down, SLOW_SECONDS), partial(proxy.slow_down, 0), {201, 503}, 3),
        (partial(shut_off, proxy), partial(proxy.refuse, False), {503}, 1),
    ):
        keys = [new_key() for _ in range(count)]
        begin()
        assert {caller.pay(source, payee, "1.00", key).status_code for key in keys} <= told
        end()
        for key in keys:
            until(lambda key=key: caller.pay(source, payee, "1.00", key).status_code == 201)  # type: ignore[misc]  # bound at once
        paid += count
        assert served.posted(payee) == paid * 100
