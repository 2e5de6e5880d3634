"""A Merkle tree written as RFC 6962 defines it, by recursion: slow and plainly right."""

import hashlib
from collections.abc import Callable, Sequence

Hashes = Sequence[bytes]


def tree_hash(leaves: Hashes) -> bytes:
    """Return MTH of leaf hashes (RFC 6962, section 2.1)."""
    if not leaves:
        return hashlib.sha256(b"").digest()
    if len(leaves) == 1:
        return leaves[0]
    k = _split(len(leaves))
    return hashlib.sha256(b"\1" + tree_hash(leaves[:k]) + tree_hash(leaves[k:])).digest()


def path(m: int, leaves: Hashes) -> list[bytes]:
    """Return PATH(m, D[n]) (section 2.1.1)."""
    if len(leaves) == 1:
        return []
    k = _split(len(leaves))
    if m < k:
        return [*path(m, leaves[:k]), tree_hash(leaves[k:])]
    return [*path(m - k, leaves[k:]), tree_hash(leaves[:k])]


def growth(m: int, leaves: Hashes, whole: bool = True) -> list[bytes]:
    """Return SUBPROOF(m, D[n], whole) (section 2.1.2)."""
    if m == len(leaves):
        return [] if whole else [tree_hash(leaves)]
    k = _split(len(leaves))
    if m <= k:
        return [*growth(m, leaves[:k], whole), tree_hash(leaves[k:])]
    return [*growth(m - k, leaves[k:], False), tree_hash(leaves[:k])]


def subtree_of(leaves: Hashes) -> Callable[[int, int], bytes]:
    """Return what gives complete subtrees over some leaf hashes."""
    return lambda level, index: tree_hash(leaves[index << level : (index + 1) << level])


def _split(n: int) -> int:
    k = 1
    while 2 * k < n:
        k *= 2
    return k
