"""`./falcon archive --trim-topic`: what is archived leaves the topic, and all else goes on."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import TopicPartition
from confluent_kafka.admin import AdminClient

from tests.books import falcon, falcon_json, project
from tests.carried import carrying
from tests.fan_out import FanOut, Sent, published
from tests.sealed_ledger import seal_now
from tests.servers import FreshDatabases, free_port
from tests.topics import altered, assert_projected


@pytest.fixture
def fan_out(make_databases: Callable[..., FreshDatabases], kafka_bootstrap: str) -> FanOut:
    """Give a ledger with some traffic, all of it published and sealed, and none of it projected."""
    fan_out = published(make_databases, kafka_bootstrap)
    assert seal_now(fan_out.databases) == fan_out.head()
    return fan_out


@pytest.fixture
def store(tmp_path: Path) -> Path:
    return tmp_path / "archive"


def trim(fan_out: FanOut, store: Path, *words: object) -> int | None:
    """Archive and trim; return up to which position the topic was trimmed."""
    with carrying(fan_out.databases):
        told = falcon_json(fan_out.databases, "archive", "--to", store, "--trim-topic", *words)
    trimmed: int | None = told["trimmed_to"]
    return trimmed


def verified(fan_out: FanOut) -> tuple[dict[str, Any], list[int]]:
    """Return what the check says of the topic, and at which positions something is wrong there."""
    done = falcon(fan_out.databases, "replay", "verify", "--kafka", "--json")
    assert done.returncode in (0, 1), done.stderr
    found = json.loads(done.stdout)
    # What the traffic here is not, beside the topic, is told of as well.
    wrong = [each["position"] for each in found["findings"] if each["where"] == "topic"]
    return found["topic"], wrong


def facts(fan_out: FanOut) -> list[dict[str, Any]]:
    with fan_out.databases.connect("reader") as connection:
        rows = connection.execute(
            "SELECT state FROM events WHERE topic = 'operation.topic_trimmed.v1'"
        ).fetchall()
    return [json.loads(state) for (state,) in rows]


def delete_records(fan_out: FanOut, count: int) -> None:
    """Do what anybody can do who reaches the broker."""
    admin = AdminClient({"bootstrap.servers": fan_out.bootstrap})
    for answer in admin.delete_records([TopicPartition(fan_out.topic, 0, count)]).values():
        answer.result()


def test_what_is_archived_leaves_the_topic(fan_out: FanOut, store: Path) -> None:
    """Relay, read models, seals and checks go on; the archive has every byte of it."""
    published = fan_out.head()
    assert trim(fan_out, store, "--before", 101) == 100
    assert fan_out.positions() == list(range(101, published + 1))
    (fact,) = facts(fan_out)
    assert fact.pop("done_at")
    assert fact == {"topic": fan_out.topic, "archive": "archive", "last_position": 100}
    fan_out.publish()
    head = fan_out.head()
    assert fan_out.positions() == list(range(101, head + 1))
    # Read models that have nothing yet take from the store what the topic has no more.
    assert_projected(fan_out)
    topic, wrong = verified(fan_out)
    assert (topic["records"], topic["trimmed_to"], wrong) == (head - 100, 100, [])
    shown = falcon(fan_out.databases, "replay", "verify", "--kafka").stdout
    assert shown.count("before position 101 taken out") == 1
    assert trim(fan_out, store, "--before", 101) is None
    assert len(facts(fan_out)) == 1
    checked = falcon_json(fan_out.databases, "archive", "--to", store, "--check")
    assert (checked["to"], checked["differences"]) == (100, [])


def test_the_last_record_stays(fan_out: FanOut, store: Path) -> None:
    """It is from this one that a relay goes on; without it all would be published again."""
    sealed = fan_out.head()
    assert trim(fan_out, store) == sealed - 1
    assert fan_out.positions() == [sealed]
    fan_out.publish()
    assert fan_out.positions() == list(range(sealed, fan_out.head() + 1))


def test_what_others_have_taken_out_is_missing(fan_out: FanOut, store: Path) -> None:
    project(fan_out.databases)
    delete_records(fan_out, 3)
    assert verified(fan_out)[1] == [1, 2, 3]
    assert trim(fan_out, store, "--before", 21) == 20
    fan_out.publish()
    project(fan_out.databases)
    assert verified(fan_out)[1] == []
    delete_records(fan_out, 22)
    assert verified(fan_out)[1] == [21, 22]


def test_nothing_is_taken_out_before_it_is_on_record(fan_out: FanOut, store: Path) -> None:
    done = falcon(fan_out.databases, "archive", "--to", store, "--trim-topic", "--before", 21)
    assert done.returncode == 3
    assert "role payments" in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert fan_out.positions()[0] == 1
    assert trim(fan_out, store, "--before", 21) == 20


def test_nothing_is_taken_out_that_the_archive_has_otherwise(fan_out: FanOut, store: Path) -> None:
    """The ledger was altered since: which of the two is right is for people to find out."""
    falcon_json(fan_out.databases, "archive", "--to", store, "--before", 21)
    with fan_out.databases.connect_admin() as admin:
        admin.execute(f'SET search_path TO "{fan_out.databases.settings.ledger_schema}"'.encode())
        admin.execute("ALTER TABLE events DISABLE TRIGGER USER")
        admin.execute("UPDATE events SET recorded_at = recorded_at + '1 s' WHERE notification_id=5")
        admin.execute("ALTER TABLE events ENABLE TRIGGER USER")
    done = falcon(fan_out.databases, "archive", "--to", store, "--trim-topic", "--before", 21)
    assert (done.returncode, facts(fan_out)) == (1, [])
    assert "position 5" in done.stderr
    assert fan_out.positions()[0] == 1


def test_a_topic_in_disorder_is_left_alone(fan_out: FanOut, store: Path) -> None:
    def swapped(sent: list[Sent]) -> list[Sent]:
        return [*sent[:19], sent[20], sent[19], *sent[21:]]

    altered(fan_out, swapped)
    done = falcon(fan_out.databases, "archive", "--to", store, "--trim-topic", "--before", 21)
    assert (done.returncode, facts(fan_out)) == (1, [])
    assert "order of positions" in done.stderr
    assert len(fan_out.positions()) == fan_out.head()


def test_a_broker_that_is_away_is_told(fan_out: FanOut, store: Path) -> None:
    """What was archived before is there, and the next run goes on."""
    away = {"FALCONPAY_KAFKA_BOOTSTRAP": f"127.0.0.1:{free_port()}"}
    words = ("archive", "--to", store, "--trim-topic", "--before", 21)
    done = falcon(fan_out.databases, *words, **away)
    assert (done.returncode, len(done.stderr.splitlines())) == (3, 1), done.stderr
    assert falcon_json(fan_out.databases, "archive", "--to", store, "--check")["to"] == 20
    both = falcon(fan_out.databases, *words, "--check")
    assert (both.returncode, len(both.stderr.splitlines())) == (2, 1)
