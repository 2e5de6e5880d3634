"""The Merkle tree of a ledger's log (RFC 6962, RFC 9162): roots, proofs, and what they prove."""

import hashlib
from collections.abc import Callable, Iterator, Sequence

Subtree = Callable[[int, int], bytes]
"""Gives the hash of a complete subtree: of the 2^level leaves from number index * 2^level on."""

Span = tuple[int, int]
"""The leaves below one node of a tree: from a number, included, to another, which is not."""

EMPTY_ROOT = hashlib.sha256().digest()


class ProofInvalid(ValueError):
    """A proof does not show what it is said to show."""


def node_hash(left: bytes, right: bytes) -> bytes:
    """Return the hash of a node: SHA-256 over a one byte and the hashes of its two sides."""
    return hashlib.sha256(b"\1" + left + right).digest()


def root(size: int, subtree: Subtree) -> bytes:
    """Return the root of the tree of the first `size` leaves (RFC 9162, section 2.1.1)."""
    return span_hash((0, size), subtree) if size else EMPTY_ROOT


def peaks(span: Span) -> list[tuple[int, int]]:
    """Return level and index of the complete subtrees that a node consists of, left to right."""
    begin, end = span
    found = []
    while begin < end:
        level = (end - begin).bit_length() - 1
        found.append((level, begin >> level))
        begin += 1 << level
    return found


def span_hash(span: Span, subtree: Subtree) -> bytes:
    """Return the hash of a node by the leaves that are below it."""
    hashes = [subtree(level, index) for level, index in peaks(span)]
    found = hashes.pop()
    while hashes:
        found = node_hash(hashes.pop(), found)
    return found


def inclusion_spans(index: int, size: int) -> list[Span]:
    """Return the nodes whose hashes prove a leaf's place, from the leaf up (section 2.1.3.1).

    Leaves are counted from 0. Raises `ValueError` where the tree has no such leaf.
    """
    if not 0 <= index < size:
        raise ValueError(f"a tree of {size} leaves has no leaf {index}")
    begin, end = 0, size
    spans: list[Span] = []
    while end - begin > 1:
        middle = _middle(begin, end)
        if index < middle:
            spans.append((middle, end))
            end = middle
        else:
            spans.append((begin, middle))
            begin = middle
    return spans[::-1]


def consistency_spans(old: int, new: int) -> list[Span]:
    """Return the nodes whose hashes prove that a tree has only grown (section 2.1.4.1).

    Raises `ValueError` unless the sizes are 1 <= old <= new.
    """
    if not 0 < old <= new:
        raise ValueError(f"nothing leads from a tree of {old} leaves to one of {new}")
    begin, end = 0, new
    spans: list[Span] = []
    while end != old:
        middle = _middle(begin, end)
        if old <= middle:
            spans.append((middle, end))
            end = middle
        else:
            spans.append((begin, middle))
            begin = middle
    # The old tree itself is known to whoever checks; a part of it is not.
    if begin:
        spans.append((begin, end))
    return spans[::-1]


def outer_spans(part: Span, size: int) -> list[Span]:
    """Return the nodes beside a part of a tree, left to right, that lead to the root with it.

    They are few: where a node lies within the part, or beside it, nothing below is needed.
    """

    def beside(begin: int, end: int) -> list[Span]:
        if end <= part[0] or begin >= part[1]:
            return [(begin, end)]
        if part[0] <= begin and end <= part[1]:
            return []
        middle = _middle(begin, end)
        return [*beside(begin, middle), *beside(middle, end)]

    return beside(0, size)


def proof(spans: Sequence[Span], subtree: Subtree) -> list[bytes]:
    """Return the hashes that a proof consists of."""
    return [span_hash(span, subtree) for span in spans]


def root_around(part: Span, size: int, leaves: Iterator[bytes], beside: Iterator[bytes]) -> bytes:
    """Return the root of a tree of which a part is known by its leaves, all else by `outer_spans`.

    Both are taken from left to right, one at a time; memory grows with the depth of the tree.
    Raises `ProofInvalid` where there are not enough of them.
    """

    def taken(hashes: Iterator[bytes]) -> bytes:
        found = next(hashes, None)
        if found is None:
            raise ProofInvalid("there are not enough hashes")
        return found

    def above(begin: int, end: int) -> bytes:
        if end <= part[0] or begin >= part[1]:
            return taken(beside)
        if end - begin == 1:
            return taken(leaves)
        middle = _middle(begin, end)
        left = above(begin, middle)
        return node_hash(left, above(middle, end))

    return above(0, size)


def verify_inclusion(
    index: int, size: int, leaf: bytes, path: Sequence[bytes], root_hash: bytes
) -> None:
    """Check that a leaf hash stands at its place in a tree (RFC 9162, section 2.1.3.2).

    Raises `ProofInvalid`.
    """
    place, last, found = index, size - 1, leaf
    if not 0 <= index < size:
        raise ProofInvalid("the tree has no such leaf")
    for each in path:
        if last == 0:
            raise ProofInvalid("the proof is too long")
        if place & 1 or place == last:
            found = node_hash(each, found)
            place, last = _to_the_turn(place, last)
        else:
            found = node_hash(found, each)
        place, last = place >> 1, last >> 1
    if last or found != root_hash:
        raise ProofInvalid("the proof leads to another root")


def verify_consistency(
    old: int, new: int, old_root: bytes, new_root: bytes, path: Sequence[bytes]
) -> None:
    """Check that a tree begins as an older one (RFC 9162, section 2.1.4.2).

    Raises `ProofInvalid`.
    """
    if not 0 < old <= new:
        raise ProofInvalid("nothing leads from the one size to the other")
    if old == new:
        if path or old_root != new_root:
            raise ProofInvalid("two trees of one size have different roots")
        return
    # A complete old tree is itself the first node.
    nodes = [old_root, *path] if old & (old - 1) == 0 else list(path)
    if not nodes:
        raise ProofInvalid("the proof is empty")
    place, last = old - 1, new - 1
    while place & 1:
        place, last = place >> 1, last >> 1
    older = newer = nodes[0]
    for each in nodes[1:]:
        if last == 0:
            raise ProofInvalid("the proof is too long")
        if place & 1 or place == last:
            older, newer = node_hash(each, older), node_hash(each, newer)
            place, last = _to_the_turn(place, last)
        else:
            newer = node_hash(newer, each)
        place, last = place >> 1, last >> 1
    if last or older != old_root or newer != new_root:
        raise ProofInvalid("the proof leads to another root")


def _middle(begin: int, end: int) -> int:
    """Return where a node of at least two leaves parts: behind the largest power of two."""
    return begin + (1 << ((end - begin - 1).bit_length() - 1))


def _to_the_turn(place: int, last: int) -> tuple[int, int]:
    """Go up the right edge of a tree to where it is next the right side of a node."""
    while place and not place & 1:
        place, last = place >> 1, last >> 1
    return place, last
