"""What only seals that lie elsewhere can tell, and what nobody can."""

import shutil
import subprocess
from pathlib import Path

import pytest

from domain.identifiers import StreamId, bits
from infrastructure.seals.anchor_file import FileAnchor
from infrastructure.seals.anchor_git import GitAnchor
from infrastructure.seals.memory import seal_of
from tests.books import falcon
from tests.tampered_book import Tampered


@pytest.fixture
def anchored(world: Tampered, tmp_path: Path) -> Path:
    """Give a folder in which the anchor `file` has kept every seal."""
    anchor = FileAnchor(tmp_path / "elsewhere")
    for (note,) in world.ask("SELECT checkpoint FROM seal ORDER BY size"):
        anchor.publish(seal_of(note))
    return tmp_path / "elsewhere"


def rewrite_everything(world: Tampered) -> int:
    """Make a payment one cent more, with all that follows and all that proves it.

    Whoever does this has the database, the home and the keys. Returns the payment's position.
    """
    position = world.of("lunch")[0]
    for each in range(position, position + 3):
        world.rewrite(each, '"amount":1234', '"amount":1235')
    for name, sign in (("ann", -1), ("shop", 1)):
        wallet = bits(StreamId(world.names.wallets[name]))
        world.do("UPDATE wallet_head SET posted = posted + %s, spent = spent + %s WHERE id = %s",
                 sign, 1 if sign < 0 else 0, wallet)  # fmt: skip
    world.build_read_models_anew()
    world.forget_seals()
    world.seal()
    return position


def test_the_sealers_own_checkpoint_tells(world: Tampered) -> None:
    """It lies in the home, so who has nothing but the database and the keys cannot change it."""
    kept = world.memory.read_text()
    rewrite_everything(world)
    world.memory.write_text(kept)
    assert world.told()[:2] == (1, [(1, "seals", "root")])


def test_without_an_anchor_everything_rewritten_passes(world: Tampered) -> None:
    """Nobody can tell: database, home and keys agree. This is what anchors are for."""
    rewrite_everything(world)
    assert world.told() == (0, [], "")


def test_an_anchors_file_tells(world: Tampered, anchored: Path) -> None:
    """Given to the command, it shows that up to its first seal something is not as it was."""
    file = anchored / "falconpay" / "main.checkpoints"
    assert world.told("--anchor", file)[:2] == (0, [])
    done = falcon(world.databases, "replay", "verify", "--anchor", file)
    assert f"{len(world.sizes)} seals, {len(world.sizes)} kept elsewhere" in done.stdout
    rewrite_everything(world)
    code, places, said = world.told("--anchor", file)
    assert (code, places) == (1, [(1, "seals", "root")])
    assert f"Position 1 to {world.sizes[0]}, seals, seal: root" in said
    assert world.told("--from-seal", "--anchor", anchored)[0] == 1


def test_an_anchor_of_the_settings_is_asked_by_itself(world: Tampered, anchored: Path) -> None:
    """Where the folder is on this machine no option is needed."""
    anchors = {"FALCONPAY_SEAL_ANCHORS": f"file:{anchored}"}
    assert world.told(**anchors)[:2] == (0, [])
    rewrite_everything(world)
    assert world.told(**anchors)[:2] == (1, [(1, "seals", "root")])


def test_an_anchors_repository_tells(world: Tampered, tmp_path: Path) -> None:
    """A clone has the last seal, and its history those before."""
    origin, clone = tmp_path / "origin", tmp_path / "clone"
    subprocess.run(["git", "init", "--quiet", origin], check=True)
    for (note,) in world.ask("SELECT checkpoint FROM seal ORDER BY size"):
        GitAnchor(origin).publish(seal_of(note))
    subprocess.run(["git", "clone", "--quiet", origin, clone], check=True)
    shutil.rmtree(origin)
    assert world.told("--anchor", clone)[:2] == (0, [])
    rewrite_everything(world)
    assert world.told("--anchor", clone)[:2] == (1, [(1, "seals", "root")])


def test_a_tail_behind_the_stores_last_seal_is_missed(world: Tampered, anchored: Path) -> None:
    """Cut off with its seals, and the home's checkpoint gone: the anchor knows how far it went."""
    world.do("DELETE FROM events WHERE notification_id > %s", world.sizes[1])
    world.forget_seals()
    world.seal()
    _, places, _ = world.told("--anchor", anchored)
    assert (world.sizes[1] + 1, "seals", "events") in places


def test_what_was_never_sealed_can_be_rewritten(world: Tampered, anchored: Path) -> None:
    """Events behind the last seal, with all that follows from them: the interval bounds these."""
    last = world.sizes[-1]
    position = next(at for at in world.of("no. 3000") if at > last)
    for each in range(position, position + 3):
        world.rewrite(each, '"amount":1,', '"amount":2,')
    for name, sign in (("ann", -1), ("shop", 1)):
        wallet = bits(StreamId(world.names.wallets[name]))
        world.do("UPDATE wallet_head SET posted = posted + %s, spent = spent + %s WHERE id = %s",
                 sign, 1 if sign < 0 else 0, wallet)  # fmt: skip
    world.build_read_models_anew()
    assert world.told("--anchor", anchored) == (0, [], "")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("falconpay/other\n1\n", "holds something else than seals"),
        ("", "has no seal of the log falconpay/main"),
        (None, "cannot be read"),
    ],
)
def test_what_is_no_anchor_is_one_sentence(
    world: Tampered, tmp_path: Path, text: str | None, said: str
) -> None:
    """It ends with 2, whatever the ledger is."""
    file = tmp_path / "copy"
    if text is not None:
        file.write_text(text)
    code, _, told = world.told("--anchor", file)
    assert (code, len(told.splitlines()), said in told) == (2, 1, True)


def test_a_device_is_no_anchor(world: Tampered) -> None:
    """It may have no end, so it is not read at all."""
    code, _, told = world.told("--anchor", "/dev/zero")
    assert (code, told) == (2, "/dev/zero is no file: give one, or a folder.\n")
