"""How streams end: with the token, with the service, for a slow reader; and how many there are."""

import asyncio
import signal
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import NoReturn

import pytest
from starlette.types import Message

from domain.money import Currencies
from infrastructure.event_log.reader import EventReader
from infrastructure.tokens.signing import sign
from infrastructure.tokens.signing_keys import SigningKeys
from infrastructure.tokens.verify import token_verifier
from interfaces.http.auth import Authenticator
from interfaces.http.protocol import ABORT
from interfaces.query_api.branch import new_branch
from interfaces.query_api.cursors import Cursors
from interfaces.query_api.stream import Stream
from projections.checkpoints import reset
from projections.entries import ENTRIES
from tests.fan_out import until
from tests.query_system import QuerySystem, query_system
from tests.servers import FreshDatabases, PostgresHome
from tests.streams import asked, streamed

MOST = 30
OF_ONE = 20
DRAINED_SECONDS = 8
"""Less than requests under way have to end."""


@pytest.fixture(scope="module")
def system(
    postgres: PostgresHome, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[QuerySystem]:
    home = tmp_path_factory.mktemp("home")
    with query_system(postgres, home, {"FALCONPAY_STREAM_CLIENTS": str(MOST)}) as running:
        yield running


def test_a_stream_ends_with_its_token(system: QuerySystem) -> None:
    """It is not before the token's end, and the answer ends as it should."""
    ends = time.time() + 3
    token = sign(
        system.keys,
        subject="usr_short",
        scope="read",
        issuer=system.databases.settings.issuer,
        expires_in=3,
    )
    with streamed(system, "usr_short", token=token) as stream:
        assert stream.ended()
    assert time.time() >= ends - 1


def test_a_stream_that_is_not_read_ends_with_its_token(databases: FreshDatabases) -> None:
    """The server here takes nothing of what it is given; all the same the stream is cut off."""
    settings, secrets = databases.settings, databases.secrets
    keys = SigningKeys(settings.home, {})
    keys.ensure()
    token = sign(keys, subject="usr_1", scope="read", issuer=settings.issuer, expires_in=2)
    aborted: list[bool] = []
    scope = {
        "type": "http",
        "method": "GET",
        "path": "/v1/stream",
        "query_string": b"",
        "headers": [(b"authorization", f"Bearer {token}".encode())],
        "extensions": {ABORT: {"abort": lambda: aborted.append(True)}},
    }

    async def receive() -> NoReturn:
        await asyncio.Event().wait()
        raise AssertionError("nothing comes")

    async def send(message: Message) -> None:
        if message["type"] == "http.response.body":
            await asyncio.Event().wait()

    async def served() -> None:
        branch = new_branch(settings, secrets, Currencies(settings.assets), Cursors("x" * 32))
        await branch.open()
        authenticator = Authenticator(token_verifier(settings, {"main"}))
        stream = Stream(authenticator, {"main": branch}, lambda: False, MOST)
        await asyncio.wait_for(stream(scope, receive, send), 20)
        await branch.close()

    asyncio.run(served())
    assert aborted


def test_as_many_streams_as_may_be(system: QuerySystem) -> None:
    """One caller has twenty, all together those of the setting; an end makes room for another."""
    with ExitStack() as opened:
        for _ in range(OF_ONE):
            opened.enter_context(streamed(system, "usr_greedy"))
        with asked(system, "usr_greedy") as response:
            assert response.status_code == 429, response.read()
            assert response.headers["retry-after"] == "5"
        for number in range(MOST - OF_ONE):
            opened.enter_context(streamed(system, f"usr_{number}"))
        with asked(system, "usr_late") as response:
            response.read()
            assert response.status_code == 503
            assert response.headers["retry-after"] == "5"
            assert response.json()["code"] == "service-unavailable"
        system.documented.check(response)

    def admitted() -> bool:
        with asked(system, "usr_late") as response:
            return response.status_code == 200

    until(admitted)


def test_a_stream_outlives_a_database_that_does_not_answer(system: QuerySystem) -> None:
    """What has happened meanwhile is told as soon as it can be seen."""
    writer = system.writer
    till, wallet = writer.open(kind="system"), writer.open(owner="usr_patient")
    system.follow()
    with streamed(system, "usr_patient") as stream:
        stream.beat()
        with system.databases.connect_admin("reports") as admin, admin.transaction():
            admin.execute("LOCK TABLE reports_main.checkpoint IN ACCESS EXCLUSIVE MODE")
            # Longer than a query may take, and longer than it is tried again.
            time.sleep(6)
        writer.transfer(till, wallet, 1)
        system.follow()
        assert [event.name for event in stream.take(2)] == ["payment", "balance"]


def test_a_stream_ends_when_read_models_begin_anew(system: QuerySystem) -> None:
    """Another one goes on from the same place as soon as they are there again."""
    writer = system.writer
    till, wallet = writer.open(kind="system"), writer.open(owner="usr_again")
    system.follow()
    with streamed(system, "usr_again") as stream:
        stream.beat()
        with (
            system.databases.connect("projector", "reports") as reports,
            system.databases.connect("projector") as ledger,
        ):
            reset(reports, ENTRIES, EventReader(ledger).store_id())
        assert stream.ended()
        last = stream.last_id
    with streamed(system, "usr_again", after=last) as stream:
        writer.transfer(till, wallet, 1)
        system.follow()
        assert [event.name for event in stream.take(2)] == ["payment", "balance"]


def test_a_slow_reader_is_dropped_and_a_quick_one_is_not(system: QuerySystem) -> None:
    """One that reads nothing is cut off; what was written meanwhile comes to the other, whole."""
    writer = system.writer
    one, other = writer.open(kind="system"), writer.open(kind="system")
    system.follow()
    begin = system.head()
    slow = unread(system)
    with streamed(system, "usr_auditor", "audit") as quick:
        for _ in range(8):
            for _ in range(1_000):
                writer.transfer(one, other, 1, description="x" * 100)
            system.follow()
            told = quick.until(system.head())
            assert [event.position for event in told] == list(range(begin + 1, system.head() + 1))
            begin = system.head()
    assert cut_off(slow)


def unread(system: QuerySystem) -> socket.socket:
    """Return a connection on which a stream was asked for, and that holds as little as it can."""
    connection = socket.socket()
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    connection.connect((system.client.base_url.host, system.client.base_url.port))
    token = system.token("usr_auditor", "audit")
    connection.sendall(
        f"GET /v1/stream HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n\r\n".encode()
    )
    assert connection.recv(15) == b"HTTP/1.1 200 OK"
    return connection


def cut_off(connection: socket.socket) -> bool:
    """Read what still comes; return whether the answer has no end."""
    connection.settimeout(30)
    last = b""
    while part := connection.recv(65_536):
        last = (last + part)[-16:]
    connection.close()
    return not last.endswith(b"0\r\n\r\n")


def test_streams_end_at_once_when_the_service_stops(postgres: PostgresHome, tmp_path: Path) -> None:
    """Also one whose client does not read; the process ends well, long before it had to."""
    with ExitStack() as reading, query_system(postgres, tmp_path) as system:
        stream = reading.enter_context(streamed(system, "usr_0"))
        silent = unread(system)
        system.process.send_signal(signal.SIGTERM)
        assert stream.ended()
        system.process.wait(DRAINED_SECONDS)
        assert not cut_off(silent)
