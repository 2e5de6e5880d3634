"""A log, its seals and what is remembered of them, in memory, for tests of how sealing goes on."""

import hashlib
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from application.sealing import Rest, Seal, Sealing
from domain.tiles import Tile
from infrastructure.seals.keys import SealKeys
from infrastructure.seals.signer import SealSigner

ORIGIN = "falconpay/tests"


class Killed(Exception):
    """The process has ended here."""


def leaf(position: int) -> bytes:
    """Return the leaf hash of the event that a test has at a position."""
    return hashlib.sha256(str(position).encode()).digest()


@dataclass
class SealedLog:
    """Keeps what the sealer's ports do to a store and to a file; it may end the process anywhere.

    `calls` counts what was read and `writes` what was written; `die_at` is the number of the write
    that is the last one, or comes too late.
    """

    leaf_hashes: list[bytes] = field(default_factory=list)
    seals: list[Seal] = field(default_factory=list)
    tiles: dict[Tile, bytes] = field(default_factory=dict)
    vkeys: list[str] = field(default_factory=list)
    remembered: Seal | None = None
    shown: list[Seal] = field(default_factory=list)
    rows_read: int = 0
    writes: int = 0
    die_at: int | None = None
    die_after: bool = False

    def grow(self, count: int) -> None:
        """Record some more events."""
        size = len(self.leaf_hashes)
        self.leaf_hashes += [leaf(position) for position in range(size + 1, size + count + 1)]

    def head(self) -> int:
        return len(self.leaf_hashes)

    def last(self) -> Seal | None:
        return self.seals[-1] if self.seals else None

    def keys(self) -> list[str]:
        return self.vkeys

    def leaves(self, after: int, until: int) -> list[bytes]:
        found = self.leaf_hashes[after:until]
        self.rows_read += len(found)
        return found

    def roots(self, level: int, first: int, count: int) -> list[bytes]:
        names = [(level, number) for number in range(first, first + count)]
        found = [self.tiles[name] for name in names if name in self.tiles]
        self.rows_read += len(found)
        return found

    def add(self, seal: Seal, tiles: Mapping[Tile, bytes], vkeys: Collection[str]) -> None:
        def write() -> None:
            assert not self.seals or seal.checkpoint.size > self.seals[-1].checkpoint.size
            assert not set(tiles) & set(self.tiles)
            self.seals.append(seal)
            self.shown.append(seal)
            self.tiles |= tiles
            self.vkeys += [vkey for vkey in vkeys if vkey not in self.vkeys]

        self._write(write)

    def read(self) -> Seal | None:
        return self.remembered

    def write(self, seal: Seal) -> None:
        def write() -> None:
            self.remembered = seal
            self.shown.append(seal)

        self._write(write)

    def _write(self, write: Callable[[], None]) -> None:
        self.writes += 1
        if self.writes == self.die_at and not self.die_after:
            raise Killed
        write()
        if self.writes == self.die_at:
            raise Killed

    def sealing(
        self,
        home: Path,
        origin: str = ORIGIN,
        most: int = 1_000,
        look_back_from: int = 0,
        rest: Rest | None = None,
    ) -> Sealing:
        """Return what a process that begins now seals with."""
        signer = SealSigner(SealKeys(home, {}), origin, self.keys)
        return Sealing(self, self, signer, origin, most, look_back_from, rest)

    def seal_all(self, home: Path, most: int = 1_000) -> Sequence[Seal]:
        """Seal as a process does that begins now, until nothing is new."""
        sealing = self.sealing(home, most=most)
        sealing.begin()
        while sealing.step() is not None:
            pass
        return self.seals


def sealed(log: SealedLog, home: Path, *sizes: int) -> SealedLog:
    """Seal a log at each of some sizes."""
    for size in sizes:
        log.grow(size - log.head())
        log.seal_all(home, most=1_000_000)
    return log
