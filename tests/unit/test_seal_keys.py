"""A log changes its key where both keys sign, and goes on with none but its own."""

from pathlib import Path

import pytest

from application.sealing import Seal, SealingRefused
from infrastructure.seals.keys import SealKeys
from infrastructure.seals.notes import parse_vkey, verified_by
from tests.sealed_log import Killed, SealedLog, sealed


@pytest.fixture
def log() -> SealedLog:
    return SealedLog()


def test_a_rotation_is_signed_by_both_keys(log: SealedLog, tmp_path: Path) -> None:
    """The seal at which the key changes bears both signatures, those behind it the new one's."""
    keys = SealKeys(tmp_path, {})
    sealed(log, tmp_path, 1, 2)
    keys.rotate()
    sealed(log, tmp_path, 3, 4)
    old, new = map(parse_vkey, log.vkeys)
    signers = [_signers(seal, log.vkeys) for seal in log.seals]
    assert signers == [[old.vkey], [old.vkey], [old.vkey, new.vkey], [new.vkey]]


def test_two_rotations_between_two_seals(log: SealedLog, tmp_path: Path) -> None:
    """Every key signs at least once, so each one leads to the next."""
    sealed(log, tmp_path, 1)
    for _ in range(2):
        SealKeys(tmp_path, {}).rotate()
    sealed(log, tmp_path, 2, 3)
    assert [len(_signers(seal, log.vkeys)) for seal in log.seals] == [1, 3, 1]


def test_a_process_ended_in_a_rotation(tmp_path: Path) -> None:
    """The remembered seal is given to the store as it is, with the keys that it bears."""
    log = SealedLog()
    sealed(log, tmp_path, 1)
    SealKeys(tmp_path, {}).rotate()
    log.die_at, log.die_after = log.writes + 1, True
    log.grow(1)
    with pytest.raises(Killed):
        log.seal_all(tmp_path)
    SealKeys(tmp_path, {}).rotate()
    sealed(log, tmp_path, 3)
    assert [len(_signers(seal, log.vkeys)) for seal in log.seals] == [1, 2, 2]
    assert len(log.vkeys) == 3


def test_without_the_keys_nothing_is_sealed(log: SealedLog, tmp_path: Path) -> None:
    """A new key cannot go on with a log of another one."""
    sealed(log, tmp_path / "home", 1)
    with pytest.raises(SealingRefused, match="seal_keys"):
        sealed(log, tmp_path / "another", 2)


def test_a_log_keeps_its_name(log: SealedLog, tmp_path: Path) -> None:
    """Another name is another log, so the setting is refused."""
    sealed(log, tmp_path, 1)
    with pytest.raises(SealingRefused, match="set it back"):
        log.sealing(tmp_path, origin="falconpay/other").begin()


def _signers(seal: Seal, vkeys: list[str]) -> list[str]:
    return [key.vkey for key in verified_by(seal.note, [parse_vkey(vkey) for vkey in vkeys])]
