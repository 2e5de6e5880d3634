"""Checks seals while a replay goes through the events: their tree is what was signed."""

from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache, partial
from pathlib import Path
from typing import Any, LiteralString

import psycopg

from application.sealing import Seal
from domain.checkpoints import Checkpoint, CheckpointInvalid
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
from infrastructure.seals.origin import seal_origin
from infrastructure.secrets import SecretMissing
from infrastructure.settings import Settings
from interfaces.replay.findings import Difference, Findings
from interfaces.replay.stored import chunks, stream_name, time_of
from interfaces.replay.witnesses import witnessed

LAST: LiteralString = "SELECT coalesce(max(size), 0) FROM seal WHERE epoch = %s"
SEALS: LiteralString = """
    SELECT size, root, checkpoint FROM seal WHERE epoch = %s ORDER BY size"""
# A tile is full as soon as its last leaf is there.
TILES: LiteralString = """
    SELECT (number + 1) << (8 * (level + 1)) AS size, level, root
    FROM seal_tile WHERE epoch = %s ORDER BY 1, 2"""
KEYS: LiteralString = "SELECT vkey, from_size FROM seal_key WHERE epoch = %s ORDER BY place"

Row = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Outside:
    """What is known of seals where nobody who writes to the database can write.

    `remembered` has the last seal of each epoch, from the home. `public_keys` are those of its
    secret; none stands for a home that has no such secret. `witnessed` is what anchors have, by
    the log's name, which `origin` tells of an epoch.
    """

    remembered: Mapping[int, Seal]
    public_keys: Sequence[bytes] | None
    witnessed: Mapping[str, Sequence[Checkpoint]] = field(default_factory=dict)
    origin: Callable[[int], str] = str

    def of(self, epoch: int) -> list[Checkpoint]:
        """Return every checkpoint of an epoch's log, the smaller ones first."""
        found = {*self.witnessed.get(self.origin(epoch), ())}
        if epoch in self.remembered:
            found.add(self.remembered[epoch].checkpoint)
        return sorted(found, key=lambda checkpoint: checkpoint.size)


def look_outside(settings: Settings, anchors: Sequence[Path] = ()) -> Outside:
    """Return what home and anchors know of the ledger's seals.

    `anchors` are files or folders beside those of the settings. To be called before the store is
    looked at, which then is at least as far. Raises `SealingRefused` and `Failure`.
    """
    home, ledger = settings.home, settings.ledger
    found = {epoch: SealMemory(home, ledger, epoch).read() for epoch in sealed_epochs(home, ledger)}
    try:
        keys = [key.public_key().public_bytes_raw() for key in SealKeys(home).read()]
    except SecretMissing:
        keys = None
    remembered = {epoch: seal for epoch, seal in found.items() if seal is not None}
    origin = partial(seal_origin, settings)
    return Outside(remembered, keys, witnessed(settings, anchors), origin)


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
        self._outer = deque(self._outside.of(epoch))
        self.elsewhere = len(self._outer)
        """How many seals that lie outside of the database are compared."""

        row = ledger.execute(LAST, [epoch]).fetchone()
        self.last = 0 if row is None else int(row[0])
        """The size of the latest seal, 0 when there is none."""

        self.checked = 0
        """How many seals were compared."""

        self._registered: list[tuple[str, int]] = ledger.execute(KEYS, [epoch]).fetchall()
        self._keys = self._verifiers([vkey for vkey, _ in self._registered])
        self._signing_since: dict[str, int] = {}
        self._seals = _Ahead(_rows(ledger, "seals", SEALS, epoch))
        self._tiles = _Ahead(_rows(ledger, "tiles", TILES, epoch))
        self._until = max(self.last, self._outer[-1].size if self._outer else 0)
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
            while self._outer and self._outer[0].size == self._size:
                self._compare_root(self._outer.popleft())

    def end(self, last: int) -> None:
        """Say what was sealed and is not there any more."""
        if self._size < self._until:
            self._wrong(last + 1, "log", "events", f"{self._until} sealed", self._size)
            return
        if (size := self._tiles.size) is not None:
            self._wrong(size, "tile", "row", None, "a tile of no seal")
        self._compare_keys()

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
            field = f"root of level {level}"
            self._wrong(first, "tile", field, stored.hex(), root.hex(), self._size)

    def _compare_seal(self, row: Row) -> None:
        size, stored, note = row
        self.checked += 1
        try:
            seal = seal_of(note)
            for key in verified_by(note, self._keys):
                self._signing_since.setdefault(key.vkey, size)
        except (NoteInvalid, CheckpointInvalid) as invalid:
            self._wrong(size, "seal", "checkpoint", "a note signed by a key of the log", invalid)
            return
        said = (seal.checkpoint.size, seal.checkpoint.root)
        if said != (size, bytes(stored)):
            self._wrong(size, "seal", "checkpoint", f"of size {size} and its root", said[0])
        self._compare_root(seal.checkpoint)

    def _compare_keys(self) -> None:
        """Compare from which seal on each key has signed, by which the keys have their order."""
        known = {key.vkey for key in self._keys}
        before = 0
        for vkey, size in self._registered:
            since = self._signing_since.get(vkey)
            if vkey in known and since != size:
                where = min(since or size, size)
                self._wrong(where, f"seal_key {vkey}", "from_size", since, size)
            elif size < before:
                self._wrong(size, f"seal_key {vkey}", "place", "before", f"behind {before}")
            before = max(before, size)

    def _compare_root(self, sealed: Checkpoint) -> None:
        """Compare once: behind the first difference every root is another one."""
        root = self._root()
        if sealed.root == root:
            self._right = self._size
        elif not self._broken:
            self._broken = True
            expected = f"{sealed.root.hex()} up to {self._size}"
            self._wrong(self._right + 1, "seal", "root", expected, root.hex(), self._size)

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

    def _wrong(
        self,
        position: int,
        what: str,
        field: str,
        expected: object,
        found: object,
        until: int | None = None,
    ) -> None:
        self._findings.add(Difference(position, "seals", what, field, expected, found, until))


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
    try:
        return leaf_hash(entry(event))
    except UnicodeEncodeError:
        # A type that was never written by a ledger has no entry, and so is no leaf of a seal.
        return bytes(32)


@lru_cache(maxsize=65_536)
def _name(kind: str, stream: bytes) -> StreamId:
    return StreamId(stream_name(kind, stream))


@lru_cache(maxsize=16)
def _instant(recorded: bytes) -> Instant:
    return Instant(str(time_of(recorded)))
