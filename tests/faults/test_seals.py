"""The checker finds each lie about seals, beside seals that are right, and passes real ones."""

import hashlib
import json
from base64 import b64encode
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from psycopg.conninfo import make_conninfo

from tests.faults.book import Book, Row
from tests.faults.forged import KEYS, A, Writer, opened, rows
from tests.faults.seals import LOG, Checkpoint, Kept, Seals, read_seals
from tests.faults.stored import read_events
from tests.faults.tree import Tree, leaf_of
from tests.naive_tree import tree_hash
from tests.sealed_ledger import SealedLedger, seal_now
from tests.servers import FreshDatabases

KEY, ANOTHER = (Ed25519PrivateKey.from_private_bytes(bytes([n] * 32)) for n in (1, 2))
SIZES = (1, 3, 100, 256, 272)


def book() -> list[Row]:
    """Return 272 events: two wallets and ninety payments."""
    w = Writer()
    w.write("a", 1, *opened("a", 2000))
    w.write("b", 2, *opened("b", 0))
    for number in range(90):
        w.transfer(f"t{number}", 3 + number, A, 1)
    return rows(w.commands)


LEAVES = [leaf_of(row) for row in book()]


def named(key: Ed25519PrivateKey, origin: str) -> tuple[bytes, str]:
    """Return a key's id under a name, and the key as others are given it."""
    public = b"\1" + key.public_key().public_bytes_raw()
    key_id = hashlib.sha256(f"{origin}\n".encode() + public).digest()[:4]
    return key_id, f"{origin}+{key_id.hex()}+{b64encode(public).decode()}"


def note(
    size: int, *, of: int | None = None, epoch: int = 1, key: Ed25519PrivateKey = KEY
) -> Checkpoint:
    """Return a seal of some size, whose root may be that of another one."""
    origin = LOG if epoch == 1 else f"{LOG}/{epoch}"
    root = b64encode(tree_hash(LEAVES[: of or size])).decode()
    text = f"{origin}\n{size}\n{root}\n"
    signature = b64encode(named(key, origin)[0] + key.sign(text.encode())).decode()
    return Checkpoint(f"{text}\n\N{EM DASH} {origin} {signature}\n")


def right() -> Kept:
    """Return seals of two epochs, as everybody has them."""
    kept = Kept(vkeys=[named(KEY, LOG)[1], named(KEY, f"{LOG}/2")[1]])
    for epoch in (1, 2):
        for size in SIZES:
            add(kept, note(size, epoch=epoch), epoch)
        kept.tiles[epoch, 0, 0] = tree_hash(LEAVES[:256])
        kept.shown += [note(size, epoch=epoch) for size in (1, 3, 3, 272)]
    kept.elsewhere = [note(100), note(272)]
    return kept


def add(kept: Kept, checkpoint: Checkpoint, epoch: int = 1, size: int | None = None) -> None:
    """Let the store have a seal."""
    kept.seals.append((epoch, size or checkpoint.size, checkpoint.root, checkpoint.note))


def judged(kept: Kept, events: Iterable[Row] | None = None) -> Seals:
    """Hold seals against the events."""
    seals, unread = Seals(kept), Book(KEYS)
    for row in book() if events is None else events:
        seals.watch(unread, row)
    seals.finish()
    return seals


def test_right_seals_pass() -> None:
    seals = judged(right())
    assert seals.faults == []
    assert seals.checked == 2 * len(SIZES) + 2 * 3 + 2


WRONG: dict[str, tuple[Callable[[Kept], object], str]] = {
    "another tree": (
        lambda kept: add(kept, note(99, of=98)),
        "the seal of epoch 1 up to 99 is not the tree of the events",
    ),
    "another tree in a later epoch": (
        lambda kept: add(kept, note(99, of=98, epoch=2), 2),
        "the seal of epoch 2 up to 99 is not the tree of the events",
    ),
    "beyond the log": (
        lambda kept: add(kept, note(273)),
        "the seal of epoch 1 up to 273 goes beyond position 272",
    ),
    "of another size": (lambda kept: add(kept, note(98), size=99), "epoch 1 up to 99 says"),
    "of another epoch": (lambda kept: add(kept, note(99), epoch=2), "epoch 2 up to 99 says"),
    "signed by nobody": (lambda kept: add(kept, note(99, key=ANOTHER)), "signed by no key"),
    "no note": (
        lambda kept: kept.seals.append((1, 99, tree_hash(LEAVES[:99]), "x")),
        "the seal of epoch 1 up to 99 is no signed note",
    ),
    "less than before": (
        lambda kept: kept.shown.append(note(256)),
        "falconpay/main was sealed up to 272 and is to less",
    ),
    "shown and gone": (
        lambda kept: kept.shown.insert(2, note(50)),
        "a seal up to 50 was shown and is gone",
    ),
    "shown otherwise": (
        lambda kept: kept.shown.insert(2, note(100, of=99)),
        "a seal shown up to 100 is not the tree",
    ),
    "kept otherwise": (
        lambda kept: kept.elsewhere.append(note(50, of=51)),
        "a seal kept up to 50 is not the tree",
    ),
    "kept beyond the log": (
        lambda kept: kept.elsewhere.append(note(300)),
        "a seal kept up to 300 goes beyond",
    ),
    "without its tile": (lambda kept: kept.tiles.pop((1, 0, 0)), "tile (1, 0, 0) is missing"),
    "with another tile": (
        lambda kept: kept.tiles.update({(2, 0, 0): bytes(32)}),
        "tile (2, 0, 0) is missing or is not what",
    ),
    "a tile of no seal": (
        lambda kept: kept.tiles.update({(1, 0, 1): bytes(32)}),
        "tile (1, 0, 1) belongs to no seal",
    ),
}
"""Each way in which seals can break a promise, and what is said of it."""


@pytest.mark.parametrize("wrong", WRONG)
def test_a_wrong_seal_is_found(wrong: str) -> None:
    change, said = WRONG[wrong]
    kept = right()
    change(kept)
    # What is added may come behind larger ones; the order in which they are stored tells nothing.
    assert said in " | ".join(judged(kept).faults)


def test_the_tree_is_that_of_the_standard() -> None:
    """At every size, and full tiles are the complete subtrees of 256 leaves."""
    tree, tiles = Tree(), []
    leaves = [hashlib.sha256(b"%d" % n).digest() for n in range(600)]
    for size, leaf in enumerate(leaves, 1):
        tiles += tree.add(leaf)
        if size < 70 or size % 37 == 0 or size % 256 < 2:
            assert tree.root() == tree_hash(leaves[:size])
    assert tiles == [(0, n, tree_hash(leaves[256 * n : 256 * (n + 1)])) for n in (0, 1)]


def test_seals_of_the_product_pass(databases: FreshDatabases, tmp_path: Path) -> None:
    """Leaves, notes, keys and tiles are read as the sealer writes them, and a change is found."""
    world, anchors, shown = SealedLedger(databases), tmp_path / "anchors", tmp_path / "shown"
    url = make_conninfo(databases.admin, dbname=f"{databases.settings.database_prefix}ledger")
    for events in (5, 300, 40):
        world.write(events)
        seal_now(world.databases)
    # As an anchor has them, and a witness writes them down.
    (anchors / "falconpay").mkdir(parents=True)
    (anchors / "falconpay" / "main.checkpoints").write_text(
        "".join(f"{each}\n" for each in world.notes())
    )
    shown.write_text("".join(json.dumps({"checkpoint": each}) + "\n" for each in world.notes()))
    kept = read_seals(url, databases.settings.home, anchors, shown)
    assert [len(kept.seals), len(kept.elsewhere), len(kept.tiles)] == [3, 3 + 1, 1]
    seals = judged(kept, read_events(url))
    assert (seals.faults, seals.checked) == ([], 3 * 3)
    world.alter("UPDATE events SET state = state || ' ' WHERE notification_id = %s", 250)
    assert "the seal of epoch 1 up to" in " | ".join(judged(kept, read_events(url)).faults)
