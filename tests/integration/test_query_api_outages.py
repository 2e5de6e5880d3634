"""The query API while its database is away, slow or locked: it says so, and goes on by itself."""

import os
import signal
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import httpx
import psutil
import pytest

from infrastructure.embedded.server import wait_until_ready
from tests import servers
from tests.query_book import ALICE, Book, write_book
from tests.query_system import QuerySystem, query_system
from tests.servers import PostgresHome


@pytest.fixture(scope="module")
def own_postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PostgresHome]:
    """Start a server that no other test needs, so that it can be killed."""
    started = servers.start_postgres(tmp_path_factory.mktemp("server"))
    yield started
    started.server.stop(20)


@pytest.fixture(scope="module")
def system(
    own_postgres: PostgresHome, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[QuerySystem]:
    with query_system(own_postgres, tmp_path_factory.mktemp("home")) as running:
        yield running


@pytest.fixture(scope="module")
def book(system: QuerySystem) -> Book:
    return write_book(system)


def paths(book: Book) -> list[str]:
    wallet = f"/v1/wallets/{book.alice}"
    return [
        "/v1/wallets",
        wallet,
        f"{wallet}/balance",
        f"{wallet}/balance?as_of=3",
        f"{wallet}/entries",
        "/v1/payments",
        f"/v1/payments/{book.lunch}",
        "/v1/reports/trial-balance",
        "/v1/reports/daily",
        "/v1/audit/events",
        "/v1/projections",
    ]


def is_unavailable(response: httpx.Response) -> bool:
    if response.status_code == 200:
        return False
    assert (response.status_code, response.json()["code"]) == (503, "service-unavailable")
    assert int(response.headers["retry-after"]) > 0
    return True


def test_a_table_that_is_locked_is_waited_for_in_vain(system: QuerySystem, book: Book) -> None:
    with system.databases.connect_admin("reports") as admin, admin.transaction():
        admin.execute("LOCK TABLE reports_main.balances IN ACCESS EXCLUSIVE MODE")
        started = time.monotonic()
        assert is_unavailable(system.ask(f"/v1/wallets/{book.alice}", ALICE, "read"))
        assert time.monotonic() - started < 5
    assert system.ask(f"/v1/wallets/{book.alice}", ALICE, "read").status_code == 200


def test_more_callers_than_connections(system: QuerySystem, book: Book) -> None:
    """They take turns, and none is refused."""
    with ThreadPoolExecutor(64) as pool:
        answers = list(pool.map(lambda _: system.ask(paths(book)[2]), range(400)))
    assert {answer.status_code for answer in answers} == {200}


def test_connections_that_the_server_ends_are_made_anew_unseen(
    system: QuerySystem, book: Book
) -> None:
    for _ in range(3):
        with system.databases.connect_admin() as admin:
            admin.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE usename ~ '^falconpay_(query|audit|accesslog)$'"
            )
        for path in paths(book):
            assert system.ask(path).status_code == 200


def test_the_server_is_killed_and_comes_back(
    system: QuerySystem, book: Book, own_postgres: PostgresHome
) -> None:
    server = own_postgres.server
    running = server.running()
    assert running is not None
    backends = psutil.Process(running.pid).children()
    os.kill(running.pid, signal.SIGKILL)
    # Each of its processes notices that by itself, and may answer until it does.
    assert not psutil.wait_procs(backends, 10)[1]
    with ThreadPoolExecutor(11) as pool:
        answers = list(pool.map(system.ask, paths(book)))
    assert all(map(is_unavailable, answers))
    ready = system.client.get("/readyz")
    assert (ready.status_code, ready.json()["code"]) == (503, "not-ready")
    assert system.client.get("/healthz").status_code == 200
    server.start()
    wait_until_ready(server, 30)
    deadline = time.monotonic() + 3
    while is_unavailable(system.ask(paths(book)[2])):
        assert time.monotonic() < deadline, "not answered again 3 seconds after the server's return"
    for path in paths(book):
        assert system.ask(path).status_code == 200
    assert system.client.get("/readyz").status_code == 200
