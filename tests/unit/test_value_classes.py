"""Dataclasses that are frozen to the type checker alone behave as frozen ones otherwise."""

import dataclasses
import subprocess
import sys
from pathlib import Path

import pytest

from domain.values import dataclass
from tests.tools.tiny_clone import ROOT


@dataclass(frozen=True, slots=True, kw_only=True)
class Ours:
    """A pair as our classes are made."""

    name: str
    number: int = 0


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Frozen:
    """The same pair, frozen at run time, too."""

    name: str
    number: int = 0


def test_what_is_equal_is_one_key() -> None:
    """They compare and hash by their fields, as a frozen dataclass does."""
    assert Ours(name="a") == Ours(name="a", number=0) != Ours(name="b")
    assert hash(Ours(name="a", number=7)) == hash(Frozen(name="a", number=7))
    assert len({Ours(name="a"), Ours(name="a"), Ours(name="b")}) == 2


def test_they_have_no_room_for_more() -> None:
    """They have slots, and take their fields by name where that is asked for."""
    assert not hasattr(Ours(name="a"), "__dict__")
    with pytest.raises(TypeError):
        Ours("a")  # type: ignore[call-arg]  # refused, as is to be seen


CHANGES = """
from domain.wallets import Caller
caller = Caller("usr_1", "tests", operate=False)
caller.operate = True
"""


def test_the_type_checker_finds_a_change(tmp_path: Path) -> None:
    """Nothing but the check of types keeps a field as it is."""
    (tmp_path / "change.py").write_text(CHANGES)
    words = ["--config-file", str(ROOT / "pyproject.toml"), "--cache-dir", str(tmp_path / "cache")]
    done = subprocess.run(
        [sys.executable, "-m", "mypy", *words, str(tmp_path / "change.py")],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert 'Property "operate" defined in "Caller" is read-only' in done.stdout, done.stdout
    assert done.returncode == 1


def test_what_may_change_is_none_of_them() -> None:
    """A class that is not declared frozen could be hashed and then changed."""
    with pytest.raises(AssertionError):
        dataclass(frozen=False, slots=True)
