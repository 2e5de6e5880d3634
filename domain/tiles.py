"""The log's tree in tiles of 256 hashes, so that little is stored and little is read again.

A tile of level 0 has leaf hashes, one of level n + 1 the roots of 256 full tiles of level n: the
tiles of C2SP `tlog-tiles`. What is below a full tile is never hashed again.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence

from domain.merkle import Span, node_hash, peaks

BITS = 8
WIDTH = 1 << BITS

Tile = tuple[int, int]
"""Level and number of a tile, both from 0."""


class Tiles:
    """Subtrees of a tree whose tiles are loaded once each, when first needed."""

    def __init__(self, load: Callable[[Tile], Sequence[bytes]]) -> None:
        """Take what gives the hashes of a tile, as many as there are."""
        self._load = load
        self._loaded: dict[Tile, Sequence[bytes]] = {}

    def hashes(self, tile: Tile) -> Sequence[bytes]:
        """Return the hashes of a tile."""
        if tile not in self._loaded:
            self._loaded[tile] = self._load(tile)
        return self._loaded[tile]

    def subtree(self, level: int, index: int) -> bytes:
        """Return the hash of a complete subtree, as `domain.merkle` asks for it."""
        tile = tile_of(level, index)
        rest = level % BITS
        first = (index << rest) - tile[1] * WIDTH
        hashes = self.hashes(tile)[first : first + (1 << rest)]
        assert len(hashes) == 1 << rest, "the tree has not grown so far"
        return tile_root(hashes)


def tile_of(level: int, index: int) -> Tile:
    """Return the tile in which the hashes lie that a complete subtree is made of."""
    high, rest = divmod(level, BITS)
    return high, index << rest >> BITS


def tiles_of(spans: Iterable[Span]) -> set[Tile]:
    """Return the tiles that are needed for the hashes of some nodes."""
    return {tile_of(*peak) for span in spans for peak in peaks(span)}


def tile_root(hashes: Sequence[bytes]) -> bytes:
    """Return the root above a power of two of hashes."""
    while len(hashes) > 1:
        hashes = [node_hash(*pair) for pair in zip(hashes[::2], hashes[1::2], strict=True)]
    return hashes[0]


def filled(old: int, new: int) -> Iterator[Tile]:
    """Yield the tiles that become full while a tree grows, the lower levels first."""
    level = 0
    while new >> BITS * (level + 1):
        shift = BITS * (level + 1)
        for number in range(old >> shift, new >> shift):
            yield level, number
        level += 1


def width(tile: Tile, size: int) -> int:
    """Return how many hashes a tile has in a tree of so many leaves."""
    level, number = tile
    return max(0, min(WIDTH, (size >> BITS * level) - number * WIDTH))
