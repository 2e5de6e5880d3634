"""Reports bear a tag: whoever has one is told that it is the same, until the ledger goes on."""

import time
from collections.abc import Iterator

import httpx
import pytest

from tests.query_book import ALICE, BOB, CAROL, Book, write_book
from tests.query_system import QuerySystem, query_system
from tests.servers import PostgresHome

FOR_AUDITORS = (
    "/v1/reports/trial-balance",
    "/v1/reports/daily",
    "/v1/reports/monthly",
    "/v1/reports/declined",
    "/v1/reports/holds",
    "/v1/reports/concentration",
    "/v1/audit/trail",
)
OF_WALLETS = (
    "/v1/wallets/{W}/counterparties",
    "/v1/wallets/{W}/cash-flow",
    "/v1/wallets/{W}/balance-history",
)
ROUTES = (*FOR_AUDITORS, *OF_WALLETS)
ALONE = {"balance-history": "points=11", "trial-balance": "as_of=1"}
"""The ends of the routes that are no lists, each with a parameter of its own."""

ENOUGH_SECONDS = 10
"""Of a minute, for a test to ask again a dozen times."""

LISTS = tuple(route for route in ROUTES if not route.endswith(tuple(ALONE)))


@pytest.fixture(scope="module")
def system(
    postgres: PostgresHome, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[QuerySystem]:
    with query_system(postgres, tmp_path_factory.mktemp("home")) as running:
        yield running


@pytest.fixture(scope="module")
def book(system: QuerySystem) -> Book:
    return write_book(system)


def ask(
    system: QuerySystem, path: str, tag: str | None, subject: str = "usr_auditor"
) -> httpx.Response:
    scope = "audit" if subject == "usr_auditor" else "read"
    headers = {"Authorization": f"Bearer {system.token(subject, scope)}"}
    if tag is not None:
        headers["If-None-Match"] = tag
    return system.get(path, headers=headers)


def minute_long(system: QuerySystem, path: str) -> str:
    """Return a tag that stays for what follows: ages of holds are of one minute."""
    left = 60 - time.time() % 60
    if left < ENOUGH_SECONDS:
        time.sleep(left)
    return str(ask(system, path, None).headers["etag"])


@pytest.mark.parametrize("route", ROUTES)
def test_the_same_is_not_sent_again(system: QuerySystem, book: Book, route: str) -> None:
    """The tag holds as long as the ledger stands, in every spelling of the header."""
    path = route.replace("{W}", book.alice)
    tag = minute_long(system, path)
    assert tag.startswith(f'"{system.head()}-')
    for known in (tag, f"W/{tag}", f'"other", {tag}', "*"):
        same = ask(system, path, known)
        assert (same.status_code, same.content) == (304, b"")
        assert same.headers["etag"] == tag
        assert same.headers["cache-control"] == "private, no-cache"
        assert same.headers["vary"] == "Authorization"
        assert same.headers["ledger-position"] == str(system.head())
    for known in ('"other"', "", tag.strip('"'), '"7"'):
        assert ask(system, path, known).status_code == 200


@pytest.mark.parametrize("route", ROUTES)
def test_another_report_has_another_tag(system: QuerySystem, book: Book, route: str) -> None:
    """Neither another parameter nor another wallet or caller is told that it is the same."""
    path = route.replace("{W}", book.alice)
    tag = minute_long(system, path)
    parameter = ALONE.get(route.rpartition("/")[2], "limit=11")
    assert ask(system, f"{path}?{parameter}", tag).status_code == 200
    if route in OF_WALLETS:
        assert ask(system, route.replace("{W}", book.bob), tag).status_code == 200
        assert ask(system, path, tag, ALICE).status_code == 200
        for stranger in (BOB, CAROL):
            assert ask(system, path, tag, stranger).status_code == 404
            assert ask(system, path, "*", stranger).status_code == 404


@pytest.mark.parametrize("route", ROUTES)
def test_the_tag_ends_when_the_ledger_goes_on(system: QuerySystem, book: Book, route: str) -> None:
    path = route.replace("{W}", book.alice)
    tag = minute_long(system, path)
    system.writer.transfer(book.till, book.alice, 1)
    system.follow()
    assert ask(system, path, tag).status_code == 200


@pytest.mark.parametrize("route", ROUTES)
def test_scopes_and_order_of_checks(system: QuerySystem, book: Book, route: str) -> None:
    """Reports of the book are the auditors' alone; those of a wallet its members', too."""
    path = route.replace("{W}", book.alice)
    wrong = {"shape": "round"}
    assert system.get(path, params=wrong).status_code == 401
    granted = {"audit"} if route in FOR_AUDITORS else {"read", "wallets", "operate", "audit"}
    for scope in ("read", "wallets", "payments", "operate", "audit", "admin"):
        expected = 200 if scope in granted else 403
        assert system.ask(path, ALICE, scope).status_code == expected, scope
    assert system.ask(path, **wrong).json()["code"] == "invalid-request"
    if route in OF_WALLETS:
        for stranger in (BOB, CAROL):
            assert system.ask(path, stranger, "read").json()["code"] == "wallet-not-found"
        for name in ("wal_1", book.lunch, book.alice.lower()):
            other = route.replace("{W}", name)
            assert system.ask(other, ALICE, "read").json()["code"] == "wallet-not-found"


BAD = {
    "from": ("yesterday", "2024-02-30", "2024-1-1", "0", ""),
    "to": ("2024-13-01", "99999-01-01"),
    "currency": ("eur", "XXXX", ""),
    "kind": ("gift", "TRANSFER"),
    "direction": ("in",),
    "limit": ("0", "201", "-1"),
    "points": ("9", "501", "ten"),
    "person": ("", "x" * 256, "a\0b"),
    "payment_id": ("pay_1", "wal_4ZK7QX2M9T8B3C5D6E7F8G9H0J"),
    "wallet_id": ("wal_1",),
}


@pytest.mark.parametrize("route", ROUTES)
def test_bad_parameters(system: QuerySystem, book: Book, route: str) -> None:
    """Whatever cannot be is a 422 that names the parameter, known to the route or not."""
    path = route.replace("{W}", book.alice)
    for name, values in BAD.items():
        for value in values:
            response = system.ask(path, **{name: value})
            assert response.status_code == 422, (name, value)
            assert response.json()["errors"][0]["parameter"] == name


@pytest.mark.parametrize("route", LISTS)
def test_cursors_are_bound(system: QuerySystem, book: Book, route: str) -> None:
    """A cursor is of one caller, route, wallet and set of filters, and of nothing else."""
    path = route.replace("{W}", book.alice)
    for _ in range(2):
        system.writer.transfer(book.alice, book.savings, 3)
        system.writer.transfer(book.till, book.carol, 3, currency="JPY")
        system.writer.decline(book.alice, book.bob, 4, code="wallet-frozen")
        system.writer.hold(book.alice, book.bob, 1)
    system.follow()
    cursor = system.found(path, limit=1)["next_cursor"]
    if cursor is None:
        assert len(system.found(path)["items"]) == 1, "there is one month, or one age"
        return
    assert system.ask(path, cursor=cursor, limit=1).status_code == 200
    others = [(path, "usr_other"), *((r.replace("{W}", book.alice), "usr_auditor") for r in LISTS)]
    if route in OF_WALLETS:
        others.append((route.replace("{W}", book.bob), "usr_auditor"))
    for other, subject in others:
        if (other, subject) != (path, "usr_auditor"):
            refused = system.ask(other, subject, "audit", cursor=cursor)
            assert refused.json()["code"] == "invalid-cursor", other
    filters = {"from": "2024-01-01"}
    if not route.endswith("trail") and not route.endswith(("holds", "concentration")):
        assert system.ask(path, cursor=cursor, **filters).json()["code"] == "invalid-cursor"
    for made_up in (cursor[:-1], cursor + "A", "made-up", "A" * 2000):
        assert system.ask(path, cursor=made_up).json()["code"] == "invalid-cursor"


def test_pages_of_a_wallet_stay_as_of_one_position(system: QuerySystem, book: Book) -> None:
    """What is paid between two pages changes nothing on the second one."""
    path = f"/v1/wallets/{book.alice}/counterparties"
    before = system.pages(path, limit=200)
    first = system.found(path, limit=1)
    system.writer.transfer(book.alice, book.bob, 10**9)
    system.follow()
    second = system.found(path, cursor=first["next_cursor"], limit=200)
    assert [*first["items"], *second["items"]] == before
