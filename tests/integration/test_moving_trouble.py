"""`./falcon archive --move` in trouble: nothing leaves that must not, and nothing is lost."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import duckdb
import psycopg
import pytest

from domain.identifiers import bits
from tests.altered_book import LEDGER_TABLES
from tests.books import falcon, falcon_json, project
from tests.carried import carrying
from tests.moved_ledger import move
from tests.sealed_ledger import seal_now
from tests.servers import FreshDatabases
from tests.tampered_book import Tampered, pay_more
from tests.written import Written

MOVED_TABLES = ("moved_event", "archive_place")
OLD = ("--older-than", 0)
HANDS = ("RESET ROLE", "SET session_replication_role = replica", "SET ROLE falconpay_owner")
"""Of the superuser, of one who has switched common triggers off, and of who owns the tables."""

ADDED = "INSERT INTO moved_event SELECT {}, originator_id, {}, sha256('') FROM events WHERE {}"
REFUSED = (psycopg.errors.InsufficientPrivilege, psycopg.errors.IntegrityError)


@pytest.fixture
def book(world: Tampered) -> Iterator[Tampered]:
    """Give the sealed book with its triggers, and put right what was moved out of it."""
    tables = (*LEDGER_TABLES, *MOVED_TABLES)
    for table in tables:
        world.do(f"ALTER TABLE {table} ENABLE TRIGGER USER")
    yield world
    for table in tables:
        world.do(f"ALTER TABLE {table} DISABLE TRIGGER USER")
    for table in MOVED_TABLES:
        world.do(f"DELETE FROM {table}")
    shutil.rmtree(world.home / "operations", ignore_errors=True)


@pytest.fixture
def store(tmp_path: Path) -> Path:
    return tmp_path / "archive"


def gone(book: Tampered) -> int:
    """Return how many events have left; none is in both places, or in none."""
    ((moved, first, last, there),) = book.ask(
        "SELECT count(*), min(m.notification_id), max(m.notification_id), (SELECT count(*)"
        " FROM events e WHERE e.notification_id <= (SELECT max(notification_id) FROM moved_event))"
        " FROM moved_event m"
    )
    assert moved == 0 or (first > 1 and moved + there == last)
    return int(moved)


def by_force(book: Tampered, statement: str, *parameters: object) -> None:
    """Do what only a superuser does who has switched the triggers off."""
    tables = ("events", *MOVED_TABLES)
    for table in tables:
        book.do(f"ALTER TABLE {table} DISABLE TRIGGER USER")
    assert book.do(statement, *parameters) > 0
    for table in tables:
        book.do(f"ALTER TABLE {table} ENABLE TRIGGER USER")


def ends(book: Tampered, code: int, *words: object) -> str:
    """Run a command that must end with a code and one sentence; return the sentence."""
    done = falcon(book.databases, *words)
    assert (done.returncode, len(done.stderr.splitlines())) == (code, 1), (words, done.stderr)
    return done.stderr


def altered(store: Path, position: int) -> None:
    """Give an archived event another version, in Parquet that is otherwise as it was."""
    (part,) = store.glob("*.parquet")
    fresh = part.with_suffix(".fresh")
    duckdb.sql(
        f"COPY (SELECT * REPLACE (CASE position WHEN {position} THEN version + 1 ELSE version END"
        f" AS version) FROM '{part}' ORDER BY position) TO '{fresh}' (FORMAT parquet)"
    )
    fresh.replace(part)


def readers(book: Tampered, tmp_path: Path) -> list[tuple[object, ...]]:
    """Return commands that read the whole log, or ann's part of it."""
    files = ("export", tmp_path / "book.jsonl"), ("archive", "--to", tmp_path / "next")
    return [("replay", "verify"), ("replay", "wallet", book.names.wallets["ann"]), *files]


def a_movement(book: Tampered) -> int:
    """Return where a movement of ann's wallet stands, or stood."""
    ((position,),) = book.ask(
        "SELECT max(notification_id) FROM copy_of_events WHERE notification_id < 200"
        " AND originator_id = %s AND topic = 'wallet.debited.v1'",
        bits(book.names.wallets["ann"]),
    )
    return int(position)


def test_the_database_lets_nothing_go_that_stays(
    databases: FreshDatabases, writer: Written
) -> None:
    """Neither by a function nor by hand, whoever it is: 1-2 open wallets, 3, 6 and 9 are payments.

    What is on record as moved cannot be changed, and is no pretext for what was not.
    """
    source, payee = writer.open(overdraft_limit=None), writer.open()
    for _ in range(3):
        writer.pay(source, payee, 1)
    seal_now(databases)
    writer.pay(source, payee, 1)
    place = "INSERT INTO archive_place (url, last_position) VALUES ('x', %s)"
    call = "SELECT move_events(%s::bigint[], %s::bytea[])"

    def moving(*positions: int) -> int:
        ((moved,),) = archiver.execute(call, [[*positions], [bytes(32)] * len(positions)])
        return int(moved)

    with databases.connect("archiver") as archiver, databases.connect_admin() as admin:
        for position, reached in ((4, 3), (13, 99)):
            archiver.execute(place, [reached])
            with pytest.raises(psycopg.errors.IntegrityError, match="sealed and archived"):
                moving(position)
        for positions in ((4, 5, 6), (1,), (4, 3)):
            with pytest.raises(psycopg.errors.IntegrityError, match="not one that may be moved"):
                moving(*positions)
        assert (moving(4, 8), moving(4), moving()) == (2, 0, 0)
        admin.execute("SET search_path = ledger_main")
        # As if somebody had got in what is no movement, and another version of what is one.
        admin.execute("ALTER TABLE moved_event DISABLE TRIGGER USER")
        admin.execute(ADDED.format(6, "originator_version", "notification_id = 6"))
        admin.execute(ADDED.format(7, "99", "notification_id = 7"))
        for name in ("moved_events_were_there", "moved_events_are_immutable"):
            admin.execute(f"ALTER TABLE moved_event ENABLE ALWAYS TRIGGER {name}".encode())
        same = "originator_version"
        statements = [
            "DELETE FROM events",
            *(f"DELETE FROM events WHERE notification_id = {place}" for place in (1, 5, 6, 7, 14)),
            ADDED.format(9, same, "notification_id = 9"),
            ADDED.format(14, same, "notification_id = 14"),
            ADDED.format(99, same, "notification_id = 5"),
            ADDED.format(5, 99, "notification_id = 5"),
            ADDED.format(4, same, "notification_id = 5"),
            *(f"DELETE FROM {table}" for table in MOVED_TABLES),
            *(f"TRUNCATE {table}" for table in MOVED_TABLES),
            "UPDATE moved_event SET leaf = leaf",
            "UPDATE archive_place SET url = url",
        ]
        for hand in HANDS:
            admin.execute(hand.encode())
            for statement in statements:
                with pytest.raises(REFUSED):
                    admin.execute(statement.encode())


def test_what_is_asked_for_wrongly_changes_nothing(book: Tampered, store: Path) -> None:
    """Without an age, while checking, in a place that ends with the command or tells a password."""
    to = ("archive", "--to", store, "--move")
    assert "--older-than" in ends(book, 2, *to)
    assert "--check" in ends(book, 2, *to, "--check")
    assert "--check" in ends(book, 2, *to, *OLD, "--check")
    with carrying(book.databases):
        secret = f"file://ann:secret@{store}"
        for url in ("memory://book", "simplecache::memory://book", secret, f"x::{secret}"):
            assert "secret" not in ends(book, 2, "archive", "--to", url, "--move", *OLD)
    assert (gone(book), book.ask("SELECT * FROM archive_place"), store.exists()) == (0, [], False)
    assert not (book.home / "operations").exists()


def test_nothing_leaves_before_it_is_on_record(book: Tampered, store: Path) -> None:
    """The role that carries notes does not run; when it does, the fact stands before the deed."""
    told = ends(book, 3, "archive", "--to", store, "--move", *OLD)
    assert "role payments" in told
    assert (gone(book), book.ask("SELECT * FROM archive_place")) == (0, [])
    sealed = book.sizes[-1]
    assert move(book.databases, store)["moved"] == gone(book) > 150
    facts = book.ask("SELECT convert_from(state, 'UTF8')::json FROM events"
                     " WHERE topic = 'operation.events_moved.v1'")  # fmt: skip
    assert {(fact["archive"], fact["last_position"]) for (fact,) in facts} == {("archive", sealed)}
    assert book.ask("SELECT url, last_position FROM archive_place") == [(str(store), sealed)]


def test_nothing_leaves_that_is_not_as_sealed(book: Tampered, store: Path) -> None:
    """Neither for an archive that was altered, nor from a ledger that was."""
    words = ("archive", "--to", store, "--move", *OLD)
    position = a_movement(book)
    falcon_json(book.databases, "archive", "--to", store)
    good = store.with_name("good")
    shutil.copytree(store, good)
    altered(store, position)
    with carrying(book.databases):
        assert "not those that were sealed" in ends(book, 1, *words)
        shutil.rmtree(store)
        good.rename(store)
        by_force(book, "UPDATE events SET metadata = metadata || ' ' WHERE notification_id = %s",
                 position)  # fmt: skip
        assert f"position {position}" in ends(book, 1, *words)
    assert (gone(book), book.ask("SELECT * FROM archive_place")) == (0, [])


def test_an_archive_that_is_away_or_altered_is_told(
    book: Tampered, store: Path, tmp_path: Path
) -> None:
    """In one sentence, by whoever reads what was moved; a copy in its place is enough."""
    move(book.databases, store)
    position = a_movement(book)
    away = store.with_name("away")
    store.rename(away)
    for words in readers(book, tmp_path):
        assert str(store) in ends(book, 3, *words)
    shutil.copytree(away, store)
    altered(store, position)
    for words in readers(book, tmp_path):
        assert f"osition {position} " in ends(book, 1, *words)
    shutil.rmtree(store)
    away.rename(store)
    assert book.told() == (0, [], "")


def test_an_archive_is_taken_over_by_another(book: Tampered, store: Path) -> None:
    """One that was written anew from the old one, and one that was copied by hand."""
    left, second, third = move(book.databases, store), store.with_name("2"), store.with_name("3")
    assert move(book.databases, second)["moved"] == 0
    shutil.rmtree(store)
    assert book.told() == (0, [], "")
    second.rename(third)
    assert move(book.databases, third)["moved"] == 0
    assert (book.told(), gone(book)) == ((0, [], ""), left["moved"])


def test_two_archives_are_read_beside_each_other(book: Tampered, store: Path) -> None:
    """What was moved first is read from the second, too, but for what that one does not reach."""
    second = store.with_name("second")
    first = move(book.databases, store, "--before", 101)["moved"]
    assert 0 < first < gone(book) + 1
    pay_more(book.databases, book.names, 9_000, 5)
    sealed = seal_now(book.databases)
    assert move(book.databases, second)["moved"] == gone(book) - first > 150
    project(book.databases)
    shutil.rmtree(store)
    assert book.told() == (0, [], "")
    assert move(book.databases, store, "--before", 101)["moved"] == 0
    assert book.ask("SELECT url, last_position FROM archive_place ORDER BY number") == [
        (str(store), 100), (str(second), sealed), (str(store), 100)]  # fmt: skip
    assert book.told() == (0, [], "")
    for place in (store, second):
        place.rename(place.with_name("away"))
        assert str(place) in ends(book, 3, "replay", "verify")
        place.with_name("away").rename(place)


def test_what_a_superuser_does_to_places_and_leaves_is_found(book: Tampered, store: Path) -> None:
    """The check names the position, be it one that was moved or one that stayed."""
    move(book.databases, store)
    moved, stays = a_movement(book), book.of("lunch")[0]
    book.do("CREATE TEMP TABLE left_behind AS TABLE moved_event")
    update = "UPDATE moved_event SET {} WHERE notification_id = %s"
    row = "INSERT INTO {} SELECT {} FROM copy_of_events WHERE notification_id = %s"
    place = "notification_id, originator_id, originator_version, sha256(state)"
    forgeries = {
        "DELETE FROM moved_event WHERE notification_id = %s": moved,
        update.format("leaf = sha256(leaf)"): moved,
        update.format("originator_id = gen_random_uuid()"): moved,
        update.format("originator_version = 999"): moved,
        row.format("events", "*"): moved,
        row.format("moved_event", place): stays,
    }
    for forgery, position in forgeries.items():
        by_force(book, forgery, position)
        code, places, said = book.told()
        named = {each[0] for each in places}
        assert code == 1, (forgery, said)
        assert position in named or f"osition {position} " in said, (forgery, places, said)
        by_force(book, "DELETE FROM moved_event")
        by_force(book, "INSERT INTO moved_event TABLE left_behind")
        book.do("ALTER TABLE events DISABLE TRIGGER USER")
        again = "SELECT notification_id FROM moved_event"
        book.do(f"DELETE FROM events WHERE notification_id IN ({again})")
    book.do("DROP TABLE left_behind")
    assert book.told() == (0, [], "")
