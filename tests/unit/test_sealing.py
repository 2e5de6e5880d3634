"""A log is signed only as the continuation of what was signed, wherever a process may end."""

from itertools import count
from pathlib import Path

import pytest

from application.sealing import Seal, SealingRefused, SealsDiverged, grown
from domain.checkpoints import Checkpoint
from domain.merkle import root
from infrastructure.seals.keys import SealKeys
from infrastructure.seals.notes import parse_vkey, verified_by
from infrastructure.seals.signer import SealSigner
from tests.naive_tree import subtree_of, tree_hash
from tests.sealed_log import ORIGIN, Killed, SealedLog, leaf, sealed


@pytest.fixture
def log() -> SealedLog:
    return SealedLog()


def assert_one_history(log: SealedLog) -> None:
    """Fail unless every checkpoint that anybody may have seen is one of the log."""
    for seal in log.shown:
        size = seal.checkpoint.size
        assert seal.checkpoint.root == tree_hash(log.leaf_hashes[:size])
    by_size = {seal.checkpoint.size: seal.note for seal in log.shown}
    assert all(by_size[seal.checkpoint.size] == seal.note for seal in log.shown)


def test_nothing_is_sealed_before_there_is_something(log: SealedLog, tmp_path: Path) -> None:
    assert log.seal_all(tmp_path) == []
    assert log.writes == 0


def test_a_seal_says_how_far_the_log_has_come(log: SealedLog, tmp_path: Path) -> None:
    """Its root is that of the tree over all events, signed by the home's key."""
    sealed(log, tmp_path, 1, 300, 301, 70_000)
    assert [seal.checkpoint.size for seal in log.seals] == [1, 300, 301, 70_000]
    assert_one_history(log)
    assert log.remembered == log.seals[-1]
    assert (len(log.tiles), max(log.tiles)) == (273 + 1, (1, 0))
    (vkey,) = log.vkeys
    for seal in log.seals:
        assert verified_by(seal.note, [parse_vkey(vkey)])


def test_a_long_log_is_sealed_in_parts(log: SealedLog, tmp_path: Path) -> None:
    """So that a ledger that was never sealed needs no more memory than another."""
    log.grow(2_500)
    sealing = log.sealing(tmp_path, most=1_000)
    sealing.begin()
    behind = []
    while sealing.step() is not None:
        behind.append(sealing.behind)
    assert behind == [True, True, False]
    assert [seal.checkpoint.size for seal in log.seals] == [1_000, 2_000, 2_500]
    assert_one_history(log)


def test_others_compute_between_parts(log: SealedLog, tmp_path: Path) -> None:
    """Unless more is waiting than one seal takes; what has been sealed is looked at as politely."""
    rests: list[int] = []
    sealing = log.sealing(tmp_path, most=1_000, rest=lambda: rests.append(log.head()))
    log.grow(1_900)
    sealing.begin()
    sealing.step()
    assert (sealing.behind, rests) == (True, [])
    sealing.step()
    assert (sealing.behind, len(rests)) == (False, 5)
    sealing.look_back(3)
    assert len(rests) == 8
    assert_one_history(log)


class _Long(list[bytes]):
    """The leaf hashes of a long log, of which old ones must not be asked for."""

    def __init__(self, size: int) -> None:
        super().__init__()
        self.size = size

    def __len__(self) -> int:
        return self.size

    def __getitem__(self, wanted: slice) -> list[bytes]:  # type: ignore[override]  # slices alone
        assert wanted.start >= self.size - 2_000, "an old event was read again"
        return [leaf(number + 1) for number in range(wanted.start, min(wanted.stop, self.size))]


def long_log(home: Path, size: int) -> SealedLog:
    """Return a log that was sealed up to a size; what lies below its full tiles is not there."""
    log = SealedLog(leaf_hashes=_Long(size))
    for level, shift in ((0, 8), (1, 16)):
        log.tiles |= {(level, number): leaf(number) for number in range(size >> shift)}
    signer = SealSigner(SealKeys(home, {}), ORIGIN, log.keys)
    checkpoint = Checkpoint(ORIGIN, size, grown(log, size, size).root)
    log.remembered = Seal(checkpoint, signer.sign(checkpoint))
    log.seals, log.vkeys = [log.remembered], signer.signed_by(log.remembered.note)
    return log


def test_a_seal_costs_the_same_however_long_the_log_is(tmp_path: Path) -> None:
    """1,000 events after 5 million are read, and 255 hashes of each level beside them at most."""
    short, long = SealedLog(), long_log(tmp_path, 4_999_999)
    rows = []
    for log in (short, long):
        sealing = log.sealing(tmp_path)
        sealing.begin()
        log.rows_read = 0
        if log is short:
            log.grow(1_000)
        else:
            log.leaf_hashes = _Long(5_000_999)
        assert sealing.step() is not None
        rows.append(log.rows_read)
    assert rows[0] == 1_000
    assert rows[1] <= 1_000 + 3 * 255


@pytest.mark.parametrize("die_after", [False, True], ids=["before", "behind"])
def test_ended_at_any_write(tmp_path: Path, die_after: bool) -> None:
    """Whichever write a process ends at, the next one goes on, and no two seals disagree."""
    for die_at in count(1):
        log = SealedLog(die_at=die_at, die_after=die_after)
        died = False
        for size in (3, 256, 700):
            log.grow(size - log.head())
            try:
                log.seal_all(tmp_path)
            except Killed:
                died = True
                # More is recorded before the next process begins.
                log.grow(1)
                log.seal_all(tmp_path)
        assert_one_history(log)
        assert log.remembered == log.seals[-1]
        assert log.seals[-1].checkpoint.size == log.head()
        fresh = SealedLog(leaf_hashes=list(log.leaf_hashes))
        fresh.seal_all(tmp_path)
        assert log.tiles == fresh.tiles
        if not died:
            assert die_at == 1 + 2 * 3
            return


@pytest.mark.parametrize("die_after", [False, True], ids=["before", "behind"])
@pytest.mark.parametrize("die_at", [3, 4])
def test_a_seal_that_was_shown_is_not_forgotten(
    tmp_path: Path, die_at: int, die_after: bool
) -> None:
    """A process ends while it seals, then the store is restored to before and goes on otherwise.

    Whoever looked in between may have the seal, so nothing is signed beside it.
    """
    log = SealedLog(die_at=die_at, die_after=die_after)
    sealed(log, tmp_path, 3)
    before = (list(log.leaf_hashes), list(log.seals), dict(log.tiles))
    with pytest.raises(Killed):
        sealed(log, tmp_path, 5)
    shown = len(log.seals) == 2
    log.leaf_hashes, log.seals, log.tiles = before
    log.leaf_hashes += [leaf(0)] * 5
    if shown:
        with pytest.raises(SealsDiverged):
            log.seal_all(tmp_path)
    elif (die_at, die_after) == (3, False):
        assert len(log.seal_all(tmp_path)) == 2


def changed_event(log: SealedLog) -> None:
    log.leaf_hashes[-1] = leaf(0)


def lost_event(log: SealedLog) -> None:
    del log.leaf_hashes[-2]


def exchanged_events(log: SealedLog) -> None:
    log.leaf_hashes[-2:] = log.leaf_hashes[:-3:-1]


def changed_tile(log: SealedLog) -> None:
    log.tiles[0, 1] = leaf(0)


def lost_tile(log: SealedLog) -> None:
    del log.tiles[0, 0]


CHANGES = (changed_event, lost_event, exchanged_events, changed_tile, lost_tile)


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.__name__)
@pytest.mark.parametrize("more", [0, 1, 600])
def test_a_changed_past_is_not_sealed(
    log: SealedLog, tmp_path: Path, more: int, change: object
) -> None:
    """Neither by the process that sealed it nor by the next one, and nothing is written."""
    assert callable(change)
    sealed(log, tmp_path, 100, 600)
    running = log.sealing(tmp_path)
    running.begin()
    change(log)
    log.grow(more)
    written = log.writes
    if log.head() != 600:
        with pytest.raises(SealsDiverged):
            running.step()
    with pytest.raises(SealsDiverged):
        log.seal_all(tmp_path)
    assert log.writes == written


@pytest.mark.parametrize("begin", [0, 7])
def test_what_is_below_full_tiles_is_looked_at_again(tmp_path: Path, begin: int) -> None:
    """A part of it each time, in turn; so a change far back is found, though no seal reads it."""
    log = SealedLog()
    sealed(log, tmp_path, 5 * 256 + 9)
    sealing = log.sealing(tmp_path, look_back_from=begin)
    sealing.begin()
    log.rows_read = 0
    for _ in range(3):
        sealing.look_back(2)
    assert log.rows_read == 3 * 2 * (256 + 1)
    log.leaf_hashes[300] = leaf(0)
    with pytest.raises(SealsDiverged, match="from position 257 to 512 is not what was sealed"):
        sealing.look_back(5)
    del log.leaf_hashes[-300]
    with pytest.raises(SealsDiverged):
        sealing.look_back(5)


def test_a_restored_store_is_not_sealed(log: SealedLog, tmp_path: Path) -> None:
    """It forgets its last seal as well, but that is remembered elsewhere."""
    sealed(log, tmp_path, 100)
    copy = (list(log.leaf_hashes), list(log.seals), dict(log.tiles))
    sealed(log, tmp_path, 300)
    log.leaf_hashes, log.seals, log.tiles = copy
    with pytest.raises(SealsDiverged, match=r"ends at position 100 and was sealed .* 300"):
        log.seal_all(tmp_path)
    log.leaf_hashes += [leaf(0)] * 300
    with pytest.raises(SealsDiverged, match="not the one that was sealed"):
        log.seal_all(tmp_path)


def test_what_is_remembered_may_be_older_than_the_store(log: SealedLog, tmp_path: Path) -> None:
    """As after the file of the home was lost, or restored from a copy."""
    sealed(log, tmp_path, 100, 300)
    for remembered in (None, log.seals[0]):
        log.remembered = remembered
        sealed(log, tmp_path, log.head() + 1)
        assert log.remembered == log.seals[-1]
        assert_one_history(log)


def test_a_forged_seal_in_the_store_is_not_gone_on_from(log: SealedLog, tmp_path: Path) -> None:
    """Whoever can write to the database cannot sign."""
    sealed(log, tmp_path / "ours", 100)
    forger = SealedLog(leaf_hashes=[leaf(0)] * 200)
    forger.seal_all(tmp_path / "theirs")
    log.leaf_hashes, log.seals, log.tiles = forger.leaf_hashes, forger.seals, forger.tiles
    with pytest.raises(SealingRefused, match="not this home's"):
        log.seal_all(tmp_path / "ours")


def test_the_naive_tree_agrees() -> None:
    """What these tests compare with is the tree of the domain."""
    leaves = [leaf(position) for position in range(1, 301)]
    assert root(300, subtree_of(leaves)) == tree_hash(leaves)
