"""Moved movements on Kafka, restored, in a new epoch, beside other ledgers, after an upgrade."""

import json
import shutil
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import sql

from domain.recorded import RecordedEvent
from infrastructure.databases.logins import database_name
from infrastructure.databases.migrate import MIGRATIONS, migrate
from infrastructure.databases.provision import provision
from infrastructure.event_log.reader import EventReader
from infrastructure.kafka.clients import new_consumer
from infrastructure.kafka.topic import epoch_topic, offsets, read
from tests.altered_book import REPORT_TABLES
from tests.backups import TABLES, as_owner, content, database_names, elsewhere, some_book
from tests.books import falcon, falcon_json, project
from tests.conftest import MakeDatabases
from tests.fan_out import SECRET, FanOut, Sent, published, reach, until, unused_ledger
from tests.faults.roles import roles
from tests.moved_ledger import move
from tests.read_model_fold import Rows, checkpoints, stored_rows
from tests.sealed_ledger import seal_now
from tests.servers import FreshDatabases
from tests.topics import delete_topic
from tests.written import Written

KEPT = (*TABLES, "moved_event", "archive_place", "seal", "seal_tile")
TRANSFERS = 20
MakePlace = Callable[[], FreshDatabases]


@pytest.fixture
def store(tmp_path: Path) -> Path:
    return tmp_path / "archive"


def write(databases: FreshDatabases, transfers: int = TRANSFERS, *, follow: bool = True) -> None:
    """Pay to and fro, seal it, and have the read models follow."""
    writer = Written(databases.settings, databases.secrets)
    some_book(writer, transfers)
    # The last event of a log is never moved.
    writer.open()
    writer.close()
    seal_now(databases)
    if follow:
        project(databases)


def every_event(databases: FreshDatabases) -> list[RecordedEvent]:
    with databases.connect("reader") as connection:
        return list(EventReader(connection).all())


def verified(databases: FreshDatabases, *words: str) -> None:
    told = falcon_json(databases, "replay", "verify", *words)
    assert told["findings"] == []


def refuses(databases: FreshDatabases, store: Path) -> None:
    """Fail unless nothing can be moved to the archive of another log."""
    done = falcon(databases, "archive", "--to", store, "--move", "--older-than", 0)
    assert (done.returncode, "is the archive of another log" in done.stderr) == (2, True)


def project_from_topic(fan_out: FanOut) -> None:
    """Build all read models from nothing."""
    schema = fan_out.databases.settings.reports_schema
    with fan_out.databases.connect_admin("reports") as reports:
        for table in REPORT_TABLES:
            reports.execute(f'DELETE FROM "{schema}".{table}'.encode())
    with fan_out.topic_source() as source, fan_out.worker(source) as worker:
        worker.begin()
        reach(worker, fan_out.head())


def rows_of(databases: FreshDatabases, head: int) -> Rows:
    """Return the rows of read models, without those of operators' acts behind a position."""
    rows = stored_rows(databases)
    return {**rows, "audit_trail": [row for row in rows["audit_trail"] if row[0] <= head]}


def wrong_records(fan_out: FanOut) -> list[Any]:
    done = falcon(fan_out.databases, "replay", "verify", "--kafka", "--json")
    assert done.returncode in (0, 1), done.stderr
    # The traffic here has no heads, so that there are other findings.
    return [each for each in json.loads(done.stdout)["findings"] if each["where"] == "topic"]


@pytest.mark.parametrize(
    "words", [pytest.param((), marks=pytest.mark.slow), ("--trim-topic",)], ids=["", "trimmed"]
)
def test_the_topic_is_published_anew_byte_for_byte(
    make_databases: MakeDatabases, kafka_bootstrap: str, store: Path, words: tuple[str, ...]
) -> None:
    """What has left the topic as well is read from the archive; and a new topic has all of it."""
    fan_out = published(make_databases, kafka_bootstrap)
    assert seal_now(fan_out.databases) == fan_out.head()
    project_from_topic(fan_out)
    sealed, sent = fan_out.head(), fan_out.sent()
    rows = rows_of(fan_out.databases, sealed)
    told = move(fan_out.databases, store, *words, "--older-than", 0)
    assert told["moved"] > 80
    assert told["trimmed_to"] == (sealed - 1 if words else None)
    for first in (sealed if words else 1, 1):
        fan_out.publish()
        assert fan_out.positions() == list(range(first, fan_out.head() + 1))
        assert fan_out.sent()[: sealed - first + 1] == sent[first - 1 :]
        assert wrong_records(fan_out) == []
        project_from_topic(fan_out)
        assert rows_of(fan_out.databases, sealed) == rows
        delete_topic(fan_out)


def records(fan_out: FanOut, epoch: int) -> list[Sent]:
    """Return what is in the topic of an epoch."""
    topic = epoch_topic(fan_out.topic, epoch)
    with closing(new_consumer(fan_out.bootstrap)) as consumer:
        span = offsets(consumer, topic)
        found = read(consumer, topic, span.low, span.high)
        return [(m.key(), m.value(), m.headers() or []) for m in found]


@pytest.mark.timeout(180)
def test_a_new_epoch_is_built_of_what_was_moved(
    make_databases: MakeDatabases, kafka_bootstrap: str, tmp_path: Path
) -> None:
    """Topic, read models and seals; then an archive of its own takes the place of the old one."""
    databases = make_databases(unused_ledger(), kafka_bootstrap)
    databases.secrets.put("kafka_mac", SECRET.decode())
    fan_out, old, new = FanOut(databases, kafka_bootstrap), tmp_path / "old", tmp_path / "new"
    write(databases)
    fan_out.publish()
    sent, head = fan_out.sent(), fan_out.head()
    rows = rows_of(databases, head)
    assert move(databases, old)["moved"] == 2 * TRANSFERS
    events = every_event(databases)
    assert as_owner(databases, "recover", "--force").returncode == 0
    with roles(databases, "relay", "projector"):
        done = {(fan_out.head(), "following")}
        until(lambda: {*checkpoints(databases).values()} == done, 60)
        until(lambda: len(records(fan_out, 2)) == fan_out.head())
    assert records(fan_out, 2)[: len(sent)] == sent
    assert rows_of(databases, head) == rows
    size = seal_now(databases)
    assert size == len(events)
    verified(databases, "--kafka")
    refuses(databases, old)
    # The read models of another epoch are followed by others.
    write(databases, transfers=7, follow=False)
    told = move(databases, new)
    assert (told["written"], told["moved"]) == (told["to"], 2 * 7)
    assert told["to"] > size
    shutil.rmtree(old)
    assert every_event(databases)[: len(events)] == events
    verified(databases)
    assert as_owner(databases, "backup", tmp_path / "book.backup").returncode == 0


@pytest.fixture
def make_place(databases: FreshDatabases, tmp_path: Path) -> Iterator[MakePlace]:
    """Give a function that makes empty homes on the same server."""
    made: list[FreshDatabases] = []

    def make() -> FreshDatabases:
        made.append(elsewhere(databases, tmp_path / f"place{len(made)}"))
        return made[-1]

    yield make
    with psycopg.connect(databases.admin, autocommit=True) as admin:
        for name in (name for place in made for name in database_names(place)):
            admin.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


def test_a_backup_is_restored_with_what_was_moved(
    databases: FreshDatabases, make_place: MakePlace, store: Path, tmp_path: Path
) -> None:
    """It is folded and replayed with the archive, and neither made nor restored without."""
    write(databases)
    move(databases, store)
    file = tmp_path / "book.backup"
    assert as_owner(databases, "backup", file).returncode == 0
    place = make_place()
    assert as_owner(place, "restore", file).returncode == 0
    assert content(place, KEPT) == content(databases, KEPT)
    assert every_event(place) == every_event(databases)
    verified(place)
    write(place)
    assert move(place, store)["moved"] == 2 * TRANSFERS
    verified(place)

    away, third = store.rename(tmp_path / "away"), make_place()
    for done in (
        as_owner(databases, "backup", tmp_path / "second.backup"),
        as_owner(third, "restore", file),
        *(falcon(place, "replay", *words) for words in (("verify",), ("rebuild", "entries"))),
        falcon(place, "export", tmp_path / "book.jsonl"),
    ):
        assert (done.returncode, len(done.stderr.splitlines())) == (3, 1), done.stderr
        assert f"There is no archive at {store}" in done.stderr
    assert not database_names(third)
    assert not (tmp_path / "second.backup").exists()
    away.rename(store)
    min(store.glob("*.parquet")).write_text("nothing of it")
    done = as_owner(third, "restore", file)
    assert (done.returncode, len(done.stderr.splitlines())) == (1, 1), done.stderr
    assert not database_names(third)


@pytest.mark.slow
@pytest.mark.timeout(180)
def test_a_backup_of_before_brings_back_what_was_moved(
    databases: FreshDatabases, store: Path, tmp_path: Path
) -> None:
    """And the same archive takes it once more."""
    write(databases)
    before, file = content(databases, KEPT), tmp_path / "book.backup"
    assert as_owner(databases, "backup", file).returncode == 0
    for _ in range(2):
        told = move(databases, store)
        assert (told["moved"], told["differences"]) == (2 * TRANSFERS, [])
        verified(databases)
        assert as_owner(databases, "restore", file, "--replace").returncode == 0
        assert content(databases, KEPT) == before
        verified(databases)


def beside(databases: FreshDatabases, ledger: str) -> FreshDatabases:
    """Provision another ledger in the same databases, with nothing migrated."""
    settings = replace(databases.settings, ledger=ledger)
    provision(databases.admin, settings, databases.secrets)
    return replace(databases, settings=settings)


def test_other_ledgers_are_left_alone(databases: FreshDatabases, tmp_path: Path) -> None:
    second = beside(databases, "second")
    migrate(second.admin, second.settings)
    for each in (databases, second):
        write(each)
    rows, events = content(second, KEPT), every_event(second)
    assert move(databases, tmp_path / "one")["moved"] == 2 * TRANSFERS
    assert (content(second, KEPT), every_event(second)) == (rows, events)
    refuses(second, tmp_path / "one")
    first = content(databases, KEPT)
    assert move(second, tmp_path / "two")["moved"] == 2 * TRANSFERS
    assert content(databases, KEPT) == first
    assert every_event(second)[: len(events)] == events
    for each in (databases, second):
        verified(each)


def test_a_ledger_of_before_is_upgraded(
    databases: FreshDatabases, tmp_path: Path, store: Path
) -> None:
    """With events in it and without the login that moves them, which `up` makes."""
    old = beside(databases, "old")
    folder = tmp_path / "migrations"
    shutil.copytree(MIGRATIONS, folder)
    (folder / "ledger" / "0006_moved_events.sql").unlink()
    migrate(old.admin, old.settings, folder)
    with old.connect_admin() as admin:
        place = sql.Identifier(database_name(old.settings, "ledger"))
        revoke = sql.SQL("REVOKE ALL ON {} FROM falconpay_archiver")
        admin.execute(revoke.format(sql.SQL("DATABASE {}").format(place)))
        admin.execute(revoke.format(sql.SQL("SCHEMA ledger_old")))
    with pytest.raises(psycopg.OperationalError, match="permission denied"):
        old.connect("archiver")
    write(old)
    with old.connect("reader") as connection:
        events = EventReader(connection).after(0, 10_000)
    provision(old.admin, old.settings, old.secrets)
    assert migrate(old.admin, old.settings) == ("ledger/0006_moved_events",)
    assert every_event(old) == events
    verified(old)
    assert move(old, store)["moved"] == 2 * TRANSFERS
    assert every_event(old)[: len(events)] == events
    verified(old)
