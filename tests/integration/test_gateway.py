"""The one public door: what it lets through to whom, and what it answers itself."""

import re
from collections.abc import Iterator

import httpx
import pytest

from interfaces.gateway.exposed import EXPOSED, Exposed
from interfaces.http.bodies import MAX_BODY_BYTES
from tests.gateway import GatewayHome, assert_nothing_told, assert_problem, exchange

TRACE = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
BEHIND_ECHO = [entry for entry in EXPOSED if entry.service != "identity"]


@pytest.mark.parametrize("entry", BEHIND_ECHO, ids=lambda entry: f"{entry.method} {entry.path}")
def test_each_route_reaches_its_service_as_it_is(gateway: GatewayHome, entry: Exposed) -> None:
    """The same path by method: commands to one, queries to the other."""
    path = re.sub(r"\{\w+\}", "wal_01J~x", entry.path)
    answer = gateway.ask(entry.method, f"{path}?a=b%20c")
    assert answer.status_code == 200, answer.text
    said = answer.json()
    assert (said["service"], said["method"]) == (entry.service, entry.method)
    assert (said["path"], said["query"]) == (path, "a=b%20c")
    assert said["caller"] == "alice"
    assert_nothing_told(answer)


@pytest.mark.parametrize("path", ["/healthz", "/docs", "/docs/start.js", "/.well-known/jwks.json"])
def test_what_is_open_needs_no_token(gateway: GatewayHome, path: str) -> None:
    answer = gateway.ask("GET", path, headers={})
    assert answer.status_code == 200
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["cache-control"] == "no-store"
    assert "server" not in answer.headers


def test_the_gateway_describes_all_apis_in_one_document(gateway: GatewayHome) -> None:
    document = gateway.ask("GET", "/openapi.json", headers={}).json()
    assert document["openapi"].startswith("3.1")
    assert "/.well-known/jwks.json" in document["paths"]


@pytest.mark.parametrize("path", ["/readyz", "/metrics", "/", "/v1", "/v1/nope", "/v1/wallets/"])
def test_everything_else_is_hidden(gateway: GatewayHome, path: str) -> None:
    """Without a token one does not even learn that there is nothing."""
    assert_problem(gateway.ask("GET", path), 404, "not-found")
    assert_problem(gateway.ask("GET", path, headers={}), 401, "unauthenticated")


@pytest.mark.parametrize(
    ("sent", "served"),
    [
        ("/v1/../v1/./wallets", "/v1/wallets"),
        ("//v1//wallets", "/v1/wallets"),
        ("/docs/../v1/wallets", "/v1/wallets"),
        ("/v1/wallets/x/../../wallets", "/v1/wallets"),
        ("/docs/../metrics", None),
        ("/docs/%2e%2e/metrics", None),
        ("/docs/..%2fmetrics", None),
        ("/docs%2f..%2fmetrics", None),
        ("/docs/..%5cmetrics", None),
        ("/V1/wallets", None),
        ("/v1/wallets%00", None),
        ("/v1/wallets;x=1", None),
    ],
)
def test_paths_are_settled_before_they_are_judged(
    gateway: GatewayHome, sent: str, served: str | None
) -> None:
    """No spelling of a path slips past the token check or to what is hidden."""
    answer = raw(gateway, f"GET {sent} HTTP/1.1", gateway.bearer()["Authorization"])
    if served is None:
        assert answer.status_code in {400, 404}
        assert answer.headers["content-type"] == "application/problem+json"
    else:
        assert answer.json()["path"] == served
    without = raw(gateway, f"GET {sent} HTTP/1.1", None)
    assert without.status_code in {400, 401, 404}


def raw(
    gateway: GatewayHome, line: str, authorization: str | None, rest: str = ""
) -> httpx.Response:
    """Send a request line as it stands, which no client library would; read one answer."""
    head = f"{line}\r\nhost: x\r\nconnection: close\r\n"
    if authorization is not None:
        head += f"authorization: {authorization}\r\n"
    return exchange(gateway.settings.port, f"{head}\r\n".encode("latin-1"))


def test_a_wrong_method_is_a_405_with_all_methods_of_the_path(gateway: GatewayHome) -> None:
    """Though they are served by different services."""
    for method in ("DELETE", "PATCH", "OPTIONS", "TRACE"):
        answer = gateway.ask(method, "/v1/wallets")
        assert_problem(answer, 405, "method-not-allowed")
        assert answer.headers["allow"] == "GET, POST"
    balance = gateway.ask("POST", "/v1/wallets/wal_1/balance")
    assert_problem(balance, 405, "method-not-allowed")
    assert balance.headers["allow"] == "GET"
    assert_problem(gateway.ask("POST", "/healthz", headers={}), 405, "method-not-allowed")


@pytest.mark.parametrize(
    ("path", "allowed"),
    [
        ("/v1/wallets/wal_1/limits", "PUT"),
        ("/v1/wallets/wal_1/members", "POST"),
        ("/v1/wallets/wal_1/members/usr_1", "DELETE"),
        ("/v1/payments", "GET, POST"),
        ("/v1/payments/pay_1", "GET"),
        ("/v1/payments/pay_1/refund", "POST"),
        ("/v1/holds/pay_1/capture", "POST"),
    ],
)
def test_a_path_has_no_other_methods_than_its_own(
    gateway: GatewayHome, path: str, allowed: str
) -> None:
    """What is under a path is another path."""
    for method in {"GET", "POST", "PUT", "DELETE", "PATCH"} - set(allowed.split(", ")):
        answer = gateway.ask(method, path)
        assert_problem(answer, 405, "method-not-allowed")
        assert answer.headers["allow"] == allowed
    assert_problem(gateway.ask("POST", f"{path}/a/more"), 404, "not-found")


@pytest.mark.parametrize("method", ["PUT", "DELETE"])
def test_a_put_and_a_delete_go_through_whole(gateway: GatewayHome, method: str) -> None:
    """With their body and the headers that they have."""
    path = "/v1/wallets/wal_1/" + ("limits" if method == "PUT" else "members/usr_1")
    headers = {**gateway.bearer(), "Content-Type": "application/json", "X-Request-Id": "abc-2"}
    said = gateway.ask(method, path, headers=headers, content=b'{"per_day": null}').json()
    assert (said["method"], said["path"], said["body_bytes"]) == (method, path, 17)
    assert dict(said["headers"])["x-request-id"] == "abc-2"


def test_ids_go_through_and_forwarded_headers_do_not(gateway: GatewayHome) -> None:
    """A request id and a trace are the client's; where it comes from is for nobody to invent."""
    headers = {
        **gateway.bearer(),
        "X-Request-Id": "abc-1",
        "traceparent": TRACE,
        "X-Forwarded-For": "6.6.6.6",
        "X-Envoy-Original-Path": "/metrics",
        "X-Envoy-Upstream-Rq-Timeout-Ms": "1",
        "Idempotency-Key": "k1",
    }
    answer = gateway.ask("POST", "/v1/transfers", headers=headers)
    came = dict(answer.json()["headers"])
    assert (came["x-request-id"], came["traceparent"]) == ("abc-1", TRACE)
    assert came["idempotency-key"] == "k1"
    assert answer.headers["x-request-id"] == "abc-1"
    assert not {"x-forwarded-for", "x-envoy-original-path", "x-envoy-external-address"} & set(came)
    assert gateway.ask("GET", "/v1/nope").headers["x-request-id"]


def test_a_body_has_a_mebibyte_at_most(gateway: GatewayHome) -> None:
    """By its length or counted in chunks; one that just fits goes through whole."""
    headers = {**gateway.bearer(), "Content-Type": "application/json"}
    fits = gateway.ask("POST", "/v1/transfers", headers=headers, content=b" " * MAX_BODY_BYTES)
    assert fits.json()["body_bytes"] == MAX_BODY_BYTES

    def chunks() -> Iterator[bytes]:
        for _ in range(17):
            yield b" " * (MAX_BODY_BYTES // 16)

    for content in (b" " * (MAX_BODY_BYTES + 1), chunks()):
        answer = gateway.ask("POST", "/v1/transfers", headers=headers, content=content)
        problem = assert_problem(answer, 413, "body-too-large")
        # In the gateway's words: the service, which would refuse it too, was not asked.
        assert problem["detail"] == f"The body is larger than {MAX_BODY_BYTES} bytes."
    without = gateway.ask("POST", "/v1/transfers", headers={}, content=b" " * (MAX_BODY_BYTES + 1))
    assert_problem(without, 401, "unauthenticated")


@pytest.mark.parametrize(
    ("sent", "status", "code"),
    [
        (b"GARBAGE\r\n\r\n", 400, "bad-request"),
        (b"GET /v1/wallets HTTP/1.1\r\n\r\n", 400, "bad-request"),
        (b"GET /v1/wallets HTTP/1.0\r\n\r\n", 400, "bad-request"),
        (b"GET /v1/wall\x00ets HTTP/1.1\r\nhost: x\r\n\r\n", 400, "bad-request"),
        (b"GET /v1/wall\xffets HTTP/1.1\r\nhost: x\r\n\r\n", 400, "bad-request"),
        (b"GET / HTTP/1.1\r\nhost: x\r\na: \x00\r\n\r\n", 400, "bad-request"),
        (b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: x\r\n\r\n", 400, "bad-request"),
        (
            b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 3\r\n"
            b"transfer-encoding: chunked\r\n\r\n0\r\n\r\n",
            400,
            "bad-request",
        ),
        (
            b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 3\r\ncontent-length: 4\r\n\r\nabcd",
            400,
            "bad-request",
        ),
        (b"GET /" + b"a" * 40_000 + b" HTTP/1.1\r\nhost: x\r\n\r\n", 431, "headers-too-large"),
        (
            b"GET / HTTP/1.1\r\nhost: x\r\na: " + b"a" * 40_000 + b"\r\n\r\n",
            431,
            "headers-too-large",
        ),
        (
            b"GET / HTTP/1.1\r\nhost: x\r\n" + b"a: b\r\n" * 200 + b"\r\n",
            431,
            "headers-too-large",
        ),
    ],
)
def test_what_is_no_proper_request_is_a_problem(
    gateway: GatewayHome, sent: bytes, status: int, code: str
) -> None:
    assert_problem(exchange(gateway.settings.port, sent), status, code)


def test_an_instance_is_the_path_without_its_query(gateway: GatewayHome) -> None:
    answer = gateway.ask("GET", '/v1/"nope"?secret=1')
    assert assert_problem(answer, 404, "not-found")["instance"] == "/v1/%22nope%22"
    long = gateway.ask("GET", "/v1/" + "a" * 3000)
    assert len(assert_problem(long, 404, "not-found")["instance"]) == 512


@pytest.mark.parametrize(
    "sent",
    [
        b"GARBAGE\r\n\r\n",
        b"GET / HTTP/1.1\r\nhost: x\r\na b: c\r\n\r\n",
        b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: x\r\n\r\n",
    ],
)
def test_a_service_asked_directly_answers_no_http_with_a_problem(
    gateway: GatewayHome, sent: bytes
) -> None:
    """Before any application has seen it, where the server's own answer would be plain text."""
    answer = exchange(gateway.settings.command_port, sent)
    assert_problem(answer, 400, "bad-request")
