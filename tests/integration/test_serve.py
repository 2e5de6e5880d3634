"""A role drains on SIGTERM: what runs is answered, nothing new is taken, the exit code is 0."""

import contextlib
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from interfaces.supervisor.probes import listens
from tests.servers import free_port
from tests.tools.whole_system import until

ROOT = Path(__file__).parents[2]
SERVICE = """
import asyncio, os, sys
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from interfaces.http.serve import serve

async def slow(request):
    await asyncio.sleep(float(request.query_params["seconds"]))
    return PlainTextResponse(f"{os.getpid()} {request.app.state.draining}")

app = Starlette(routes=[Route("/", slow)])
shared, own = sys.argv[2] == "shared", int(sys.argv[3])
serve(app, "127.0.0.1", int(sys.argv[1]), reuse_port=shared, own_port=own, drain_seconds=3)
"""

Start = Callable[..., subprocess.Popen[str]]


@pytest.fixture
def start() -> Iterator[Start]:
    """Give a function that starts the service and waits until it listens."""
    started: list[subprocess.Popen[str]] = []

    def begin(port: int, sharing: str = "alone", own: int = 0) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, "-c", SERVICE, str(port), sharing, str(own)],
            cwd=ROOT,
            stderr=subprocess.PIPE,
            text=True,
        )
        started.append(process)
        until(lambda: listens(process.pid, port) or process.poll() is not None, 20, "it listens")
        return process

    yield begin
    for process in started:
        process.kill()
        process.communicate()


def asked_in_background(port: int, seconds: float) -> tuple[threading.Thread, list[str]]:
    answers: list[str] = []

    def ask() -> None:
        url = f"http://127.0.0.1:{port}/"
        with contextlib.suppress(httpx.HTTPError):
            answers.append(httpx.get(url, params={"seconds": seconds}, timeout=10).text)

    thread = threading.Thread(target=ask)
    thread.start()
    time.sleep(0.4)
    return thread, answers


def test_a_request_under_way_is_answered_and_no_new_one_is_taken(start: Start) -> None:
    port = free_port()
    process = start(port)
    thread, answers = asked_in_background(port, 1.5)
    process.send_signal(signal.SIGTERM)
    time.sleep(0.4)
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port), timeout=1)
    thread.join()
    assert answers == [f"{process.pid} True"]
    assert process.wait(5) == 0


def test_a_drain_ends_after_its_time(start: Start) -> None:
    port = free_port()
    process = start(port)
    thread, answers = asked_in_background(port, 60)
    begun = time.monotonic()
    process.send_signal(signal.SIGTERM)
    assert process.wait(10) == 0
    assert 2 < time.monotonic() - begun < 6
    thread.join()
    assert answers != [f"{process.pid} True"]


def test_twins_share_a_port_and_the_one_that_stays_takes_everything(start: Start) -> None:
    port = free_port()
    twins = [start(port, "shared"), start(port, "shared")]
    url = f"http://127.0.0.1:{port}/?seconds=0"
    seen = {httpx.get(url).text.split()[0] for _ in range(60)}
    assert seen == {str(twin.pid) for twin in twins}
    twins[0].send_signal(signal.SIGTERM)
    assert twins[0].wait(5) == 0
    assert {httpx.get(url).text.split()[0] for _ in range(20)} == {str(twins[1].pid)}


def test_at_a_port_of_its_own_each_twin_answers_alone(start: Start) -> None:
    """Of two that share a port, nobody could else be asked whether it lives."""
    port, owns = free_port(), [free_port(), free_port()]
    twins = [start(port, "shared", own) for own in owns]
    for twin, own in zip(twins, owns, strict=True):
        seen = {httpx.get(f"http://127.0.0.1:{own}/?seconds=0").text.split()[0] for _ in range(20)}
        assert seen == {str(twin.pid)}


def test_an_occupied_port_is_named_with_the_remedy(start: Start) -> None:
    port = free_port()
    start(port)
    second = start(port)
    _, said = second.communicate(timeout=10)
    assert second.returncode != 0
    assert f"Port {port} on 127.0.0.1 is occupied" in said


def test_answers_come_whole_in_order_and_before_the_close(start: Start) -> None:
    """Requests sent one behind the other; the last one asks that the connection be closed."""
    port = free_port()
    process = start(port)
    asked = b"GET /?seconds=0 HTTP/1.1\r\nHost: here\r\n\r\n" * 20
    asked += b"GET /?seconds=0.1 HTTP/1.1\r\nHost: here\r\nConnection: close\r\n\r\n"
    with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
        connection.sendall(asked)
        received = b""
        while part := connection.recv(65536):
            received += part
    answers = received.split(b"HTTP/1.1 ")[1:]
    assert len(answers) == 21
    assert all(answer.endswith(b"\r\n\r\n%d False" % process.pid) for answer in answers)
