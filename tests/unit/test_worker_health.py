"""Health of roles without an HTTP API."""

import socket
from collections.abc import Iterator

import httpx
import pytest
from prometheus_client import Counter

from infrastructure.telemetry import new_registry
from interfaces.workers.health import HealthServer, WorkerCheck


@pytest.fixture
def missing() -> dict[str, str | Exception | None]:
    """Give what the one check of the server says, to be changed by the test."""
    return {"kafka": None}


@pytest.fixture
def server(missing: dict[str, str | Exception | None]) -> Iterator[HealthServer]:
    registry = new_registry()
    Counter("falconpay_test_events", "Events", registry=registry).inc(7)

    def check() -> str | None:
        found = missing["kafka"]
        if isinstance(found, Exception):
            raise found
        return found

    server = HealthServer("127.0.0.1", 0, {"kafka": check}, registry)
    server.start()
    yield server
    server.stop()


def get(server: HealthServer, path: str, method: str = "GET") -> httpx.Response:
    return httpx.request(method, f"http://127.0.0.1:{server.server_port}{path}")


def test_a_worker_is_alive_ready_and_has_figures(server: HealthServer) -> None:
    assert get(server, "/healthz").json() == {"status": "alive"}
    assert get(server, "/readyz?x=1").json() == {"status": "ready"}
    figures = get(server, "/metrics")
    assert "falconpay_test_events_total 7.0" in figures.text
    assert "process_resident_memory_bytes" in figures.text
    assert figures.headers["content-type"].startswith("text/plain")
    for response in (figures, get(server, "/healthz")):
        assert "server" not in response.headers
        assert response.headers["cache-control"] == "no-store"


def test_a_process_whose_roles_have_not_begun_is_not_ready() -> None:
    """Its health is served first; a readiness of nothing would be taken for that of its work."""
    checks: dict[str, WorkerCheck] = {}
    server = HealthServer("127.0.0.1", 0, checks, new_registry())
    server.start()
    response = get(server, "/readyz")
    assert (response.status_code, response.json()["detail"]) == (503, "roles: none has begun yet")
    checks["relay"] = lambda: None
    assert get(server, "/readyz").status_code == 200
    server.stop()


@pytest.mark.parametrize(
    ("found", "detail"),
    [
        ("no broker answers", "kafka: no broker answers"),
        (RuntimeError("host=secret"), "kafka: the check failed"),
    ],
)
def test_a_worker_that_misses_something_is_alive_but_not_ready(
    server: HealthServer,
    missing: dict[str, str | Exception | None],
    found: str | Exception,
    detail: str,
) -> None:
    """And says what, but nothing of a check's own fault."""
    missing["kafka"] = found
    response = get(server, "/readyz")
    assert response.status_code == 503
    assert response.headers["content-type"] == "application/problem+json"
    assert (response.json()["code"], response.json()["detail"]) == ("not-ready", detail)
    assert get(server, "/healthz").status_code == 200


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/", 404, "not-found"),
        ("GET", "/metrics/", 404, "not-found"),
        ("POST", "/healthz", 405, "method-not-allowed"),
        ("DELETE", "/metrics", 405, "method-not-allowed"),
    ],
)
def test_everything_else_is_a_problem(
    server: HealthServer, method: str, path: str, status: int, code: str
) -> None:
    response = get(server, path, method)
    assert (response.status_code, response.json()["code"]) == (status, code)
    assert response.headers.get("allow") == ("GET" if status == 405 else None)


@pytest.mark.parametrize("sent", [b"GARBAGE\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n", b"\x00\xff\r\n"])
def test_what_is_not_http_is_a_problem_too(server: HealthServer, sent: bytes) -> None:
    """And names no software."""
    with socket.create_connection(("127.0.0.1", server.server_port), timeout=5) as connection:
        connection.sendall(sent)
        answer = b""
        while part := connection.recv(4096):
            answer += part
    assert b'"code":"bad-request"' in answer
    assert b"Python" not in answer


def test_a_port_that_is_taken_is_an_error(server: HealthServer) -> None:
    with pytest.raises(OSError, match="in use"):
        HealthServer("127.0.0.1", server.server_port, {}, new_registry())


def test_a_stopped_server_frees_its_port(server: HealthServer) -> None:
    other = HealthServer("127.0.0.1", 0, {}, new_registry())
    other.start()
    port = other.server_port
    other.stop()
    again = HealthServer("127.0.0.1", port, {}, new_registry())
    again.server_close()
