"""`./falcon archive`: sealed events in an object store, proven when written and ever after."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest

from domain.identifiers import StreamId
from tests.archived import files
from tests.books import ROOT, falcon, falcon_json
from tests.tampered_book import Tampered, pay_more

pytestmark = pytest.mark.usefixtures("world")


@pytest.fixture
def store(tmp_path: Path) -> Path:
    return tmp_path / "archive"


def test_what_is_sealed_is_archived_and_the_next_run_goes_on(world: Tampered, store: Path) -> None:
    """By position, by time and without an end; what is not sealed stays out."""
    told = falcon_json(world.databases, "archive", "--to", store, "--before", 101)
    assert (told["to"], told["written"], told["parts"]) == (100, 100, 1)
    ((at,),) = world.ask("SELECT recorded_at FROM events WHERE notification_id = 250")
    told = falcon_json(world.databases, "archive", "--to", store, "--before", at.isoformat())
    assert 200 < told["to"] < 250
    told = falcon_json(world.databases, "archive", "--to", store)
    assert (told["to"], told["parts"]) == (world.sizes[-1], 3)
    told = falcon_json(world.databases, "archive", "--to", store)
    assert (told["to"], told["written"]) == (world.sizes[-1], 0)
    assert len(files(store)) == 6
    checked = falcon_json(world.databases, "archive", "--to", store, "--check")
    assert (checked["to"], checked["differences"]) == (world.sizes[-1], [])


def test_what_is_old_enough_is_archived(world: Tampered, store: Path) -> None:
    """By the database's clock: all of it was recorded before now, and nothing a day ago."""
    told = falcon_json(world.databases, "archive", "--to", store, "--older-than", 1)
    assert (told["to"], told["parts"]) == (0, 0)
    done = falcon(world.databases, "archive", "--to", store, "--older-than", 1)
    assert "holds nothing" in done.stdout
    told = falcon_json(world.databases, "archive", "--to", store, "--older-than", 0)
    assert told["to"] == world.sizes[-1]
    both = ("--before", 5, "--older-than", 1)
    for words in (("--older-than", -1), ("--older-than", 10**9), both):
        refused = falcon(world.databases, "archive", "--to", store, *words)
        assert (refused.returncode, len(refused.stderr.splitlines())) == (2, 1)


def test_what_a_killed_run_has_left_is_no_part(world: Tampered, store: Path) -> None:
    """Neither a draft nor a file without its manifest; the next run takes the file's place."""
    falcon_json(world.databases, "archive", "--to", store, "--before", 101)
    falcon_json(world.databases, "archive", "--to", store, "--before", 151)
    next(store.glob("*101-*150.json")).unlink()
    (store / ".x.parquet.partial").write_bytes(b"PAR1")
    (store / "another.parquet").write_bytes(b"somebody else's")
    assert falcon_json(world.databases, "archive", "--to", store, "--check")["to"] == 100
    falcon_json(world.databases, "archive", "--to", store)
    (store / "another.parquet").unlink()
    read = f"SELECT count(*), max(position) FROM '{store}/*.parquet'"
    assert duckdb.execute(read).fetchall() == [(world.sizes[-1], world.sizes[-1])]


def test_any_place_that_fsspec_knows_will_do(world: Tampered, store: Path) -> None:
    """A URL names the kind of store; this one is the folder by another name."""
    falcon_json(world.databases, "archive", "--to", f"file://{store}")
    assert falcon_json(world.databases, "archive", "--to", store, "--check")["parts"] == 1
    done = falcon(world.databases, "archive", "--to", "nowhere://x")
    assert (done.returncode, len(done.stderr.splitlines())) == (2, 1)


def test_an_object_store_holds_an_archive(world: Tampered) -> None:
    """One without folders, locks or renaming; it lives as long as the process."""
    script = (
        "import sys; from interfaces.cli.entry import run_cli\n"
        "words = ['archive', '--to', 'memory://bucket/book', '--json']\n"
        "more = ['--before', '101'], [], ['--check']\n"
        "sys.exit(max(run_cli(words + each) for each in more))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=ROOT,
        env=world.databases.environ,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    told = [json.loads(each + "}") for each in done.stdout.split("}\n")[:-1]]
    assert [(each["to"], each["parts"]) for each in told] == [
        (100, 1),
        (world.sizes[-1], 2),
        (world.sizes[-1], 2),
    ]


def test_it_is_parquet_of_the_stored_bytes(world: Tampered, store: Path) -> None:
    """Another program reads from it what the store has."""
    falcon_json(world.databases, "archive", "--to", store)
    found = duckdb.execute(
        f"SELECT position, version, type, data, metadata FROM '{store}/*.parquet' ORDER BY 1"
    ).fetchall()
    stored = world.ask(
        "SELECT notification_id, originator_version, topic, state, metadata FROM events"
        " WHERE notification_id <= %s ORDER BY 1",
        world.sizes[-1],
    )
    assert found == stored


def test_it_is_proven_without_the_ledger(world: Tampered, store: Path) -> None:
    """By the log's key alone, in a home that knows of nothing."""
    falcon_json(world.databases, "archive", "--to", store)
    ((vkey,),) = world.ask("SELECT vkey FROM seal_key")
    elsewhere = {"FALCONPAY_HOME": str(store / "none"), "FALCONPAY_DATABASE_PORT": "1"}
    words = ("archive", "--to", store, "--check", "--json", "--key")
    done = falcon(world.databases, *words, vkey, **elsewhere)
    assert (done.returncode, json.loads(done.stdout)["to"]) == (0, world.sizes[-1])
    other = "falconpay/main+de7cb2d5+AUYFxxxx"
    assert falcon(world.databases, *words, other, **elsewhere).returncode == 2


def damage(store: Path, name: str, old: bytes, new: bytes) -> None:
    path = next(store.glob(name))
    assert old in path.read_bytes()
    path.write_bytes(path.read_bytes().replace(old, new))


def test_a_damaged_archive_is_found(world: Tampered, store: Path, tmp_path: Path) -> None:
    """Another event, a part that is gone, bytes that are no Parquet, another log's seal."""
    falcon_json(world.databases, "archive", "--to", store, "--before", 101)
    falcon_json(world.databases, "archive", "--to", store)
    good = tmp_path / "good"
    shutil.copytree(store, good)

    def check() -> str:
        done = falcon(world.databases, "archive", "--to", store, "--check")
        assert (done.returncode, len(done.stderr.splitlines())) == (1, 1)
        shutil.rmtree(store)
        shutil.copytree(good, store)
        return done.stderr

    table = f"'{good}/0000000000000000001-*.parquet'"
    duckdb.sql(
        f"COPY (SELECT * REPLACE (CASE position WHEN 50 THEN version + 1 ELSE version END"
        f" AS version) FROM {table} ORDER BY position)"
        f" TO '{next(store.glob('*1-*100.parquet'))}' (FORMAT parquet)"
    )
    assert "are not those that were sealed" in check()
    next(store.glob("*1-*100.json")).unlink()
    assert "no part in front of position 101" in check()
    next(store.glob("*1-*100.parquet")).write_bytes(b"PAR1 and nothing else")
    assert "is damaged" in check()
    damage(store, "*1-*100.json", b"falconpay/main", b"falconpay/mine")
    assert "none of the ledger's" in check()
    next(store.glob("*1-*100.parquet")).unlink()
    done = falcon(world.databases, "archive", "--to", store, "--check")
    assert (done.returncode, len(done.stderr.splitlines())) == (1, 1)
    assert "is missing" in done.stderr


def test_the_archive_names_what_was_altered_in_the_ledger(world: Tampered, store: Path) -> None:
    """A seal knows only a part in which something is wrong; the archive has every field of it."""
    falcon_json(world.databases, "archive", "--to", store)
    lunch = world.of("lunch")[0]
    world.do("UPDATE events SET metadata = metadata || ' ' WHERE notification_id = %s", lunch)
    world.do("UPDATE events SET topic = 'no.type', recorded_at = 'infinity'"
             " WHERE notification_id = %s", lunch + 1)  # fmt: skip
    world.do("DELETE FROM events WHERE notification_id = %s", lunch + 2)
    done = falcon(world.databases, "archive", "--to", store, "--check", "--json")
    assert done.returncode == 1
    told = json.loads(done.stdout)["differences"]
    shop, ann = world.names.wallets["shop"], world.names.wallets["ann"]
    payment = world.names.payments["lunch"]
    assert told[0].startswith(f"Position {lunch}, events, {payment}: metadata should be")
    assert {line.split(" should")[0] for line in told[1:-1]} == {
        f"Position {lunch + 1}, events, {ann}: {field}"
        for field in ("stream_id", "type", "recorded_at")
    }
    assert (
        told[-1] == f"Position {lunch + 2}, events, {shop}: row should be one row and is nothing."
    )


def test_what_is_not_as_sealed_is_not_archived(world: Tampered, store: Path) -> None:
    """Nothing bears a name then, and the parts from before stay."""
    falcon_json(world.databases, "archive", "--to", store, "--before", 31)
    before = files(store)
    world.do("UPDATE events SET metadata = metadata || ' ' WHERE notification_id = 40")
    done = falcon(world.databases, "archive", "--to", store)
    assert (done.returncode, len(done.stderr.splitlines())) == (1, 1)
    assert "replay verify tells what is wrong" in done.stderr
    assert files(store) == before


def test_the_archive_of_another_log_is_not_gone_on_with(world: Tampered, store: Path) -> None:
    falcon_json(world.databases, "archive", "--to", store, "--before", 31)
    damage(store, "*.json", b'"epoch": 1', b'"epoch": 2')
    done = falcon(world.databases, "archive", "--to", store)
    assert (done.returncode, "another log" in done.stderr) == (2, True)


def test_the_ledger_goes_on_answering_over_what_is_archived(world: Tampered, store: Path) -> None:
    """It verifies, exports with proofs, knows wallets as they were, and answers old keys."""
    falcon_json(world.databases, "archive", "--to", store)
    ((head,),) = world.ask("SELECT max(notification_id) FROM events")
    # The same keys again, with the same commands.
    pay_more(world.databases, world.names, 1_000, 5)
    assert world.ask("SELECT max(notification_id) FROM events") == [(head,)]
    assert world.told() == (0, [], "")
    book = store / "book.jsonl"
    assert falcon(world.databases, "export", "--to", 200, book).returncode == 0
    assert falcon(world.databases, "proof", "check", book).returncode == 0
    wallet = StreamId(world.names.wallets["ann"])
    position = world.positions(wallet)[3]
    found = falcon_json(world.databases, "replay", "wallet", wallet, "--at", position)
    assert found["position"] <= position
