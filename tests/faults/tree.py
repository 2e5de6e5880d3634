"""The tree above a log, written down a second time from RFC 9162 and the contract."""

import hashlib
import json
from base64 import b64encode
from datetime import UTC

from tests.faults.book import Row
from tests.faults.names import PREFIXES, identifier

BITS = 8
"""A full tile has 256 hashes of one level."""


class Tree:
    """Grows by one leaf after another, and keeps the complete subtrees, the largest first."""

    def __init__(self) -> None:
        """Begin with no leaf."""
        self.size = 0
        self._complete: list[tuple[int, bytes]] = []

    def add(self, leaf: bytes) -> list[tuple[int, int, bytes]]:
        """Add a leaf's hash; return level, number and root of the tiles that become full by it."""
        self.size += 1
        level, full = 0, leaf
        tiles: list[tuple[int, int, bytes]] = []
        while self._complete and self._complete[-1][0] == level:
            level, full = level + 1, _node(self._complete.pop()[1], full)
            if level % BITS == 0:
                tiles.append((level // BITS - 1, (self.size >> level) - 1, full))
        self._complete.append((level, full))
        return tiles

    def root(self) -> bytes:
        """Return the hash above all leaves, of which there is one at least (section 2.1.1)."""
        *larger, (_, found) = self._complete
        for _, left in reversed(larger):
            found = _node(left, found)
        return found


def leaf_of(row: Row) -> bytes:
    """Return the hash of an event's canonical JSON (RFC 8785), as the contract has its fields."""
    position, stream, version, topic, state, metadata, recorded_at = row
    entry = {
        "data": b64encode(state).decode(),
        "metadata": b64encode(metadata).decode(),
        "position": position,
        "recorded_at": recorded_at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
        "stream_id": identifier(PREFIXES[topic.split(".")[0]], stream),
        "type": topic,
        "version": version,
    }
    text = json.dumps(entry, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(b"\0" + text.encode()).digest()


def _node(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(b"\1" + left + right).digest()
