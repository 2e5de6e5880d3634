"""Who reads by the scope `audit` is written down before the answer is sent, and for good."""

import contextlib
import json
import signal
import threading
import time
from collections.abc import Iterator
from typing import Any

import httpx
import psycopg
import pytest

from tests.query_book import ALICE, Book, write_book
from tests.query_system import QuerySystem, query_system
from tests.servers import PostgresHome

ACCESSES = "/v1/audit/accesses"


@pytest.fixture(scope="module")
def system(
    postgres: PostgresHome, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[QuerySystem]:
    with query_system(postgres, tmp_path_factory.mktemp("home")) as running:
        yield running


@pytest.fixture(scope="module")
def book(system: QuerySystem) -> Book:
    return write_book(system)


def logged(system: QuerySystem, person: str) -> list[dict[str, Any]]:
    """Return what somebody has read, the newest first, as it stands in the table."""
    with system.databases.connect("query", "reports") as connection:
        rows = connection.execute(
            "SELECT client_id, route, asked::text, status, accessed_at FROM access_log"
            " WHERE sub = %s ORDER BY number DESC",
            [person],
        ).fetchall()
    return [
        {"client_id": row[0], "route": row[1], "asked": json.loads(row[2]), "status": row[3]}
        for row in rows
    ]


def test_a_read_is_written_down(system: QuerySystem, book: Book) -> None:
    """Who, by which client, on which route, for which object and filters, and the status."""
    auditor = ("usr_one", "audit")
    system.ask(f"/v1/wallets/{book.alice}/balance", *auditor, as_of=5, min_position=1)
    system.ask(f"/v1/wallets/{book.alice.lower()}", *auditor)
    system.ask("/v1/payments", *auditor, status="declined", limit=1)
    system.ask("/v1/reports/daily", *auditor, from_="2024-01-01", shape="round")
    found = logged(system, "usr_one")
    assert [(row["route"], row["asked"], row["status"]) for row in found] == [
        ("/v1/reports/daily", {}, 422),
        ("/v1/payments", {"status": "declined"}, 200),
        ("/v1/wallets/{wallet_id}", {"wallet_id": ""}, 404),
        ("/v1/wallets/{wallet_id}/balance", {"wallet_id": book.alice, "as_of": 5}, 200),
    ]
    assert len({row["client_id"] for row in found}) == 1


def test_the_log_is_read_by_auditors_and_that_is_logged_too(
    system: QuerySystem, book: Book
) -> None:
    """It shows itself: each look at it stands in it before it is answered, and so is seen next."""
    auditor = ("usr_two", "audit")
    system.ask(f"/v1/payments/{book.lunch}", *auditor)
    first = system.found(ACCESSES, *auditor, person="usr_two")["items"]
    assert [item["route"] for item in first] == ["/v1/payments/{payment_id}"]
    assert first[0]["asked"] == {"payment_id": book.lunch}
    assert (first[0]["person"], first[0]["status"]) == ("usr_two", 200)
    items = system.pages(ACCESSES, *auditor, person="usr_two", limit=1)
    assert [item["route"] for item in items] == [ACCESSES, "/v1/payments/{payment_id}"]
    assert items[0]["asked"] == {"person": "usr_two"}
    at = items[0]["accessed_at"]
    earlier = system.found(ACCESSES, *auditor, person="usr_two", to=at)["items"]
    assert earlier == items[1:]
    assert system.found(ACCESSES, *auditor, from_="2190-01-01T00:00:00Z")["items"] == []
    assert system.ask(ACCESSES, "usr_two", "operate").status_code == 403


def test_reads_of_one_s_own_are_not_written_down(system: QuerySystem, book: Book) -> None:
    """Whoever has no scope `audit` sees their own, and that is nobody's business."""
    for scope in ("read", "wallets", "payments", "operate"):
        system.ask("/v1/payments", ALICE, scope)
        system.ask(f"/v1/wallets/{book.alice}", ALICE, scope)
        system.ask("/v1/reports/daily", ALICE, scope)
    assert logged(system, ALICE) == []


def test_what_is_the_same_is_a_read_too(system: QuerySystem, book: Book) -> None:
    """A 304 tells that nothing has changed, which is something."""
    token = system.token("usr_three", "audit")
    headers = {"Authorization": f"Bearer {token}"}
    tag = system.get("/v1/reports/holds", headers=headers).headers["etag"]
    system.get("/v1/reports/holds", headers={**headers, "If-None-Match": tag})
    assert {row["status"] for row in logged(system, "usr_three")} <= {200, 304}
    assert len(logged(system, "usr_three")) == 2


def test_many_at_the_same_time_are_all_written_down(system: QuerySystem, book: Book) -> None:
    """Those who wait together share a transaction, and none of them is missing."""
    headers = {"Authorization": f"Bearer {system.token('usr_four', 'audit')}"}

    def ask() -> None:
        for _ in range(20):
            assert system.client.get("/v1/wallets", headers=headers).status_code == 200

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(logged(system, "usr_four")) == 160


FORBIDDEN = [
    "UPDATE access_log SET sub = 'somebody'",
    "DELETE FROM access_log",
    "TRUNCATE access_log",
    "SELECT * FROM access_log",
    "INSERT INTO access_log (accessed_at, sub, client_id, route, asked, status)"
    " VALUES ('2020-01-01', 'a', 'b', 'c', '{}', 200)",
    "SELECT * FROM balances",
    "INSERT INTO declines VALUES ('2020-01-01', 'EUR', 'transfer', 'x', 1, 1)",
    "ALTER TABLE access_log DISABLE TRIGGER ALL",
    "CREATE TABLE mine (x int)",
    "SELECT pg_advisory_lock(1)",
    "SET ROLE falconpay_owner",
]


@pytest.mark.parametrize("statement", FORBIDDEN)
def test_the_login_that_writes_can_only_add(
    system: QuerySystem, book: Book, statement: str
) -> None:
    """Not even the time of a read is its own to say."""
    with (
        system.databases.connect("accesslog", "reports") as connection,
        pytest.raises(psycopg.errors.InsufficientPrivilege),
    ):
        connection.execute(statement.encode())
    with pytest.raises(ValueError, match="no right to connect"):
        system.databases.connect("accesslog", "ledger")


@pytest.mark.parametrize("login", ["query", "projector", "reader"])
def test_the_other_logins_of_reports_cannot_write_it(
    system: QuerySystem, book: Book, login: Any
) -> None:
    """Whoever reads or builds the read models leaves the log alone."""
    with system.databases.connect(login, "reports") as connection:
        connection.execute("SET default_transaction_read_only = off")
        for statement in (
            "INSERT INTO access_log (sub, client_id, route, asked, status)"
            " VALUES ('a', 'b', 'c', '{}', 200)",
            *FORBIDDEN[:3],
        ):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                connection.execute(statement.encode())


def test_the_owner_is_stopped_by_a_trigger(system: QuerySystem, book: Book) -> None:
    """Even with every right it changes by no plain statement."""
    system.ask("/v1/wallets", "usr_six", "audit")
    with system.databases.connect_admin("reports") as connection:
        connection.execute("SET search_path = reports_main")
        connection.execute("SET session_replication_role = replica")
        for statement in FORBIDDEN[:3]:
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                connection.execute(statement.encode())


def test_nothing_is_shown_that_cannot_be_written_down(system: QuerySystem, book: Book) -> None:
    """With the log out of reach auditors are told to come again, and others are served."""
    with system.databases.connect_admin("reports") as connection:
        connection.execute("ALTER TABLE reports_main.access_log RENAME TO away")
        try:
            refused = system.ask("/v1/wallets", "usr_seven", "audit")
            assert refused.status_code == 503
            assert refused.json()["code"] == "service-unavailable"
            assert refused.headers["retry-after"] == "1"
            assert system.ask("/v1/wallets", ALICE, "read").status_code == 200
        finally:
            connection.execute("ALTER TABLE reports_main.away RENAME TO access_log")
    assert system.ask("/v1/wallets", "usr_seven", "audit").status_code == 200
    assert len(logged(system, "usr_seven")) == 1


def test_what_was_answered_is_there_after_kill_9(
    postgres: PostgresHome, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Each answer that has arrived stands in the log when the process is killed under load."""
    running = query_system(postgres, tmp_path_factory.mktemp("home"))
    system = running.__enter__()
    write_book(system)
    headers = {"Authorization": f"Bearer {system.token('usr_eight', 'audit')}"}
    answered: list[int] = []

    def ask() -> None:
        with contextlib.suppress(httpx.TransportError):
            while True:
                answered.append(system.client.get("/v1/wallets", headers=headers).status_code)

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    while len(answered) < 200:
        time.sleep(0.01)
    system.process.send_signal(signal.SIGKILL)
    for thread in threads:
        thread.join()
    count = len(logged(system, "usr_eight"))
    # A process that was killed has not ended well, which its context says.
    with pytest.raises(AssertionError):
        running.__exit__(None, None, None)
    assert answered.count(200) <= count <= answered.count(200) + len(threads)
