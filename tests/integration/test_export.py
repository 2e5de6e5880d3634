"""The exported book is what is stored, can be checked without us, and is there whole or not."""

import base64
import hashlib
import json
import resource
import subprocess
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import rfc8785

from domain.identifiers import encode
from infrastructure.seals.keys import SealKeys
from interfaces.cli import proof_check
from tests.altered_book import Book
from tests.books import ROOT, falcon, falcon_command, falcon_json
from tests.every_payment import write_every_payment
from tests.sealed_ledger import SealedLedger, seal_now
from tests.servers import FreshDatabases


def export(book: Book, *words: object) -> list[dict[str, Any]]:
    done = falcon(book.databases, "export", "--format", "jsonl", *words, "-")
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_every_event_is_there_as_it_is_stored(book: Book) -> None:
    head, *events = export(book)
    assert head == {"ledger": "main", "from": 1, "to": 20, "checkpoint": None, "vkey": None}
    assert [event["position"] for event in events] == list(range(1, 21))
    assert list(events[0]) == [
        *("position", "event_id", "stream_id", "version", "type", "recorded_at"),
        *("data", "metadata", "leaf_hash", "entry"),
    ]
    rows = book.ledger.execute(
        "SELECT state, metadata, topic, originator_version FROM events ORDER BY notification_id"
    ).fetchall()
    for event, (state, metadata, topic, version) in zip(events, rows, strict=True):
        assert event["data"] == json.loads(state)
        assert event["metadata"] == json.loads(metadata)
        assert (event["type"], event["version"]) == (topic, version)
    assert len({event["event_id"] for event in events}) == 20


def test_entries_are_canonical_and_hash_to_their_leaves(book: Book) -> None:
    """An outsider needs RFC 8785, SHA-256 and base64, and nothing of ours."""
    rows = book.ledger.execute("SELECT state, metadata FROM events ORDER BY notification_id")
    for event, (state, metadata) in zip(export(book)[1:], rows, strict=True):
        entry = base64.b64decode(event["entry"], validate=True)
        fields = json.loads(entry)
        assert entry == rfc8785.dumps(fields)
        assert base64.b64decode(fields.pop("data"), validate=True) == state
        assert base64.b64decode(fields.pop("metadata"), validate=True) == metadata
        assert fields == {
            name: event[name]
            for name in ("position", "recorded_at", "stream_id", "type", "version")
        }
        leaf = hashlib.sha256(b"\0" + entry).digest()
        assert base64.b64decode(event["leaf_hash"], validate=True) == leaf


def test_an_outsider_can_compute_every_balance(book: Book) -> None:
    signs = {"wallet.credited.v1": 1, "wallet.debited.v1": -1}
    posted: dict[str, int] = {}
    for event in export(book)[1:]:
        moved = signs.get(event["type"], 0) * event["data"].get("amount", 0)
        posted[event["stream_id"]] = posted.get(event["stream_id"], 0) + moved
    heads = book.ledger.execute("SELECT posted FROM wallet_head ORDER BY posted").fetchall()
    assert sorted(posted[name] for name in posted if name.startswith("wal_")) == [
        amount for (amount,) in heads
    ]


EFFECTS = {
    "wallet.credited.v1": (1, 0),
    "wallet.debited.v1": (-1, 0),
    "wallet.funds_held.v1": (0, 1),
    "wallet.hold_captured.v1": (-1, -1),
    "wallet.hold_released.v1": (0, -1),
}
"""The contract's table: what an amount does to posted and held."""


def test_an_outsider_can_compute_what_is_held_too(databases: FreshDatabases) -> None:
    """Of every kind of payment, by the table of events alone."""
    write_every_payment(databases)
    done = falcon(databases, "export", "--format", "jsonl", "-")
    assert done.returncode == 0, done.stderr
    computed: dict[str, list[int]] = {}
    for line in done.stdout.splitlines()[1:]:
        event = json.loads(line)
        if event["type"] == "wallet.opened.v1":
            computed[event["stream_id"]] = [0, 0]
        for place, sign in enumerate(EFFECTS.get(event["type"], ())):
            computed[event["stream_id"]][place] += sign * event["data"]["amount"]
    with databases.connect("reader") as reader:
        heads = reader.execute("SELECT id, posted, held FROM wallet_head").fetchall()
    assert computed == {encode("wal", head[0]): [head[1], head[2]] for head in heads}
    assert sum(held > 0 for _, held in computed.values()) == 2


@pytest.mark.parametrize(
    ("words", "first", "last"),
    [
        (("--from", 5), 5, 20),
        (("--to", 5), 1, 5),
        (("--from", 5, "--to", 5), 5, 5),
        (("--from", 0, "--to", 10**30), 1, 20),
        (("--from", "2001-01-01T00:00:00Z"), 1, 20),
        (("--to", "2999-01-01T00:00:00Z"), 1, 20),
    ],
)
def test_both_ends_are_included(
    book: Book, words: tuple[object, ...], first: int, last: int
) -> None:
    head, *events = export(book, *words)
    assert (head["from"], head["to"]) == (first, last)
    assert [event["position"] for event in events] == list(range(first, last + 1))


def test_a_time_includes_all_that_was_recorded_at_it(book: Book) -> None:
    """Each command of the second half is recorded a second after the one before."""
    book.ledger.execute(
        "UPDATE events SET recorded_at = '2031-01-01T00:00:00Z'::timestamptz"
        " + interval '1 second' * (notification_id / 10) WHERE notification_id > 9"
    )
    times = {"2031-01-01T00:00:01Z": (10, 19), "2031-01-01T01:00:02+01:00": (20, 20)}
    for text, (first, last) in times.items():
        head = export(book, "--from", text, "--to", text)[0]
        assert (head["from"], head["to"]) == (first, last)


@pytest.mark.parametrize(
    "words",
    [
        ("--from", 21),
        ("--from", 6, "--to", 5),
        ("--to", "2001-01-01T00:00:00Z"),
        ("--from", "soon"),
        ("--format", "papyrus"),
    ],
)
def test_a_range_without_events_is_one_sentence_and_no_file(
    book: Book, tmp_path: Path, words: tuple[object, ...]
) -> None:
    done = falcon(book.databases, "export", *words, tmp_path / "book.jsonl")
    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 1
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_is_there_is_replaced_only_by_force(book: Book, tmp_path: Path) -> None:
    path = tmp_path / "book.jsonl"
    path.write_text("mine")
    refused = falcon(book.databases, "export", path)
    assert (refused.returncode, path.read_text()) == (2, "mine")
    assert "--force" in refused.stderr
    assert falcon(book.databases, "export", "--force", path).returncode == 0
    assert len(path.read_text().splitlines()) == 21
    assert [each.name for each in tmp_path.iterdir()] == ["book.jsonl"]


@pytest.mark.parametrize("name", ["", "missing/book.jsonl"])
def test_a_place_that_cannot_be_written_is_one_sentence(
    book: Book, tmp_path: Path, name: str
) -> None:
    done = falcon(book.databases, "export", "--force", tmp_path / name)
    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 1
    assert list(tmp_path.iterdir()) == []


def test_without_room_there_is_no_half_file(book: Book, tmp_path: Path) -> None:
    """The process may write files of 4 kB only, which fails in the middle like a full disk."""
    done = subprocess.run(
        falcon_command("export", tmp_path / "book.jsonl"),
        cwd=ROOT,
        env=book.databases.environ,
        capture_output=True,
        text=True,
        check=False,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096)),
    )
    assert done.returncode == 3
    assert "There is no room for" in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert list(tmp_path.iterdir()) == []


def test_a_full_output_is_one_sentence(book: Book) -> None:
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(
            falcon_command("export", "-"),
            cwd=ROOT,
            env=book.databases.environ,
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    assert done.returncode == 3
    assert "disk is full" in done.stderr
    assert "Traceback" not in done.stderr


def test_positions_are_dense_in_an_export_of_another_part(book: Book) -> None:
    positions = [event["position"] for event in export(book, "--from", 3, "--to", 17)[1:]]
    assert all(later == earlier + 1 for earlier, later in pairwise(positions))


@pytest.fixture
def sealed(databases: FreshDatabases) -> SealedLedger:
    """Give a ledger that is sealed in parts by two keys, but for its last events."""
    world = SealedLedger(databases)
    for _ in range(2):
        world.write(300)
        seal_now(databases, most=100)
        SealKeys(databases.settings.home, {}).rotate()
    world.write(20)
    return world


def test_every_part_of_a_sealed_book_is_proven(sealed: SealedLedger, tmp_path: Path) -> None:
    """By its own events and the hashes in the head line; a whole book needs none of these."""
    size, head = sealed.sizes()[-1], sealed.head()
    key, file = sealed.vkeys()[-1], tmp_path / "book.jsonl"

    def written(first: int, last: int) -> dict[str, Any]:
        """Export a part and return its head line."""
        words = ("--from", first, "--to", last, "--force", file)
        assert falcon(sealed.databases, "export", *words).returncode == 0
        found: dict[str, Any] = json.loads(file.read_text().splitlines()[0])
        return found

    for first, last in ((1, head), (1, 5), (256, 513), (size, head)):
        assert ("proof" in written(first, last)) is ((first, last) != (1, head))
        found = proof_check.check(file, key)
        assert found["proven"] == min(last, size) - first + 1
        assert found["newer_than_the_seal"] == max(0, last - size)
    assert falcon_json(sealed.databases, "proof", "check", "--key", key, file)["authenticated"]
    written(size + 1, head)
    done = falcon(sealed.databases, "proof", "check", file)
    assert (done.returncode, "no event of the book is proven" in done.stderr) == (1, True)
