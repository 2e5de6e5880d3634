"""How a log is called, where its seals go, and that its keys are changed where they come from."""

from dataclasses import replace
from pathlib import Path

import pytest

from infrastructure.databases.ledgers import of_ledger
from infrastructure.seals.anchor_choice import KINDS, chosen_anchors
from infrastructure.seals.keys import SealKeys
from infrastructure.seals.origin import seal_origin
from infrastructure.secrets import SecretFixed
from infrastructure.settings import SettingInvalid, Settings, read_settings


def settings(home: Path, **given: str) -> Settings:
    names = {f"FALCONPAY_{name}": text for name, text in given.items()}
    return read_settings({"FALCONPAY_HOME": str(home), **names})


ORIGINS = [
    ({}, "main", 1, "falconpay/main"),
    ({}, "north", 1, "falconpay/north"),
    ({}, "north", 3, "falconpay/north/3"),
    ({"SEAL_ORIGIN": "example.com/LEDGER/log"}, "north", 1, "example.com/north/log"),
    ({"SEAL_ORIGIN": "example.com/log"}, "main", 2, "example.com/log/2"),
    ({"SEAL_ORIGIN": "example.com/log"}, "north", 1, "example.com/log/north"),
    ({"SEAL_ORIGIN": "example.com/log", "LEDGER": "north"}, "north", 1, "example.com/log"),
]


@pytest.mark.parametrize(("given", "ledger", "epoch", "origin"), ORIGINS)
def test_every_log_has_a_name_of_its_own(
    tmp_path: Path, given: dict[str, str], ledger: str, epoch: int, origin: str
) -> None:
    """By ledger and epoch, also where the setting does not say where the ledger's name goes."""
    assert seal_origin(of_ledger(settings(tmp_path, **given), ledger), epoch) == origin


@pytest.mark.parametrize("text", ["a b", "a+b", "/a", "a//b", "a/", "..", "a\nb", "é", "x" * 201])
def test_a_name_that_no_key_may_bear_is_refused(tmp_path: Path, text: str) -> None:
    """No spaces and no plus (C2SP), and nothing that is no file's name."""
    with pytest.raises(SettingInvalid, match="FALCONPAY_SEAL_ORIGIN"):
        settings(tmp_path, SEAL_ORIGIN=text)


@pytest.mark.parametrize("text", ["0", "86401", "-1", "1.5", "often"])
def test_an_interval_is_a_number_of_seconds(tmp_path: Path, text: str) -> None:
    with pytest.raises(SettingInvalid, match="FALCONPAY_SEAL_INTERVAL"):
        settings(tmp_path, SEAL_INTERVAL=text)


def test_anchors_are_named_by_kind_and_place(tmp_path: Path) -> None:
    """Each kind that a setting may name is one that can be made."""
    text = f"file:{tmp_path}, git:{tmp_path},rfc3161:http://127.0.0.1:1/tsa"
    found = chosen_anchors(settings(tmp_path, SEAL_ANCHORS=text))
    assert [anchor.kind for anchor in found] == list(KINDS)
    for wrong in ("file", "disk:/x", "file:", "git: /x y"):
        with pytest.raises(SettingInvalid, match="FALCONPAY_SEAL_ANCHORS"):
            settings(tmp_path, SEAL_ANCHORS=wrong)


def test_keys_from_the_environment_are_changed_there(tmp_path: Path) -> None:
    """And are those that sign, whatever the home holds."""
    SealKeys(tmp_path, {}).read_or_create()
    secret = (tmp_path / "secrets" / "seal_keys").read_text()
    elsewhere = replace(settings(tmp_path), home=tmp_path / "elsewhere")
    keys = SealKeys(elsewhere.home, {"FALCONPAY_SECRET_SEAL_KEYS": secret})
    assert len(keys.read_or_create()) == 1
    with pytest.raises(SecretFixed):
        keys.rotate()
    assert not (elsewhere.home / "secrets").exists()


def test_a_rotation_keeps_the_keys_of_before(tmp_path: Path) -> None:
    """In a file that its owner alone can read."""
    keys = SealKeys(tmp_path, {})
    (first,) = keys.read_or_create()
    public = keys.rotate()
    old, new = keys.read()
    assert old.private_bytes_raw() == first.private_bytes_raw()
    assert new.public_key().public_bytes_raw() == public
    assert (tmp_path / "secrets" / "seal_keys").stat().st_mode & 0o777 == 0o600
