"""What the gateway does when services behind it are away, slow, killed or come back."""

import concurrent.futures
import json
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from interfaces.gateway.render import Timeouts
from tests.gateway import ECHO, IDENTITY, GatewayHome, assert_problem, exchange


@pytest.fixture
def gateway(tmp_path: Path) -> Iterator[GatewayHome]:
    """Give a gateway of its own, with time-outs of a second or two, for a test to break."""
    started = GatewayHome(tmp_path)
    try:
        started.start(Timeouts(headers=1, request=2, answer=1))
        yield started
    finally:
        started.stop()


def test_a_service_that_is_away_is_a_503_and_back_at_once(gateway: GatewayHome) -> None:
    """The other services go on meanwhile, and nothing has to be waited out afterwards."""
    assert gateway.ask("GET", "/v1/wallets").status_code == 200
    gateway.end("query")
    answer = gateway.ask("GET", "/v1/wallets")
    assert_problem(answer, 503, "service-unavailable")
    assert answer.headers["retry-after"] == "1"
    assert gateway.ask("POST", "/v1/wallets").status_code == 200
    gateway.start_service([*ECHO, "query"], gateway.settings.query_port)
    assert gateway.ask("GET", "/v1/wallets").status_code == 200


def test_one_of_two_services_on_a_port_dies_and_reads_go_on(gateway: GatewayHome) -> None:
    """They are sent again, also on connections that the dead one had left open.

    Only an answer that had begun cannot be mended; its client sees that it was cut off.
    """
    gateway.start_service([*ECHO, "query"], gateway.settings.query_port)
    victim = gateway.services("query")[0]
    callers = 8
    with concurrent.futures.ThreadPoolExecutor(callers) as pool:
        answers = [pool.submit(gateway.ask, "GET", "/v1/wallets") for _ in range(400)]
        while sum(answer.done() for answer in answers) < 50:
            time.sleep(0.005)
        victim.kill()
    cut_off = [a for a in answers if isinstance(a.exception(), httpx.RemoteProtocolError)]
    whole = [answer.result() for answer in answers if answer not in cut_off]
    assert len(cut_off) <= callers
    assert {answer.status_code for answer in whole} == {200}
    assert len({answer.json()["pid"] for answer in whole}) == 2


def test_a_command_that_has_left_the_gateway_is_never_sent_again(
    gateway: GatewayHome, tmp_path: Path
) -> None:
    """It may have been done: only the caller, with the key in hand, can safely repeat it."""
    for _ in range(3):
        gateway.start_service([*ECHO, "command"], gateway.settings.command_port)
    note = tmp_path / "died"
    headers = {**gateway.bearer(), "Content-Type": "application/json"}
    body = json.dumps({"die": str(note)})
    answer = gateway.ask("POST", "/v1/transfers", headers=headers, content=body)
    assert_problem(answer, 503, "service-unavailable")
    assert len(note.read_text().split()) == 1
    assert gateway.ask("POST", "/v1/transfers").status_code == 200


def test_commands_are_connected_anew_after_a_restart(gateway: GatewayHome) -> None:
    """A command that could not be sent at all is tried on a new connection."""
    for _ in range(3):
        assert gateway.ask("POST", "/v1/transfers").status_code == 200
        gateway.end("command")
        gateway.start_service([*ECHO, "command"], gateway.settings.command_port)
    assert gateway.ask("POST", "/v1/transfers").status_code == 200


def test_a_service_that_is_too_slow_is_a_503(gateway: GatewayHome) -> None:
    headers = {**gateway.bearer(), "Content-Type": "application/json"}
    late = gateway.ask("POST", "/v1/transfers", headers=headers, content='{"seconds": 3}')
    assert_problem(late, 503, "service-unavailable")
    assert late.headers["retry-after"] == "1"


def test_a_client_that_is_too_slow_is_a_408(gateway: GatewayHome) -> None:
    """With its headers, which holds a connection for nothing, and with its body."""
    slow_headers = exchange(gateway.settings.port, b"POST /v1/transfers HTTP/1.1\r\nhost: x\r\n")
    assert_problem(slow_headers, 408, "request-timeout")
    token = gateway.bearer()["Authorization"]
    head = f"POST /v1/transfers HTTP/1.1\r\nhost: x\r\nauthorization: {token}\r\n"
    slow_body = exchange(gateway.settings.port, f"{head}content-length: 9\r\n\r\n{{".encode())
    assert_problem(slow_body, 408, "request-timeout")


def test_keys_once_known_outlive_the_identity_api(gateway: GatewayHome) -> None:
    """Its death ends the sign-in and the documents, but no payment."""
    gateway.end("identity-api")
    time.sleep(2.5)
    assert gateway.ask("GET", "/v1/wallets").status_code == 200
    assert_problem(gateway.ask("GET", "/docs", headers={}), 503, "service-unavailable")
    gateway.start_service(IDENTITY, gateway.settings.identity_port)
    assert gateway.ask("GET", "/docs", headers={}).status_code == 200


def test_without_keys_no_token_is_called_invalid(tmp_path: Path) -> None:
    """A gateway that starts before the identity API says that it cannot judge, until it can."""
    gateway = GatewayHome(tmp_path)
    try:
        gateway.keys.ensure()
        gateway.start_service([*ECHO, "query"], gateway.settings.query_port)
        gateway.start_gateway()
        answer = gateway.ask("GET", "/v1/wallets")
        assert_problem(answer, 503, "service-unavailable")
        assert answer.headers["retry-after"] == "1"
        gateway.start_service(IDENTITY, gateway.settings.identity_port)
        deadline = time.monotonic() + 10
        while gateway.ask("GET", "/v1/wallets").status_code != 200:
            assert time.monotonic() < deadline
            time.sleep(0.1)
    finally:
        gateway.stop()
