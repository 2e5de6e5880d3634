"""Proves a part of the book: the last seal, and the hashes of what lies around the part."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import psycopg

from domain.merkle import outer_spans, proof
from domain.tiles import WIDTH, Tile, Tiles, width
from infrastructure.event_log.reader import EventReader
from infrastructure.seals.store import StoredSeals


@dataclass(frozen=True, slots=True)
class SealedPart:
    """A checkpoint, its newest key, and the hashes that lead from the part to its root.

    They stand in the order of the tree, from left to right; a whole book needs none.
    """

    checkpoint: str
    vkey: str
    hashes: Sequence[bytes]


def sealed_part(connection: psycopg.Connection[Any], first: int, last: int) -> SealedPart | None:
    """Return what proves the events from one position to another; none where nothing is sealed.

    What is newer than the last seal is not proven. The connection is a snapshot.
    """
    stored = StoredSeals(connection, EventReader(connection).epoch())
    seal = stored.last()
    if seal is None:
        return None
    size = seal.checkpoint.size
    begin, end = first - 1, min(last, size)

    def load(tile: Tile) -> Sequence[bytes]:
        level, number = tile
        beginning, count = number * WIDTH, width(tile, size)
        if level == 0:
            return stored.leaves(beginning, beginning + count)
        return stored.roots(level - 1, beginning, count)

    spans = outer_spans((begin, end), size) if begin < end else []
    return SealedPart(seal.note, stored.keys()[-1], proof(spans, Tiles(load).subtree))
