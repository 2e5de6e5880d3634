"""The tree is that of RFC 6962 and RFC 9162: their own examples, and the vectors that all use."""

import hashlib
from collections import Counter

import pytest

from domain.leaves import leaf_hash
from domain.merkle import (
    EMPTY_ROOT,
    ProofInvalid,
    Span,
    consistency_spans,
    inclusion_spans,
    outer_spans,
    proof,
    root,
    root_around,
    verify_consistency,
    verify_inclusion,
)
from domain.tiles import filled, width
from tests.naive_tree import subtree_of

ENTRIES = [
    bytes.fromhex(text)
    for text in ("", "00", "10", "2021", "3031", "40414243", "5051525354555657",
                 "606162636465666768696a6b6c6d6e6f")
]  # fmt: skip
"""The entries of the tests of Certificate Transparency, which every implementation knows."""

ROOTS = (
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
)
INCLUSION = {
    (0, 8): [
        "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
    ],
    (5, 8): [
        "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
        "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    ],
    (2, 3): ["fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"],
    (0, 1): [],
}
CONSISTENCY = {
    (1, 1): [],
    (6, 8): [
        "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
        "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    ],
    (2, 5): [
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
    ],
    (6, 7): [
        "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
        "b08693ec2e721597130641e8211e7eedccb4c26413963eee6c1e2ed16ffb1a5f",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    ],
}
LEAVES = [leaf_hash(entry) for entry in ENTRIES]
SUBTREE = subtree_of(LEAVES)

# The example of RFC 6962, section 2.1.3: a tree of 7 leaves whose nodes have letters.
NODES: dict[str, Span] = {
    "b": (1, 2), "c": (2, 3), "d": (3, 4), "f": (5, 6), "g": (0, 2), "h": (2, 4), "i": (4, 6),
    "j": (6, 7), "k": (0, 4), "l": (4, 7),
}  # fmt: skip
PATHS = {0: "bhl", 3: "cgl", 4: "fjk", 6: "ik"}
GROWTH = {3: "cdgl", 4: "l", 6: "ijk"}


def test_roots_are_those_of_the_vectors() -> None:
    """Of every size, the empty tree among them."""
    assert [root(size, SUBTREE).hex() for size in range(9)] == list(ROOTS)
    assert hashlib.sha256(b"").digest() == EMPTY_ROOT


@pytest.mark.parametrize(("index", "size"), INCLUSION)
def test_inclusion_proofs_are_those_of_the_vectors(index: int, size: int) -> None:
    """A proof is the hashes beside the way from the leaf to the root, from below."""
    path = proof(inclusion_spans(index, size), SUBTREE)
    assert [each.hex() for each in path] == INCLUSION[index, size]
    verify_inclusion(index, size, LEAVES[index], path, bytes.fromhex(ROOTS[size]))


@pytest.mark.parametrize(("old", "new"), CONSISTENCY)
def test_consistency_proofs_are_those_of_the_vectors(old: int, new: int) -> None:
    """A proof leads from one root to another."""
    path = proof(consistency_spans(old, new), SUBTREE)
    assert [each.hex() for each in path] == CONSISTENCY[old, new]
    roots = (bytes.fromhex(ROOTS[old]), bytes.fromhex(ROOTS[new]))
    verify_consistency(old, new, *roots, path)


def test_the_nodes_of_a_proof_are_those_of_the_example_of_rfc_6962() -> None:
    """Which nodes prove what, by their letters in the standard."""
    for index, letters in PATHS.items():
        assert inclusion_spans(index, 7) == [NODES[letter] for letter in letters]
    for old, letters in GROWTH.items():
        assert consistency_spans(old, 7) == [NODES[letter] for letter in letters]


def test_tiles_are_those_of_the_example_of_tlog_tiles() -> None:
    """A tree of 70,000 has 273 full tiles and one of 112 hashes, and so on; one of 256 has two."""
    assert Counter(level for level, _ in filled(0, 70_000)) == {0: 273, 1: 1}
    partial = {(0, 273): 112, (0, 274): 0, (1, 1): 17, (2, 0): 1}
    assert {tile: width(tile, 70_000) for tile in partial} == partial
    assert list(filled(0, 256)) == [(0, 0)]
    assert (width((0, 0), 256), width((1, 0), 256)) == (256, 1)


@pytest.mark.parametrize(("index", "size"), [(-1, 3), (3, 3), (0, 0)])
def test_there_is_no_proof_of_a_leaf_that_is_not_there(index: int, size: int) -> None:
    """Neither made nor believed."""
    with pytest.raises(ValueError, match="no leaf"):
        inclusion_spans(index, size)
    with pytest.raises(ProofInvalid):
        verify_inclusion(index, size, LEAVES[0], [], LEAVES[0])


@pytest.mark.parametrize(("old", "new"), [(0, 3), (4, 3), (-1, 3)])
def test_nothing_leads_from_an_empty_or_a_larger_tree(old: int, new: int) -> None:
    """A consistency proof begins at 1 or more."""
    with pytest.raises(ValueError, match="nothing leads"):
        consistency_spans(old, new)
    with pytest.raises(ProofInvalid):
        verify_consistency(old, new, EMPTY_ROOT, bytes.fromhex(ROOTS[3]), [])


def test_a_node_does_not_pass_for_a_leaf() -> None:
    """Leaves and nodes are hashed differently, so that nobody shows a node as an entry."""
    left, right = LEAVES[:2]
    assert leaf_hash(left + right) != root(2, SUBTREE)


@pytest.mark.parametrize("size", range(1, 20))
def test_a_part_and_what_lies_beside_it_give_the_root(size: int) -> None:
    """Every part of every small tree; one hash too few or another leaf do not."""
    leaves = [leaf_hash(bytes([number])) for number in range(size)]
    subtree = subtree_of(leaves)
    for begin in range(size):
        for end in range(begin + 1, size + 1):
            beside = proof(outer_spans((begin, end), size), subtree)
            part = leaves[begin:end]
            found = root_around((begin, end), size, iter(part), iter(beside))
            assert found == root(size, subtree)
            others = [*part[:-1], EMPTY_ROOT]
            assert root_around((begin, end), size, iter(others), iter(beside)) != found
            with pytest.raises(ProofInvalid):
                root_around((begin, end), size, iter(part[:-1]), iter(beside))
