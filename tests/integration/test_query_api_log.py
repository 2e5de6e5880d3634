"""What the query API shows of the ledger itself: its stored events, and who follows them."""

import base64
import hashlib
import json
from datetime import datetime

import pytest
import rfc8785

from projections.catalogue import CATALOGUE
from tests.query_book import Book, write_book
from tests.query_system import QuerySystem


@pytest.fixture(scope="module")
def book(system: QuerySystem) -> Book:
    return write_book(system)


def test_stored_events_are_what_is_stored(system: QuerySystem, book: Book) -> None:
    events = system.pages("/v1/audit/events", limit=7)
    with system.databases.connect("reader") as connection:
        rows = connection.execute(
            "SELECT notification_id, originator_version, topic, state, metadata, recorded_at"
            " FROM events ORDER BY 1"
        ).fetchall()
    assert [event["position"] for event in events] == [row[0] for row in rows]
    for event, (position, version, topic, state, metadata, recorded_at) in zip(
        events, rows, strict=True
    ):
        assert (event["version"], event["type"]) == (version, topic)
        assert datetime.fromisoformat(event["recorded_at"]) == recorded_at
        assert event["data"] == json.loads(state)
        assert event["metadata"] == json.loads(metadata)
        entry = {
            "data": base64.b64encode(state).decode(),
            "metadata": base64.b64encode(metadata).decode(),
            "position": position,
            "recorded_at": event["recorded_at"],
            "stream_id": event["stream_id"],
            "type": topic,
            "version": version,
        }
        leaf = hashlib.sha256(b"\0" + rfc8785.dumps(entry)).digest()
        assert event["leaf_hash"] == base64.b64encode(leaf).decode()


def test_stored_events_of_a_wallet(system: QuerySystem, book: Book) -> None:
    every = system.pages("/v1/audit/events", limit=200)
    mine = [event for event in every if event["stream_id"] == book.alice]
    assert system.pages("/v1/audit/events", limit=1, wallet_id=book.alice) == mine
    after = mine[1]["position"]
    assert system.pages("/v1/audit/events", wallet_id=book.alice, after=after) == mine[2:]
    assert system.found("/v1/audit/events", after=system.head())["items"] == []
    # The wallet that would have a payment's bits does not exist, so it has no events.
    twin = "wal" + book.lunch[3:]
    assert system.found("/v1/audit/events", wallet_id=twin)["items"] == []


def test_how_far_the_read_models_are(system: QuerySystem, book: Book) -> None:
    head = system.head()
    response = system.ask("/v1/projections", "usr_nobody", "admin")
    items = response.json()["items"]
    assert [item["name"] for item in items] == [
        "audit_trail",
        "balances",
        "daily_totals",
        "declines",
        "entries",
        "members",
        "payment_requests",
        "payments",
        "schedules",
        "trial_balance",
        "value_dates",
    ]
    versions = {projection.name: projection.version for projection in CATALOGUE}
    for item in items:
        assert (item["position"], item["lag_events"], item["lag_seconds"]) == (head, 0, 0)
        assert (item["version"], item["state"]) == (versions[item["name"]], "following")
    assert response.headers["ledger-position"] == str(head)


def test_lag_is_told_in_events_and_seconds(system: QuerySystem, book: Book) -> None:
    system.writer.open(owner="usr_late")
    system.writer.open(owner="usr_late")
    system.writer.flush()
    for item in system.found("/v1/projections", "usr_nobody", "read")["items"]:
        assert item["lag_events"] == 2
        assert 0 < item["lag_seconds"] < 60
    system.follow()
