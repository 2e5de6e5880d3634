"""What the query API refuses: in which order, alike for all callers, whatever is sent."""

from urllib.parse import quote

import httpx
import psycopg
import pytest

from domain.identifiers import payment_id, wallet_id
from tests.query_book import ALICE, BOB, CAROL, Book, write_book
from tests.query_system import QuerySystem

ON_WALLETS = (
    "/v1/wallets",
    "/v1/wallets/{W}",
    "/v1/wallets/{W}/balance",
    "/v1/wallets/{W}/entries",
)
ON_PAYMENTS = ("/v1/payments", "/v1/payments/{P}")
FOR_AUDITORS = ("/v1/reports/trial-balance", "/v1/reports/daily", "/v1/audit/events")
ROUTES = (*ON_WALLETS, *ON_PAYMENTS, *FOR_AUDITORS, "/v1/projections")
OF_OBJECTS = tuple(route for route in ROUTES if "{" in route)
LISTS = (
    "/v1/wallets",
    "/v1/wallets/{W}/entries",
    "/v1/payments",
    "/v1/reports/daily",
    "/v1/audit/events",
    "/v1/projections",
)
SCOPES = ("read", "wallets", "payments", "operate", "audit", "admin")


@pytest.fixture(scope="module")
def book(system: QuerySystem) -> Book:
    return write_book(system)


def path_of(route: str, wallet: str, payment: str) -> str:
    return route.replace("{W}", wallet).replace("{P}", payment)


def code(response: httpx.Response) -> str:
    return f"{response.status_code} {response.json()['code']}"


def granted(route: str) -> set[str]:
    if route in ON_WALLETS:
        return {"read", "wallets", "operate", "audit"}
    if route in ON_PAYMENTS:
        return {"read", "payments", "operate", "audit"}
    return {"audit"} if route in FOR_AUDITORS else set(SCOPES)


@pytest.mark.parametrize("route", ROUTES)
@pytest.mark.parametrize("scope", [*SCOPES, "", "reads", "READ"])
def test_scopes(system: QuerySystem, book: Book, route: str, scope: str) -> None:
    response = system.ask(path_of(route, book.alice, book.lunch), ALICE, scope)
    if scope in granted(route) or route == "/v1/projections":
        assert response.status_code == 200
    else:
        assert code(response) == "403 scope-missing"


@pytest.mark.parametrize("route", ROUTES)
def test_the_order_of_checks(system: QuerySystem, book: Book, route: str) -> None:
    """Everything is wrong at first; then one fault after the other is mended."""
    path = path_of(route, book.carol, payment_id(system.writer.new_bits()))
    wrong = {"shape": "round"}
    assert code(system.get(path, params=wrong)) == "401 unauthenticated"
    if route != "/v1/projections":
        assert code(system.ask(path, BOB, "admin", **wrong)) == "403 scope-missing"
    scope = "audit" if route in FOR_AUDITORS else "read"
    assert code(system.ask(path, BOB, scope, **wrong)) == "422 invalid-request"
    if route in LISTS:
        assert code(system.ask(path, BOB, scope, cursor="made-up")) == "422 invalid-cursor"
    response = system.ask(path, BOB, scope)
    if route in OF_OBJECTS:
        kind = "wallet" if route in ON_WALLETS else "payment"
        assert code(response) == f"404 {kind}-not-found"
    else:
        assert response.status_code == 200


@pytest.mark.parametrize("route", ROUTES)
def test_tokens(system: QuerySystem, book: Book, route: str) -> None:
    path, token = path_of(route, book.alice, book.lunch), system.token(ALICE, "audit")
    for headers in (
        {},
        {"Authorization": token},
        {"Authorization": f"Bearer {token}x"},
        {"Cookie": f"token={token}"},
    ):
        response = system.get(path, headers=headers)
        assert code(response) == "401 unauthenticated"
        assert response.headers["www-authenticate"] == "Bearer"
    twice = [("Authorization", f"Bearer {token}")] * 2
    assert code(system.get(path, headers=twice)) == "400 bad-request"
    assert code(system.get(path, params={"access_token": token})) == "401 unauthenticated"


@pytest.mark.parametrize("route", OF_OBJECTS)
@pytest.mark.parametrize("position", ["", "?min_position=1"])
def test_a_foreign_object_is_an_unknown_one(
    system: QuerySystem, book: Book, route: str, position: str
) -> None:
    """The answers differ in nothing but the path that they repeat."""
    bits = system.writer.new_bits()
    known = path_of(route, book.alice, book.lunch)
    strangers = [
        known,
        path_of(route, wallet_id(bits), payment_id(bits)),
        path_of(route, "wal_1", "pay_1"),
        path_of(route, book.alice.lower(), book.lunch.lower()),
        path_of(route, book.lunch, book.alice),
        path_of(route, "%00", "%00"),
        path_of(route, "%ff", "%ff"),
        path_of(route, "' OR '1'='1", "' OR '1'='1"),
        path_of(route, "w" * 400, "p" * 400),
    ]
    answers = set()
    for path in strangers:
        response = system.ask(path + position, CAROL, "read")
        body = response.text.replace(response.json().get("instance", "-"), "PATH")
        headers = dict(response.headers)
        for name in ("date", "x-request-id", "content-length"):
            headers.pop(name)
        answers.add((response.status_code, body, str(headers)))
    assert len(answers) == 1, answers
    assert answers.pop()[0] == 404
    for subject, scope in ((ALICE, "read"), (CAROL, "audit"), (CAROL, "operate")):
        assert system.ask(known + position, subject, scope).status_code == 200


def test_an_object_of_a_declined_payment_is_the_payer_s_alone(
    system: QuerySystem, book: Book
) -> None:
    path = f"/v1/payments/{book.declined}"
    assert system.ask(path, ALICE, "read").status_code == 200
    for stranger in (BOB, CAROL):
        assert code(system.ask(path, stranger, "read")) == "404 payment-not-found"


@pytest.mark.parametrize("route", ROUTES)
def test_other_methods(system: QuerySystem, book: Book, route: str) -> None:
    path = path_of(route, book.alice, book.lunch)
    headers = {"Authorization": f"Bearer {system.token(ALICE, 'audit')}"}
    for method in ("POST", "PUT", "DELETE", "PATCH", "OPTIONS"):
        response = system.client.request(method, path, headers=headers)
        assert code(response) == "405 method-not-allowed"
        assert "GET" in response.headers["allow"]


@pytest.mark.parametrize(
    "path", ["/", "/v1", "/v1/wallets/", "/v1//wallets", "/V1/wallets", "/v1/x"]
)
def test_other_paths(system: QuerySystem, path: str) -> None:
    assert code(system.ask(path, ALICE, "read")) == "404 not-found"


def test_a_body_is_of_no_account(system: QuerySystem, book: Book) -> None:
    headers = {"Authorization": f"Bearer {system.token(ALICE, 'read')}"}
    response = system.client.request("GET", "/v1/wallets", headers=headers, content=b"{" * 10_000)
    assert response.status_code == 200


FORBIDDEN = [
    "UPDATE balances SET posted = 0",
    "INSERT INTO trial_balance VALUES (1, 'x', 'EUR')",
    "DELETE FROM entries",
    "TRUNCATE payments",
    "UPDATE checkpoint SET position = 0",
    "CREATE TABLE mine (x int)",
    "CREATE TEMPORARY TABLE mine (x int)",
    "SELECT * FROM balances FOR UPDATE",
    "SELECT pg_advisory_lock(1)",
    "COPY balances TO PROGRAM 'true'",
    "SET ROLE falconpay_owner",
]


@pytest.mark.parametrize("read_write", [False, True])
@pytest.mark.parametrize("statement", FORBIDDEN)
def test_the_login_of_reports_can_only_read(
    system: QuerySystem, book: Book, statement: str, read_write: bool
) -> None:
    """Neither by default nor in a session that says that it wants to write."""
    with system.databases.connect("query", "reports") as connection:
        if read_write:
            connection.execute("SET default_transaction_read_only = off")
        with pytest.raises(psycopg.Error) as refusal:
            connection.execute(statement)
    assert refusal.value.sqlstate in {"25006", "42501"}


def test_the_logins_reach_no_other_database(system: QuerySystem) -> None:
    with pytest.raises(ValueError, match="no right to connect"):
        system.databases.connect("query", "ledger")
    with pytest.raises(ValueError, match="no right to connect"):
        system.databases.connect("audit", "reports")


def test_what_is_quoted_in_a_path_stays_what_it_is(system: QuerySystem, book: Book) -> None:
    """An id that is spelled with percent signs is the same id."""
    spelled = "".join(f"%{ord(letter):02x}" for letter in book.alice)
    assert system.ask(f"/v1/wallets/{spelled}", ALICE, "read").status_code == 200
    assert quote(book.alice) == book.alice
