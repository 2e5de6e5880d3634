"""Checks seals while a replay goes through the events: their tree is what was signed."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, LiteralString

import psycopg

from application.sealing import Seal
from domain.checkpoints import CheckpointInvalid
from domain.identifiers import StreamId
from domain.instants import Instant
from domain.leaves import entry, leaf_hash
from domain.merkle import node_hash
from domain.recorded import RecordedEvent
from domain.tiles import BITS, WIDTH
from infrastructure.event_log.reader import EventReader
from infrastructure.seals.keys import SealKeys
from infrastructure.seals.memory import SealMemory, seal_of, sealed_epochs
from infrastructure.seals.notes import NoteInvalid, Verifier, parse_vkey, verified_by
from infrastructure.secrets import SecretMissing
from infrastructure.settings import Settings
from interfaces.replay.findings import Difference, Findings
from interfaces.replay.stored import chunks, stream_name, time_of

LAST: LiteralString = "SELECT coalesce(max(size), 0) FROM seal WHERE epoch = %s"
SEALS: LiteralString = """
    SELECT size, root, checkpoint FROM seal WHERE epoch = %s ORDER BY size"""
# A tile is full as soon as its last leaf is there.
TILES: LiteralString = """
    SELECT (number + 1) << (8 * (level + 1)) AS size, level, root
    FROM seal_tile WHERE epoch = %s ORDER BY 1, 2"""
KEYS: LiteralString = "SELECT vkey FROM seal_key WHERE epoch = %s ORDER BY place"

Row = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Outside:
    """What the home knows of seals, where nobody who writes to the database can write.

    `remembered` has the last seal of each epoch. `public_keys` are those of the secret; none
    stands for a home that has no such secret.
    """

    remembered: Mapping[int, Seal]
    public_keys: Sequence[bytes] | None


def look_outside(settings: Settings) -> Outside:
    """Return what the home knows of the ledger's seals; raises `SealingRefused`.

    To be called before the store is looked at, which then is at least as far.
    """
    home, ledger = settings.home, settings.ledger
    found = {epoch: SealMemory(home, ledger, epoch).read() for epoch in sealed_epochs(home, ledger)}
    try:
        keys = [key.public_key().public_bytes_raw() for key in SealKeys(home).read()]
    except SecretMissing:
        keys = None
    return Outside({epoch: seal for epoch, seal in found.items() if seal is not None}, keys)


class SealCheck:
    """Follows the events and holds the tree above them against seals and tiles.

    It keeps one hash for each level of the tree.
    """

    def __init__(
        self, ledger: psycopg.Connection[Any], findings: Findings, outside: Outside | None
    ) -> None:
        """Begin before position 1; without `outside` the store is held against itself alone."""
        self._findings = findings
        self._outside = outside or Outside({}, None)
        epoch = EventReader(ledger).epoch()
        self._remembered = self._outside.remembered.get(epoch)
        row = ledger.execute(LAST, [epoch]).fetchone()
        self.last = 0 if row is None else int(row[0])
        """The size of the latest seal, 0 when there is none."""

        self.checked = 0
        """How many seals were compared."""

        self._keys = self._verifiers([vkey for (vkey,) in ledger.execute(KEYS, [epoch])])
        self._seals = _Ahead(_rows(ledger, "seals", SEALS, epoch))
        self._tiles = _Ahead(_rows(ledger, "tiles", TILES, epoch))
        remembered = self._remembered
        self._until = max(self.last, 0 if remembered is None else remembered.checkpoint.size)
        self._size = 0
        self._right = 0
        self._broken = False
        self._stack: list[tuple[int, bytes]] = []

    def add(self, rows: Sequence[Row]) -> None:
        """Let the tree grow by events, and compare wherever a seal or a full tile ends."""
        for row in rows:
            if self._size >= self._until:
                return
            self._grow(_leaf(row))
            if self._size == self._seals.size:
                self._compare_seal(self._seals.take())
            self._compare_remembered()

    def end(self, last: int) -> None:
        """Say what was sealed and is not there any more."""
        if self._size < self._until:
            self._wrong(last + 1, "log", "events", f"{self._until} sealed", self._size)
        elif (size := self._tiles.size) is not None:
            self._wrong(size, "tile", "row", None, "a tile of no seal")

    def _grow(self, leaf: bytes) -> None:
        self._size += 1
        level, found = 0, leaf
        while self._stack and self._stack[-1][0] == level:
            level, found = level + 1, node_hash(self._stack.pop()[1], found)
            if level % BITS == 0 and self._size <= self.last:
                self._compare_tile(level // BITS - 1, found)
        self._stack.append((level, found))

    def _compare_tile(self, level: int, root: bytes) -> None:
        first = self._size - WIDTH ** (level + 1) + 1
        # Rows that no tree asks for stand before the one that is wanted.
        while (stray := self._tiles.head) is not None and stray[:2] < (self._size, level):
            self._tiles.take()
            self._wrong(stray[0], "tile", "row", None, "a row that no tree asks for")
        if self._tiles.head is None or self._tiles.head[:2] != (self._size, level):
            self._wrong(first, "tile", f"root of level {level}", root.hex(), None)
            return
        stored = bytes(self._tiles.take()[2])
        if stored != root:
            self._wrong(first, "tile", f"root of level {level}", stored.hex(), root.hex())

    def _compare_seal(self, row: Row) -> None:
        size, stored, note = row
        self.checked += 1
        try:
            seal = seal_of(note)
            verified_by(note, self._keys)
        except (NoteInvalid, CheckpointInvalid) as invalid:
            self._wrong(size, "seal", "checkpoint", "a note signed by a key of the log", invalid)
            return
        said = (seal.checkpoint.size, seal.checkpoint.root)
        if said != (size, bytes(stored)):
            self._wrong(size, "seal", "checkpoint", f"of size {size} and its root", said[0])
        self._compare_root(seal)

    def _compare_remembered(self) -> None:
        remembered = self._remembered
        if remembered is not None and remembered.checkpoint.size == self._size:
            self._compare_root(remembered)

    def _compare_root(self, seal: Seal) -> None:
        """Compare once: behind the first difference every root is another one."""
        root = self._root()
        if seal.checkpoint.root == root:
            self._right = self._size
        elif not self._broken:
            self._broken = True
            expected = f"{seal.checkpoint.root.hex()} up to {self._size}"
            self._wrong(self._right + 1, "seal", "root", expected, root.hex())

    def _root(self) -> bytes:
        *others, (_, root) = self._stack
        for _, left in reversed(others):
            root = node_hash(left, root)
        return root

    def _verifiers(self, vkeys: Sequence[str]) -> list[Verifier]:
        """Return the keys that may have signed: those registered, if the home has them, too."""
        found = []
        for vkey in vkeys:
            try:
                verifier = parse_vkey(vkey)
            except NoteInvalid as invalid:
                self._wrong(1, "seal_key", vkey, "a key", invalid)
                continue
            own = self._outside.public_keys
            if own is None or verifier.public in own:
                found.append(verifier)
            else:
                self._wrong(1, "seal_key", vkey, "a key of the home's secret", "another key")
        return found

    def _wrong(self, position: int, what: str, field: str, expected: object, found: object) -> None:
        self._findings.add(Difference(position, "seals", what, field, expected, found))


class _Ahead:
    """Rows whose next one can be looked at before it is taken."""

    def __init__(self, rows: Iterator[Row]) -> None:
        self._rows = rows
        self.head = next(rows, None)

    @property
    def size(self) -> int | None:
        """The size that the next row is about."""
        return None if self.head is None else int(self.head[0])

    def take(self) -> Row:
        """Return the next row and go on."""
        assert self.head is not None
        taken, self.head = self.head, next(self._rows, None)
        return taken


def _rows(
    ledger: psycopg.Connection[Any], name: str, query: LiteralString, epoch: int
) -> Iterator[Row]:
    for rows in chunks(ledger, name, query, epoch):
        yield from rows


def _leaf(row: Row) -> bytes:
    position, stream, version, topic, state, metadata, recorded = row
    name = _name(topic.partition(".")[0] + ".", stream)
    event = RecordedEvent(position, name, version, topic, state, metadata, _instant(recorded))
    return leaf_hash(entry(event))


@lru_cache(maxsize=65_536)
def _name(kind: str, stream: bytes) -> StreamId:
    return StreamId(stream_name(kind, stream))


@lru_cache(maxsize=16)
def _instant(recorded: bytes) -> Instant:
    return Instant(str(time_of(recorded)))
