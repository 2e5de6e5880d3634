"""Holds every seal against the checker's own tree above the event table.

All epochs of a campaign have the same events, so the seals of all of them are held against one
tree: where each says its root, none contradicts another, and each is a prefix of the next.
"""

import json
from base64 import b64decode
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path

import psycopg
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from tests.faults.book import MOST_FAULTS, Book, Row
from tests.faults.tree import Tree, leaf_of

LOG = "falconpay/main"
SEALS = "SELECT epoch, size, root, checkpoint FROM ledger_main.seal ORDER BY epoch, size"
TILES = "SELECT epoch, level, number, root FROM ledger_main.seal_tile"
KEYS = "SELECT vkey FROM ledger_main.seal_key"

Tile = tuple[int, int, int]
"""Epoch, level and number."""


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """What a signed note says, whoever has signed it; raises `ValueError` for another text."""

    note: str

    @property
    def origin(self) -> str:
        """The name of the log."""
        return self._lines()[0]

    @property
    def size(self) -> int:
        """How many events it is about."""
        return int(self._lines()[1])

    @property
    def root(self) -> bytes:
        """The hash above them."""
        return b64decode(self._lines()[2], validate=True)

    def signed_by(self, vkeys: Iterable[str]) -> bool:
        """Say whether a key of the log's name has signed it (C2SP signed-note, Ed25519)."""
        text, _, signatures = self.note.rpartition("\n\n")
        lines = [line.split(" ")[1:] for line in signatures.splitlines()]
        for vkey in vkeys:
            name, key_id, key = vkey.split("+", 2)
            public = b64decode(key)[1:]
            for signer, encoded in lines:
                raw = b64decode(encoded)
                if (name, raw[:4].hex()) != (signer, key_id) or name != self.origin:
                    continue
                try:
                    Ed25519PublicKey.from_public_bytes(public).verify(raw[4:], f"{text}\n".encode())
                except InvalidSignature:
                    continue
                # The id of a key follows from its name and itself.
                return sha256(f"{name}\n\1".encode() + public).hexdigest()[:8] == key_id
        return False

    def _lines(self) -> list[str]:
        lines = self.note.partition("\n\n")[0].split("\n")
        if len(lines) != 3:
            raise ValueError(f"no checkpoint: {self.note!r}")
        return lines


@dataclass(slots=True)
class Kept:
    """What is known of seals: the store's rows, and the notes that others have kept.

    `shown` are checkpoints in the order in which somebody was shown them as the latest;
    `elsewhere` are those of anchors, and what homes remember.
    """

    seals: list[tuple[int, int, bytes, str]] = field(default_factory=list)
    tiles: dict[Tile, bytes] = field(default_factory=dict)
    vkeys: list[str] = field(default_factory=list)
    shown: list[Checkpoint] = field(default_factory=list)
    elsewhere: list[Checkpoint] = field(default_factory=list)


class Seals:
    """All seals beside the events as they pass; read what is kept before the events are read."""

    def __init__(self, kept: Kept) -> None:
        """Take what is to be held against the events."""
        self.faults: list[str] = []
        self.checked = 0
        self._kept = kept
        self._tree = Tree()
        self._left = dict(kept.tiles)
        self._full: dict[tuple[int, int], bytes] = {}
        self._said: dict[int, list[tuple[str, bytes]]] = defaultdict(list)
        for epoch, size, root, note in kept.seals:
            self._said[size].append((f"the seal of epoch {epoch}", root))
            self._of_store(epoch, size, root, note)
        for what, notes in (("a seal shown", kept.shown), ("a seal kept", kept.elsewhere)):
            self._of_others(what, set(notes))
        self._in_order(kept.shown)

    def watch(self, _book: Book, row: Row) -> None:
        """Let the tree grow by an event, and compare what is said of this size."""
        for level, number, root in self._tree.add(leaf_of(row)):
            self._full[level, number] = root
        for what, root in self._said.pop(self._tree.size, ()):
            self.checked += 1
            if root != self._tree.root():
                self._fault(f"{what} up to {self._tree.size} is not the tree of the events")

    def finish(self) -> None:
        """Say what goes beyond the log, and what is wrong with the tiles."""
        for size, said in sorted(self._said.items()):
            self._fault(f"{said[0][0]} up to {size} goes beyond position {self._tree.size}")
        sealed: dict[int, int] = {}
        for epoch, size, _, _ in self._kept.seals:
            sealed[epoch] = max(size, sealed.get(epoch, 0))
        for epoch, size in sealed.items():
            for (level, number), root in self._full.items():
                if (number + 1) << (8 * (level + 1)) <= size:
                    self._tile((epoch, level, number), root)
        for tile in list(self._left)[:5]:
            self._fault(f"tile {tile} belongs to no seal")

    def _tile(self, tile: Tile, root: bytes) -> None:
        if self._left.pop(tile, None) != root:
            self._fault(f"tile {tile} is missing or is not what its events say")

    def _of_store(self, epoch: int, size: int, root: bytes, note: str) -> None:
        checkpoint, name = Checkpoint(note), f"the seal of epoch {epoch} up to {size}"
        origin = LOG if epoch == 1 else f"{LOG}/{epoch}"
        try:
            said = (checkpoint.origin, checkpoint.size, checkpoint.root)
            signed = checkpoint.signed_by(self._kept.vkeys)
        except ValueError:
            self._fault(f"{name} is no signed note")
            return
        if said != (origin, size, root):
            self._fault(f"{name} says {said}")
        if not signed:
            self._fault(f"{name} is signed by no key of the log")

    def _of_others(self, what: str, notes: Iterable[Checkpoint]) -> None:
        for checkpoint in notes:
            try:
                size, root = checkpoint.size, checkpoint.root
            except ValueError:
                self._fault(f"{what} is no note: {checkpoint.note!r}")
            else:
                self._said[size].append((what, root))

    def _in_order(self, shown: Sequence[Checkpoint]) -> None:
        """Say where a smaller seal was shown behind a larger one, or one that was shown is gone."""
        stored = {note for _, _, _, note in self._kept.seals}
        largest: dict[str, int] = {}
        for checkpoint in shown:
            before = largest.get(checkpoint.origin, 0)
            if checkpoint.size < before:
                self._fault(f"{checkpoint.origin} was sealed up to {before} and is to less")
            largest[checkpoint.origin] = max(before, checkpoint.size)
        for checkpoint in set(shown):
            if checkpoint.note not in stored:
                self._fault(f"a seal up to {checkpoint.size} was shown and is gone")

    def _fault(self, text: str) -> None:
        if len(self.faults) < MOST_FAULTS:
            self.faults.append(text)


def read_seals(ledger_url: str, home: Path, anchors: Path, shown: Path) -> Kept:
    """Read what store, home, anchors and the auditor have; the home's memory comes first.

    What the home remembers may be ahead of the store: it is written down before it is stored.
    """
    kept = Kept()
    for path in (home / "seals").rglob("*.checkpoint"):
        kept.elsewhere.append(Checkpoint(path.read_text()))
    for path in anchors.rglob("*.checkpoints"):
        # Each note ends in an empty line, and has one before its signatures.
        parts = path.read_text().split("\n\n")
        notes = zip(parts[::2], parts[1::2], strict=False)
        kept.elsewhere += [Checkpoint(f"{text}\n\n{signed}\n") for text, signed in notes]
    if shown.exists():
        lines = [json.loads(line) for line in shown.read_text().splitlines()]
        kept.shown = [Checkpoint(line["checkpoint"]) for line in lines]
    with psycopg.connect(ledger_url) as connection:
        kept.seals = [(e, size, root, note) for e, size, root, note in connection.execute(SEALS)]
        tiles = connection.execute(TILES)
        kept.tiles = {(epoch, level, number): root for epoch, level, number, root in tiles}
        kept.vkeys = [vkey for (vkey,) in connection.execute(KEYS)]
    return kept
