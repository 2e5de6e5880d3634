"""Seals in the ledger's database, beside the events: written by the sealer, never changed."""

from collections.abc import Collection, Mapping
from typing import Any, LiteralString

import psycopg

from application.sealing import Seal, SealsDiverged
from domain.checkpoints import CheckpointInvalid
from domain.leaves import entry, leaf_hash
from domain.tiles import Tile
from infrastructure.event_log.reader import COLUMNS, EventReader, recorded
from infrastructure.seals.memory import seal_of
from infrastructure.seals.notes import NoteInvalid

CHUNK = 5_000

EVENTS: LiteralString = (
    COLUMNS + "WHERE notification_id > %s AND notification_id <= %s ORDER BY notification_id"
)
MOVED_LEAVES: LiteralString = """
    SELECT notification_id, leaf FROM moved_event
    WHERE notification_id > %s AND notification_id <= %s"""
LOCK = "SELECT take_seal_lock()"
LAST: LiteralString = """
    SELECT checkpoint FROM seal WHERE epoch = %s ORDER BY size DESC LIMIT 1"""
ROOTS: LiteralString = """
    SELECT root FROM seal_tile
    WHERE epoch = %s AND level = %s AND number >= %s AND number < %s ORDER BY number"""
KEYS: LiteralString = "SELECT vkey FROM seal_key WHERE epoch = %s ORDER BY place"
ADD_TILES: LiteralString = """
    INSERT INTO seal_tile (epoch, level, number, root)
    SELECT %s, t.level, t.number, t.root
    FROM unnest(%s::smallint[], %s::bigint[], %s::bytea[]) AS t (level, number, root)"""
ADD_SEAL: LiteralString = """
    INSERT INTO seal (epoch, size, root, checkpoint) VALUES (%s, %s, %s, %s)"""
ADD_KEY: LiteralString = """
    INSERT INTO seal_key (vkey, epoch, from_size, place)
    SELECT %s, %s, %s, 1 + count(*) FROM seal_key ON CONFLICT DO NOTHING"""


class StoredSeals:
    """The log of one epoch, over a connection in autocommit whose search_path is the ledger's."""

    def __init__(self, connection: psycopg.Connection[Any], epoch: int) -> None:
        """Take the connection, which stays the caller's to close."""
        self._connection = connection
        self._reader = EventReader(connection)
        self._epoch = epoch

    def lock(self) -> bool:
        """Return whether this session is the one that seals; it stays so until it ends."""
        return self._connection.execute(LOCK).fetchone() == (True,)

    def head(self) -> int:
        """Return the last position, 0 when there are no events."""
        return self._reader.head()

    def last(self) -> Seal | None:
        """Return the latest seal; raises `SealsDiverged` where it is none."""
        row = self._connection.execute(LAST, [self._epoch]).fetchone()
        try:
            return None if row is None else seal_of(row[0])
        except (NoteInvalid, CheckpointInvalid) as invalid:
            raise SealsDiverged(f"The latest seal in the store is none: {invalid}") from None

    def keys(self) -> list[str]:
        """Return the keys that have signed, in the order of their first seals."""
        return [vkey for (vkey,) in self._connection.execute(KEYS, [self._epoch])]

    def leaves(self, after: int, until: int) -> list[bytes]:
        """Return the leaf hashes of the events behind a position, up to another.

        Those of events that were moved are stored, so no archive is asked.
        """
        hashes: list[bytes] = []
        while after < until:
            part = [after, min(after + CHUNK, until)]
            rows = self._connection.execute(EVENTS, part, binary=True).fetchall()
            leaves = {row[0]: leaf_hash(entry(recorded(row))) for row in rows}
            if len(leaves) < part[1] - after:
                leaves |= dict(self._connection.execute(MOVED_LEAVES, part, binary=True))
            hashes += [leaves[position] for position in sorted(leaves)]
            after = part[1]
        return hashes

    def roots(self, level: int, first: int, count: int) -> list[bytes]:
        """Return stored roots of consecutive full tiles of a level."""
        found = self._connection.execute(
            ROOTS, [self._epoch, level, first, first + count], binary=True
        )
        return [root for (root,) in found]

    def add(self, seal: Seal, tiles: Mapping[Tile, bytes], vkeys: Collection[str]) -> None:
        """Store a seal, the roots of what has become full, and its keys where they are new.

        Whatever it raises, all of it is stored or nothing.
        """
        checkpoint = seal.checkpoint
        levels = [level for level, _ in tiles]
        numbers = [number for _, number in tiles]
        with self._connection.transaction():
            self._connection.execute(
                ADD_TILES, [self._epoch, levels, numbers, list(tiles.values())]
            )
            self._connection.execute(
                ADD_SEAL, [self._epoch, checkpoint.size, checkpoint.root, seal.note]
            )
            for vkey in vkeys:
                self._connection.execute(ADD_KEY, [vkey, self._epoch, checkpoint.size])
