"""The gateway keeps its promised port and never runs with an old or a wrong configuration."""

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from infrastructure.embedded.server import EmbeddedServer, ServerUnavailable, wait_until_ready
from tests.plain_gateway import answer_of, plain_gateway


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Path]:
    """Give a home whose gateway is ended at the end of the test, whatever happened."""
    yield tmp_path
    plain_gateway(tmp_path).stop(10)


def _start(server: EmbeddedServer) -> EmbeddedServer:
    server.prepare()
    server.start()
    wait_until_ready(server, 30)
    return server


def _pid(server: EmbeddedServer) -> int:
    running = server.running()
    assert running is not None
    return running.pid


def test_the_public_port_is_never_chosen_again(home: Path) -> None:
    """The gateway's port is promised to clients: occupied, it is an error that names the remedy."""
    server = plain_gateway(home)
    server.prepare()
    port = int((home / "gateway.port").read_text())
    with (
        socket.create_server(("127.0.0.1", port)),
        pytest.raises(ServerUnavailable, match=f"Port {port} is occupied.*FALCONPAY_PORT"),
    ):
        server.start()


def test_the_gateway_is_started_again_for_another_configuration(home: Path) -> None:
    """Adopting a gateway that routes to yesterday's ports would be worse than starting anew."""
    first = _start(plain_gateway(home, "one"))
    pid = _pid(first)
    second = _start(plain_gateway(home, "two"))
    assert _pid(second) != pid
    assert answer_of(second) == "two"


def test_a_wrong_gateway_configuration_is_refused(home: Path) -> None:
    server = plain_gateway(home)
    (home / "gateway.yaml").write_text("static_resources: {listeners: [{adress: 1}]}")
    with pytest.raises(ServerUnavailable, match=r"configuration .* is refused"):
        server.prepare()
