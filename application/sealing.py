"""Sealing: a log is signed as far as it has come, when it is shown that it has only grown."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from domain.checkpoints import Checkpoint
from domain.merkle import ProofInvalid, consistency_spans, proof, root, verify_consistency
from domain.tiles import BITS, WIDTH, Tile, Tiles, filled, tile_root

TILES_LOOKED_BACK = 16
"""How many full tiles are hashed again between two seals: 4,096 events, whatever the log has."""

MOST_EVENTS = 50_000
"""How many events one seal takes at most, so that a long log is sealed in bounded steps."""

PART = 250
"""How many events are hashed at a time: some milliseconds."""

Rest = Callable[[], object]
"""Lets others compute before the next part."""


class SealsDiverged(Exception):
    """The store is not the continuation of what was sealed; the message is a sentence."""


class SealingRefused(Exception):
    """Nothing can be sealed until a person mends something; the message is a sentence."""


@dataclass(frozen=True, slots=True)
class Seal:
    """A checkpoint and the signed note that it stands in."""

    checkpoint: Checkpoint
    note: str


class SealLog(Protocol):
    """The store's side: its events, and the seals and tiles beside them."""

    def head(self) -> int:
        """Return the last position."""

    def last(self) -> Seal | None:
        """Return the latest seal of the store's epoch."""

    def leaves(self, after: int, until: int) -> list[bytes]:
        """Return the leaf hashes of the events behind a position, up to another."""

    def roots(self, level: int, first: int, count: int) -> list[bytes]:
        """Return stored roots of consecutive full tiles of a level."""

    def add(self, seal: Seal, tiles: Mapping[Tile, bytes], vkeys: Collection[str]) -> None:
        """Store a seal, the roots of what has become full, and its keys where they are new."""


class Memory(Protocol):
    """The last seal, kept where nobody who can write to the store can write."""

    def read(self) -> Seal | None:
        """Return it; raises `SealingRefused` where it cannot be understood."""

    def write(self, seal: Seal) -> None:
        """Replace it; when this returns, the new one is on the disk."""


class Signer(Protocol):
    """The keys of the log."""

    def sign(self, checkpoint: Checkpoint) -> str:
        """Return the signed note; raises `SealingRefused`."""

    def signed_by(self, note: str) -> Sequence[str]:
        """Return which of the own keys have signed; raises `SealingRefused` where none has."""


@dataclass(frozen=True, slots=True)
class Grown:
    """A tree as it is at a size, and the roots of the tiles that have become full on the way."""

    size: int
    root: bytes
    tree: Tiles
    tiles: Mapping[Tile, bytes]


def grown(log: SealLog, old: int, new: int, rest: Rest | None = None) -> Grown:
    """Return the tree at a new size, reading only what is behind the last full tiles of the old.

    Of each level those are 255 hashes at most, however long the log is. `rest` is called after
    each part of the events. Raises `SealsDiverged` where something is missing.
    """
    begin = old - old % WIDTH
    leaves: list[bytes] = []
    for after in range(begin, new, PART):
        leaves += log.leaves(after, min(new, after + PART))
        if rest is not None:
            rest()
    _require_all(leaves, new - begin, "events", new)
    roots: dict[Tile, bytes] = {}

    def load(tile: Tile) -> Sequence[bytes]:
        level, number = tile
        first = number * WIDTH
        if level == 0 and first >= begin:
            return leaves[first - begin : first - begin + WIDTH]
        if level == 0:
            # Only a proof from an older seal than the last one leads here.
            return log.leaves(first, first + WIDTH)
        shift = BITS * level
        known = max(0, min(WIDTH, (old >> shift) - first))
        stored = log.roots(level - 1, first, known) if known else []
        _require_all(stored, known, "roots of tiles", old)
        fresh = range(first + known, min(first + WIDTH, new >> shift))
        return [*stored, *(roots[level - 1, each] for each in fresh)]

    tree = Tiles(load)
    for tile in filled(old, new):
        roots[tile] = tile_root(tree.hashes(tile))
    return Grown(new, root(new, tree.subtree), tree, roots)


class Sealing:
    """Seals one log. A seal is remembered outside the store before the store is given it.

    So whatever moment the process ends at, the next one finds the last seal that anybody may have
    seen, and signs nothing beside it.
    """

    def __init__(
        self,
        log: SealLog,
        memory: Memory,
        signer: Signer,
        origin: str,
        most_events: int = MOST_EVENTS,
        look_back_from: int = 0,
        rest: Rest | None = None,
    ) -> None:
        """Take the store, what is remembered outside of it, the keys, and the log's name.

        `look_back_from` is the tile with which looking back begins, so that it comes everywhere
        although processes end. `rest` is called between parts of what is hashed, as long as one
        seal has all that is new.
        """
        self._log = log
        self._memory = memory
        self._signer = signer
        self._origin = origin
        self._most_events = most_events
        self._last: Seal | None = None
        self._behind = False
        self._looked_back = look_back_from
        self._rest = rest

    @property
    def behind(self) -> bool:
        """Whether the last step left new events for the next one, which need not wait."""
        return self._behind

    @property
    def last(self) -> Seal | None:
        """Return the latest seal, which store and memory both have."""
        return self._last

    def begin(self) -> None:
        """Bring store and memory together, and check that the store's log leads to both.

        Raises `SealsDiverged` and `SealingRefused`.
        """
        stored, remembered = self._log.last(), self._memory.read()
        for seal in (stored, remembered):
            if seal is not None:
                self._require_own(seal)
        if remembered is not None and _size(remembered) > _size(stored):
            self._finish(stored, remembered)
        elif stored is not None:
            self._check(stored, remembered)
            if remembered != stored:
                self._memory.write(stored)
            self._last = stored

    def step(self) -> Seal | None:
        """Seal what is new, a bounded part of it; return the seal, or none when nothing is new.

        Raises `SealsDiverged` and `SealingRefused`.
        """
        old, head = _size(self._last), self._log.head()
        _require_head(head, old)
        new = min(head, old + self._most_events)
        self._behind = new < head
        if new == old:
            return None
        tree = grown(self._log, old, new, None if self._behind else self._rest)
        if self._last is not None:
            _require_growth(tree, self._last.checkpoint, tree.root)
        checkpoint = Checkpoint(self._origin, new, tree.root)
        seal = Seal(checkpoint, self._signer.sign(checkpoint))
        self._memory.write(seal)
        self._publish(seal, tree)
        return seal

    def look_back(self, count: int = TILES_LOOKED_BACK) -> None:
        """Hash the events of some full tiles again, others each time, and compare their roots.

        A seal reads nothing that is below a full tile, so this is how the process notices what was
        changed there. Raises `SealsDiverged`.
        """
        full = _size(self._last) // WIDTH
        for _ in range(min(count, full)):
            number = self._looked_back % full
            self._looked_back += 1
            first = number * WIDTH
            leaves = self._log.leaves(first, first + WIDTH)
            _require_all(leaves, WIDTH, "events", first + WIDTH)
            if self._log.roots(0, number, 1) != [tile_root(leaves)]:
                raise SealsDiverged(
                    f"What the store has from position {first + 1} to {first + WIDTH} is not what"
                    " was sealed: ./falcon replay verify tells more."
                )
            if self._rest is not None:
                self._rest()

    def _finish(self, stored: Seal | None, remembered: Seal) -> None:
        """Give the store a seal that was remembered when the process ended."""
        old, new = _size(stored), _size(remembered)
        _require_head(self._log.head(), new)
        tree = grown(self._log, old, new)
        if stored is not None:
            _require_growth(tree, stored.checkpoint, tree.root)
        _require_growth(tree, remembered.checkpoint, tree.root)
        self._publish(remembered, tree)

    def _check(self, stored: Seal, remembered: Seal | None) -> None:
        size = _size(stored)
        _require_head(self._log.head(), size)
        tree = grown(self._log, size, size)
        for seal in filter(None, (stored, remembered)):
            _require_growth(tree, seal.checkpoint, tree.root)

    def _publish(self, seal: Seal, tree: Grown) -> None:
        self._log.add(seal, tree.tiles, self._signer.signed_by(seal.note))
        self._last = seal

    def _require_own(self, seal: Seal) -> None:
        if seal.checkpoint.origin != self._origin:
            raise SealingRefused(
                f"The seals of this ledger are those of the log {seal.checkpoint.origin} and"
                f" FALCONPAY_SEAL_ORIGIN makes it {self._origin}: set it back, since another name"
                " is another log."
            )
        self._signer.signed_by(seal.note)


def _size(seal: Seal | None) -> int:
    return 0 if seal is None else seal.checkpoint.size


def _require_head(head: int, size: int) -> None:
    if head < size:
        raise SealsDiverged(
            f"The store ends at position {head} and was sealed up to position {size}."
        )


def _require_all(found: Sequence[bytes], wanted: int, what: str, size: int) -> None:
    if len(found) != wanted:
        raise SealsDiverged(
            f"The store lacks {wanted - len(found)} {what} at or before position {size}: ./falcon"
            " replay verify tells more."
        )


def _require_growth(tree: Grown, old: Checkpoint, new_root: bytes) -> None:
    """Show by a consistency proof that a sealed tree is the beginning of a new one."""
    path = proof(consistency_spans(old.size, tree.size), tree.tree.subtree)
    try:
        verify_consistency(old.size, tree.size, old.root, new_root, path)
    except ProofInvalid:
        raise SealsDiverged(
            f"The store's log is not the one that was sealed up to position {old.size}: ./falcon"
            " replay verify tells more."
        ) from None
