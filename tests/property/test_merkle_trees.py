"""Roots, proofs and tiles agree with a tree written as the standard defines it."""

import hashlib
from collections.abc import Callable, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.merkle import (
    ProofInvalid,
    consistency_spans,
    inclusion_spans,
    proof,
    root,
    verify_consistency,
    verify_inclusion,
)
from domain.tiles import BITS, WIDTH, Tile, Tiles, filled, tile_root, tiles_of, width
from interfaces.cli import proof_check
from tests.naive_tree import growth, path, subtree_of, tree_hash

ALL_SIZES = 70
LARGEST = 1_500
LEAVES = [hashlib.sha256(str(number).encode()).digest() for number in range(LARGEST)]


def tiles_over(leaves: Sequence[bytes]) -> Tiles:
    """Return tiles as they are kept: leaf hashes below, the roots of full tiles above."""
    size = len(leaves)

    def load(tile: Tile) -> Sequence[bytes]:
        level, number = tile
        first = number * WIDTH
        if level == 0:
            return leaves[first : first + WIDTH]
        return [
            tile_root(load((level - 1, each)))
            for each in range(first, min(first + WIDTH, size >> BITS * level))
        ]

    return Tiles(load)


def test_every_proof_of_every_small_tree() -> None:
    """All sizes up to 70: the root, each leaf, and each older size; by both checkers."""
    for size in range(ALL_SIZES + 1):
        leaves = LEAVES[:size]
        subtree = subtree_of(leaves)
        top = tree_hash(leaves)
        assert root(size, subtree) == top
        for index in range(size):
            made = proof(inclusion_spans(index, size), subtree)
            assert made == path(index, leaves)
            verify_inclusion(index, size, leaves[index], made, top)
            assert proof_check.root_of(index, size, leaves[index], made) == top
        for old in range(1, size + 1):
            made = proof(consistency_spans(old, size), subtree)
            assert made == growth(old, leaves)
            verify_consistency(old, size, tree_hash(leaves[:old]), top, made)


@st.composite
def sizes(draw: st.DrawFn) -> tuple[int, int]:
    new = draw(st.integers(1, LARGEST))
    return draw(st.integers(1, new)), new


@given(sizes())
def test_larger_trees_in_tiles(pair: tuple[int, int]) -> None:
    """Whatever the size, tiles give the same root and the same proofs."""
    old, new = pair
    leaves = LEAVES[:new]
    tiles = tiles_over(leaves)
    top = tree_hash(leaves)
    assert root(new, tiles.subtree) == top
    assert proof(inclusion_spans(old - 1, new), tiles.subtree) == path(old - 1, leaves)
    grown = proof(consistency_spans(old, new), tiles.subtree)
    assert grown == growth(old, leaves)
    verify_consistency(old, new, tree_hash(leaves[:old]), top, grown)


@given(sizes())
def test_a_proof_needs_few_tiles(pair: tuple[int, int]) -> None:
    """Beside what is below the full tiles of the way nothing is read."""
    old, new = pair
    read: set[Tile] = set()
    whole = tiles_over(LEAVES[:new])

    def load(tile: Tile) -> Sequence[bytes]:
        read.add(tile)
        assert len(whole.hashes(tile)) == width(tile, new)
        return whole.hashes(tile)

    spans = [*inclusion_spans(old - 1, new), *consistency_spans(old, new)]
    proof(spans, Tiles(load).subtree)
    assert read == tiles_of(spans)
    levels = 1 + (new.bit_length() - 1) // BITS
    assert len(read) <= 3 * levels


@given(sizes())
def test_tiles_fill_once(pair: tuple[int, int]) -> None:
    """What has become full by one size does not again by the next."""
    old, new = pair
    assert sorted([*filled(0, old), *filled(old, new)]) == sorted(filled(0, new))


Believed = Callable[[list[bytes], int], None]


@given(sizes(), st.data())
def test_a_changed_proof_is_not_believed(pair: tuple[int, int], draw: st.DataObject) -> None:
    """One bit of any hash, one hash more or less, another place or size."""
    old, new = pair
    leaves = LEAVES[:new]
    subtree, top = subtree_of(leaves), tree_hash(leaves)
    before = tree_hash(leaves[:old])

    def stands(path: list[bytes], off: int) -> None:
        verify_inclusion(old - 1 + off, new, leaves[old - 1], path, top)

    def has_grown(path: list[bytes], off: int) -> None:
        verify_consistency(old + off, new, before, top, path)

    believed: list[tuple[list[bytes], Believed]] = [
        (proof(inclusion_spans(old - 1, new), subtree), stands),
        (proof(consistency_spans(old, new), subtree), has_grown),
    ]
    for hashes, believe in believed:
        wrong = draw.draw(st.sampled_from(["more", "place", *(["bit", "less"] if hashes else [])]))
        changed = list(hashes)
        if wrong == "more":
            changed.append(LEAVES[0])
        elif wrong != "place":
            where = draw.draw(st.integers(0, len(hashes) - 1))
            bit = bytes([changed[where][0] ^ 1]) + changed[where][1:]
            changed[where : where + 1] = [bit] if wrong == "bit" else []
        with pytest.raises(ProofInvalid):
            believe(changed, 1 if wrong == "place" else 0)
