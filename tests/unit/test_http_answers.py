"""What all answers of all APIs have in common, asked of an application with three routes."""

import asyncio
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Any

import httpx
import pytest
from fastapi import FastAPI, Query
from prometheus_client import CollectorRegistry
from pydantic import BaseModel, Field
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from infrastructure.tokens.key_sources import KeySource, read_file
from infrastructure.tokens.signing import sign
from infrastructure.tokens.signing_keys import SigningKeys, jwks_path
from infrastructure.tokens.verify import TokenVerifier
from interfaces.http.application import new_application
from interfaces.http.auth import Authenticator, require_scope
from interfaces.http.queries import QueryParameters, read_query

Ask = Callable[..., httpx.Response]
TRACE = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


class Filters(QueryParameters):
    limit: Annotated[int, Field(ge=1, le=200)] = 50
    kind: str | None = None


class Body(BaseModel):
    amount: int


def application(authenticator: Authenticator, registry: CollectorRegistry) -> FastAPI:
    """Build an application with a plain route, a FastAPI one and one that fails."""
    app = new_application(
        title="Try", description="", registry=registry, checks={"keys": authenticator.ready}
    )

    async def wallet(request: Request) -> Response:
        caller = await authenticator.caller(request.scope)
        require_scope(caller, "read", "audit")
        state = request.scope["state"]
        return JSONResponse({"sub": caller.sub, "trace": state["traceparent"]})

    async def fails(_request: Request) -> Response:
        raise RuntimeError("SELECT secret FROM /etc/passwd")

    async def wallets(request: Request) -> Response:
        return JSONResponse(read_query(Filters, request.scope).model_dump())

    app.router.routes[:0] = [
        Route("/v1/wallets", wallets, methods=["GET"]),
        Route("/v1/wallets/{wallet_id}", wallet),
        Route("/v1/fails", fails),
    ]

    @app.get("/v1/things")
    async def things(limit: Annotated[int, Query(ge=1)]) -> int:
        return limit

    @app.post("/v1/things")
    async def thing(body: Body) -> int:
        return body.amount

    return app


@pytest.fixture
def keys(tmp_path: Path) -> SigningKeys:
    found = SigningKeys(tmp_path, {})
    found.ensure()
    return found


@pytest.fixture
def ask(tmp_path: Path, keys: SigningKeys) -> Ask:
    """Give a function that sends one request: `ask("GET", "/path", headers=...)`."""
    source = KeySource(read_file(jwks_path(tmp_path)), 0.0)
    authenticator = Authenticator(TokenVerifier(source, issuer="falconpay", ledgers={"main"}))
    app = application(authenticator, CollectorRegistry())

    async def send(method: str, path: str, **options: Any) -> httpx.Response:
        transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://x") as client:
            return await client.request(method, path, **options)

    return lambda method, path, **options: asyncio.run(send(method, path, **options))


def bearer(keys: SigningKeys, **claims: Any) -> dict[str, str]:
    claims = {"subject": "alice", "scope": "read", "issuer": "falconpay", **claims}
    return {"Authorization": f"Bearer {sign(keys, **claims)}"}


def assert_problem(response: httpx.Response, status: int, code: str) -> dict[str, Any]:
    """Check everything that holds for each problem, and return its members."""
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    assert response.headers["cache-control"] == "no-store"
    assert response.headers["x-content-type-options"] == "nosniff"
    document: dict[str, Any] = response.json()
    assert document["type"].endswith(f"/{code}")
    assert (document["status"], document["code"]) == (status, code)
    assert document["title"]
    assert document["detail"]
    return document


@pytest.mark.parametrize(
    ("method", "path", "options", "status", "code"),
    [
        ("GET", "/nope", {}, 404, "not-found"),
        ("GET", "/v1/wallets/", {}, 404, "not-found"),
        ("DELETE", "/v1/things", {}, 405, "method-not-allowed"),
        ("OPTIONS", "/v1/wallets", {}, 405, "method-not-allowed"),
        ("GET", "/v1/fails", {}, 500, "internal-error"),
        ("GET", "/v1/things", {}, 422, "invalid-request"),
        ("GET", "/v1/things?limit=x", {}, 422, "invalid-request"),
        ("POST", "/v1/things", {"content": "{"}, 422, "malformed-json"),
        ("POST", "/v1/things", {"json": {"amount": "x"}}, 422, "invalid-request"),
        ("GET", "/docs/assets/nope.js", {}, 404, "not-found"),
        ("GET", "/docs/assets/../../../../pyproject.toml", {}, 404, "not-found"),
        ("POST", "/docs/assets/swagger-ui.css", {}, 405, "method-not-allowed"),
    ],
)
def test_every_error_of_the_framework_is_a_problem(
    ask: Ask, method: str, path: str, options: Mapping[str, Any], status: int, code: str
) -> None:
    headers = {"content-type": "application/json"} if "content" in options else None
    assert_problem(ask(method, path, headers=headers, **options), status, code)


def test_a_fault_of_ours_says_nothing_of_its_cause(ask: Ask) -> None:
    response = ask("GET", "/v1/fails")
    assert_problem(response, 500, "internal-error")
    assert not re.search(r"SELECT|passwd|Traceback|\.py|Runtime", response.text)


def test_a_wrong_method_learns_all_right_ones(ask: Ask) -> None:
    """Also where the path's methods are spread over several routes."""
    assert ask("DELETE", "/v1/things").headers["allow"] == "GET, POST"


def test_faults_of_a_body_and_of_a_query_are_named(ask: Ask) -> None:
    body = ask("POST", "/v1/things", json={"amount": "x"}).json()
    assert [error["pointer"] for error in body["errors"]] == ["#/amount"]
    query = ask("GET", "/v1/things?limit=0").json()
    assert [error["parameter"] for error in query["errors"]] == ["limit"]


@pytest.mark.parametrize(
    ("query", "parameter"),
    [
        ("limit=0", "limit"),
        ("limit=201", "limit"),
        ("limit=1.5", "limit"),
        ("limit=", "limit"),
        ("limit=1e3", "limit"),
        ("Limit=1", "Limit"),
        ("foo=1", "foo"),
        ("limit=1&limit=2", "limit"),
        ("kind=a%00b", "kind"),
        ("kind=a%0Ab", "kind"),
        ("kind=%E2%80%AE", "kind"),
        ("limit=" + "9" * 5000, "limit"),
    ],
)
def test_a_list_takes_known_parameters_once_and_clean(ask: Ask, query: str, parameter: str) -> None:
    problem = assert_problem(ask("GET", f"/v1/wallets?{query}"), 422, "invalid-request")
    assert [error["parameter"] for error in problem["errors"]] == [parameter]


@pytest.mark.parametrize("query", ["kind=%FF", "kind=%ED%A0%80"])
def test_a_query_that_cannot_be_read_is_refused(ask: Ask, query: str) -> None:
    assert_problem(ask("GET", f"/v1/wallets?{query}"), 422, "invalid-request")


def test_a_good_query_comes_through(ask: Ask) -> None:
    answer = ask("GET", "/v1/wallets?limit=7&kind=%C3%A4%20b").json()
    assert answer == {"limit": 7, "kind": "ä b"}


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Authorization": ""},
        {"Authorization": "Bearer"},
        {"Authorization": "Bearer "},
        {"Authorization": "Bearer  "},
        {"Authorization": "Basic YTpi"},
        {"Authorization": "Bearer garbage"},
        {"Authorization": b"Bearer \xff"},
        {"Cookie": "access_token={token}"},
        {"Authorization": "{token}"},
        {"Authorization": "Token {token}"},
        {"Authorization": "Bearer {token} {token}"},
        {"Authorization": "Bearer {token},Bearer {token}"},
        {"X-Authorization": "Bearer {token}"},
    ],
)
def test_without_one_valid_token_there_is_no_answer(
    ask: Ask, keys: SigningKeys, headers: dict[str, Any]
) -> None:
    token = bearer(keys)["Authorization"].removeprefix("Bearer ")
    sent = {
        name: value.replace("{token}", token) if isinstance(value, str) else value
        for name, value in headers.items()
    }
    response = ask("GET", f"/v1/wallets/1?access_token={token}", headers=sent)
    assert_problem(response, 401, "unauthenticated")
    assert response.headers["www-authenticate"] == "Bearer"


def test_two_authorization_headers_are_one_too_many(ask: Ask, keys: SigningKeys) -> None:
    """Even when both are good: another reader might take the other one."""
    header = ("Authorization", bearer(keys)["Authorization"])
    assert_problem(ask("GET", "/v1/wallets/1", headers=[header, header]), 400, "bad-request")


def test_the_scheme_knows_no_case(ask: Ask, keys: SigningKeys) -> None:
    """By RFC 9110 section 11.1."""
    headers = {"Authorization": bearer(keys)["Authorization"].replace("Bearer", "bEARER")}
    assert ask("GET", "/v1/wallets/1", headers=headers).json()["sub"] == "alice"


def test_one_of_several_scopes_is_enough_and_none_is_403(ask: Ask, keys: SigningKeys) -> None:
    assert ask("GET", "/v1/wallets/1", headers=bearer(keys, scope="audit")).status_code == 200
    response = ask("GET", "/v1/wallets/1", headers=bearer(keys, scope="payments"))
    assert_problem(response, 403, "scope-missing")


def test_a_key_made_a_moment_ago_is_known_at_once(ask: Ask, keys: SigningKeys) -> None:
    assert ask("GET", "/v1/wallets/1", headers=bearer(keys)).status_code == 200
    keys.rotate(settle_seconds=0)
    assert ask("GET", "/v1/wallets/1", headers=bearer(keys)).status_code == 200


def test_without_any_key_tokens_cannot_be_judged(
    ask: Ask, keys: SigningKeys, tmp_path: Path
) -> None:
    """That is an outage and says so, in readiness too; no token is called invalid for it."""
    headers = bearer(keys)
    jwks_path(tmp_path).unlink()
    response = ask("GET", "/v1/wallets/1", headers=headers)
    assert_problem(response, 503, "service-unavailable")
    assert response.headers["retry-after"] == "2"
    problem = assert_problem(ask("GET", "/readyz"), 503, "not-ready")
    assert problem["detail"] == "keys: no signing keys are known"
    keys.ensure()
    assert ask("GET", "/readyz").json() == {"status": "ready"}


@pytest.mark.parametrize("sent", ["abc-1.2_3", None, "a b", "a" * 65, "ü"])
def test_every_answer_bears_a_request_id(ask: Ask, sent: str | None) -> None:
    """The one sent where it is a plain word, else a new one."""
    headers = {} if sent is None else {"X-Request-Id": sent.encode()}
    answered = ask("GET", "/nope", headers=headers).headers["x-request-id"]
    assert answered == sent if sent == "abc-1.2_3" else re.fullmatch("[0-9a-f]{16}", answered)


def test_a_valid_trace_context_reaches_the_route(ask: Ask, keys: SigningKeys) -> None:
    one = [*bearer(keys).items(), ("traceparent", TRACE)]
    assert ask("GET", "/v1/wallets/1", headers=one).json()["trace"] == TRACE
    for headers in ([*one, ("traceparent", TRACE)], [*one[:1], ("traceparent", "nonsense")]):
        assert ask("GET", "/v1/wallets/1", headers=headers).json()["trace"] is None


def test_requests_are_counted_by_template_and_never_by_path(ask: Ask) -> None:
    ask("GET", "/v1/wallets/wal_1")
    ask("GET", "/nope/wal_2")
    ask("PROPFIND", "/nope")
    figures = ask("GET", "/metrics").text
    wanted = 'falconpay_http_requests_total{method="GET",route="/v1/wallets/{wallet_id}"'
    assert f'{wanted},status="401"}} 1.0' in figures
    assert 'method="other",route="unmatched",status="404"} 1.0' in figures
    assert "wal_" not in figures


def test_the_reference_page_needs_nothing_from_elsewhere(ask: Ask) -> None:
    """All it loads comes from the same host, and its policy would forbid anything else."""
    page = ask("GET", "/docs")
    policy = page.headers["content-security-policy"]
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy
    links = re.findall(r'(?:src|href)="([^"]+)"', page.text)
    assert len(links) == 4
    for link in links:
        assert link.startswith("/docs/")
        assert ask("GET", link).status_code == 200
    assert "<script>" not in page.text
    assert ask("GET", "/openapi.json").json()["openapi"].startswith("3.1")
