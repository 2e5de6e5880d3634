"""Several ledgers in one running system: none sees another, none waits for another."""

import json
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import psycopg
import pytest
from confluent_kafka import Producer
from psycopg.conninfo import make_conninfo

from infrastructure.embedded.postgres import Postgres
from infrastructure.secrets import Secrets
from tests.several_ledgers import (
    NOTICED_SECONDS,
    Book,
    create,
    locked,
    records,
    restart_workers,
)
from tests.tools.whole_system import WholeSystem, until

pytestmark = pytest.mark.timeout(180)


@pytest.fixture(scope="module")
def system() -> Iterator[WholeSystem]:
    started = WholeSystem()
    try:
        started.up()
        yield started
    finally:
        started.close()


@pytest.fixture(scope="module")
def main(system: WholeSystem) -> Book:
    return Book(system, "main")


@pytest.fixture(scope="module")
def branch(system: WholeSystem, main: Book) -> Book:
    return create(system, "branch-1")


@pytest.fixture(scope="module")
def admin(system: WholeSystem) -> str:
    return Postgres(system.home, Secrets(system.home, {})).admin_conninfo()


def test_a_ledger_is_made_once(system: WholeSystem, branch: Book) -> None:
    again = system.falcon("ledger", "create", "branch-1")
    assert (again.returncode, again.stdout) == (0, "The ledger branch-1 is there already.\n")
    listed = system.falcon("ledger", "list", "--json")
    names = [ledger["name"] for ledger in json.loads(listed.stdout)["ledgers"]]
    assert {"branch-1", "main"} <= set(names)


@pytest.mark.parametrize("name", ["Main", "1st", "a_b", "a" * 32, "ä", ""])
def test_a_bad_name_is_refused_in_one_sentence(system: WholeSystem, name: str) -> None:
    done = system.falcon("ledger", "create", name)
    assert done.returncode == 2
    assert done.stderr.startswith("NAME is ")
    assert len(done.stderr.splitlines()) == 1


def test_a_token_of_no_ledger_is_401(system: WholeSystem, main: Book) -> None:
    nowhere = Book(system, "nowhere")
    for answer in (nowhere.http.get("/v1/projections"), nowhere.post("/v1/transfers", {})):
        assert answer.status_code == 401, answer.text
        assert answer.headers["WWW-Authenticate"] == "Bearer"


def test_a_key_is_another_one_in_another_ledger(main: Book, branch: Book) -> None:
    key = uuid4().hex
    first, other = main.open(key), branch.open(key)
    assert first != other
    assert branch.post("/v1/wallets", {"name": "Other", "currency": "EUR"}, key).status_code == 422
    assert main.open(key) == first


BODIES: dict[str, Any] = {
    **{name: {"reason": "asked"} for name in ("freeze", "unfreeze", "close", "reverse")},
    "increase": {"amount": "1.00"},
    "members": {"user_id": "ben", "role": "viewer"},
    "limits": {"per_payment": None, "per_day": None},
    "overdraft": {"overdraft_limit": "0.00", "reason": "asked"},
    "approvals": {"required": 0, "above": "0.00"},
}
"""What a route needs in its body, by the last part of its path; the others need nothing."""


def _asked_for(book: Book, wallets: list[str]) -> dict[str, str]:
    """Return the ids of a payment request and of a schedule of a ledger."""
    request = {"wallet_id": wallets[0], "amount": "1.00", "currency": "EUR"}
    transfer = {"source_wallet_id": wallets[0], "destination_wallet_id": wallets[1]}
    schedule = {
        "transfer": {**transfer, "amount": "1.00", "currency": "EUR"},
        "starts_on": str((datetime.now(UTC) + timedelta(days=300)).date()),
    }
    found: dict[str, str] = {}
    for path, body in (("/v1/payment-requests", request), ("/v1/schedules", schedule)):
        answer = book.post(path, body)
        assert answer.status_code == 201, answer.text
        found |= {name: text for name, text in answer.json().items() if name.endswith("_id")}
    return {name: found[name] for name in ("request_id", "schedule_id")}


def test_nothing_of_one_ledger_is_found_in_another(
    system: WholeSystem, main: Book, branch: Book
) -> None:
    """Every route with an id takes it in its own ledger, and is 404 for it in the other."""
    wallets = [main.open(reference="only-main") for _ in range(2)]
    paid = main.pay(*wallets).json()["payment_id"]
    ids = {
        "wallet_id": wallets[0],
        "payment_id": paid,
        "user_id": "ben",
        **_asked_for(main, wallets),
    }
    until(main.follows, 20, "the read models have it")
    until(lambda: main.proven(paid), 40, "a seal covers the payment")
    document = main.http.get("/openapi.json").json()
    bodies = {**BODIES, "accept": {"source_wallet_id": wallets[1]}}
    asked = 0
    for path, methods in document["paths"].items():
        if "{" not in path:
            continue
        own = path.format(**ids)
        for method in methods:
            if method == "get":
                assert main.http.get(own).status_code == 200, own
            body = None if method in {"get", "delete"} else bodies.get(own.rpartition("/")[2], {})
            answer = branch.send(method, own, body)
            assert answer.status_code == 404, f"{method} {own}: {answer.text}"
            asked += 1
    assert asked >= 26
    mine = branch.open()
    assert branch.pay(wallets[0], mine).status_code == 404
    assert branch.pay(mine, wallets[0]).status_code == 404
    assert branch.http.get("/v1/wallets?reference=only-main").json()["items"] == []
    seen = branch.http.get("/v1/audit/events?limit=200").text
    assert all(name not in seen for name in (*wallets, paid))


def test_a_cursor_is_good_in_its_ledger_only(main: Book, branch: Book) -> None:
    for book in (main, branch):
        book.pay(book.open(), book.open())
        until(book.follows, 20, "the read models have it")
    for path in ("/v1/wallets", "/v1/payments", "/v1/audit/events", "/v1/projections"):
        for _ in range(2):
            main.pay(main.open(), main.open())
        until(main.follows, 20, "the read models have it")
        cursor = main.http.get(path, params={"limit": 1}).json()["next_cursor"]
        assert main.http.get(path, params={"limit": 1, "cursor": cursor}).status_code == 200
        answer = branch.http.get(path, params={"limit": 1, "cursor": cursor})
        assert (answer.status_code, answer.json()["code"]) == (422, "invalid-cursor"), path


def test_reads_by_auditors_are_written_down_in_their_own_ledger(
    system: WholeSystem, main: Book, branch: Book
) -> None:
    Book(system, "branch-1", "looker").http.get("/v1/wallets").raise_for_status()
    asked = {"person": "looker"}
    seen = [book.http.get("/v1/audit/accesses", params=asked).json() for book in (main, branch)]
    routes = [[read["route"] for read in page["items"]] for page in seen]
    assert routes == [[], ["/v1/wallets"]]


def test_each_has_its_topic_and_believes_no_records_of_another(
    system: WholeSystem, main: Book, branch: Book
) -> None:
    """Another ledger's records are at home in their own topic, and passed over elsewhere."""
    branch.open()
    # Some of them must have the very positions that are awaited next.
    while main.head() < branch.head() + 5:
        main.open(name="of the main ledger")
    until(main.follows, 20, "the read models have it")
    bootstrap = system.status()["kafka_bootstrap"]
    with_main = records(bootstrap, "falconpay.main.events")
    with_branch = records(bootstrap, "falconpay.branch-1.events")
    stores = [
        {dict(r.headers() or [])["store"] for r in found} for found in (with_main, with_branch)
    ]
    assert len(stores[0]) == len(stores[1]) == 1
    assert stores[0] != stores[1]
    producer = Producer({"bootstrap.servers": bootstrap, "log_level": 0})
    for record in with_main:
        producer.produce(
            "falconpay.branch-1.events", record.value(), record.key(), headers=record.headers()
        )
    assert producer.flush(20) == 0
    branch.open()
    until(branch.follows, 20, "the read models go on behind the strange records")
    verified = system.falcon("replay", "verify", "--ledger", "branch-1")
    assert verified.returncode == 0, verified.stdout + verified.stderr


def test_a_ledger_in_trouble_stops_no_other(
    system: WholeSystem, admin: str, main: Book, branch: Book
) -> None:
    """Its tables are locked and its queue fills, while the other one answers at once."""
    troubled = create(system, "troubled")
    mine, theirs = main.open(), troubled.open()
    branch.open()
    until(troubled.follows, 20, "the read models have it")
    with locked(admin, "troubled"), ThreadPoolExecutor(64) as pool:
        flood = [pool.submit(troubled.pay, theirs, theirs) for _ in range(64)]
        time.sleep(1.0)
        for _ in range(20):
            begun = time.monotonic()
            answer = main.pay(mine, main.open())
            assert answer.status_code == 201, answer.text
            assert time.monotonic() - begun < 3.0
        until(main.follows, 20, "the read models of the other follow")
        assert main.http.get("/v1/reports/trial-balance").status_code == 200
        found = {ledger["name"]: ledger for ledger in system.status()["ledgers"]}
        assert found["troubled"]["position"] is None
        assert found["branch-1"]["position"] > 0
        for port in (1, 2):
            ready = httpx.get(f"http://127.0.0.1:{system.port + port}/readyz", timeout=10)
            assert ready.status_code == 200, ready.text
    statuses = {each.result().status_code for each in flood}
    assert statuses <= {422, 503}, statuses
    until(lambda: troubled.pay(theirs, troubled.open()).status_code == 201, 20, "it is back")
    until(troubled.follows, 30, "its read models follow")


def test_a_diverged_ledger_stops_no_other(system: WholeSystem, admin: str, main: Book) -> None:
    """Its store loses its tail, as by a restore; the other's read models go on.

    Then it begins a new epoch, and the other stays in its own.
    """
    lost = create(system, "lost")
    lost.open()
    lost.open()
    until(lost.signed, 20, "its token is on record")
    until(lost.follows, 20, "the read models have it")
    with psycopg.connect(make_conninfo(admin, dbname="ledger")) as connection:
        connection.execute("SET session_replication_role = replica")
        connection.execute('SET search_path = "ledger_lost"')
        connection.execute("ALTER TABLE events DISABLE TRIGGER USER")
        connection.execute("DELETE FROM events WHERE notification_id = %s", [lost.head()])
        connection.execute("ALTER TABLE events ENABLE ALWAYS TRIGGER events_rows_are_immutable")
    restart_workers(system)
    until(lambda: bool(system.status()["diverged"]), 60, "it says that it has diverged")
    assert "of lost: diverged: " in " ".join(system.status()["diverged"])
    main.open()
    until(main.follows, 20, "the read models of the other follow")
    assert system.falcon("recover").returncode == 1, "nothing of the other has diverged"
    done = system.falcon("recover", "--ledger", "lost", "--json")
    assert done.returncode == 0, done.stderr
    begun = json.loads(done.stdout)
    assert (begun["ledger"], begun["epoch"]) == ("lost", 2)
    assert begun["topic"] == "falconpay.lost.events.2"
    until(lambda: not system.status()["diverged"], 60, "it works in the new epoch")
    lost.open()
    until(lost.follows, 60, "its read models are built anew")
    main.open()
    until(main.follows, 20, "the read models of the other follow")


def test_commands_of_the_terminal_work_on_the_ledger_named(
    system: WholeSystem, main: Book, branch: Book, tmp_path: Path
) -> None:
    branch.pay(branch.open(), branch.open())
    until(branch.follows, 20, "the read models have it")
    book = tmp_path / "book.jsonl"
    words = ("export", "--ledger", "branch-1", "--format", "jsonl", str(book))
    assert system.falcon(*words).returncode == 0
    head, *events = map(json.loads, book.read_text().splitlines())
    assert (head["ledger"], head["to"]) == ("branch-1", len(events))
    rows = tmp_path / "rows.csv"
    rows.write_text("id,date,account,amount\n1,2024-01-01,a1,10.00\n")
    options = ("import", str(rows), "--profile", "csv", "--currency", "EUR", "--json")
    done = system.falcon(*options, "--ledger", "branch-1")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["accepted"] == 1
    until(branch.follows, 20, "the read models have what was imported")
    assert branch.http.get("/v1/wallets?reference=a1").json()["items"] != []
    assert main.http.get("/v1/wallets?reference=a1").json()["items"] == []


def test_a_ledger_made_while_nothing_runs_is_there_afterwards(system: WholeSystem) -> None:
    assert system.falcon("down").returncode == 0
    done = system.falcon("ledger", "create", "resting")
    assert done.returncode == 0, done.stderr
    assert system.falcon("ledger", "list").returncode == 3
    system.up()
    resting = Book(system, "resting")
    until(resting.served, NOTICED_SECONDS, "it is served")
    resting.open()
    until(resting.follows, 20, "its read models follow")
