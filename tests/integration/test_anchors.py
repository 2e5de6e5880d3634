"""Seals come to other places, each by a program of others, and a place that fails stops nothing."""

import resource
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from application.anchoring import AnchorFailed
from application.sealing import Seal
from infrastructure.seals.anchor_file import FileAnchor
from infrastructure.seals.anchor_git import GitAnchor
from infrastructure.seals.anchor_timestamp import TimestampAnchor
from interfaces.supervisor.anchors import failing_anchors
from tests.fan_out import until
from tests.faults.roles import roles
from tests.sealed_ledger import Sealed, SealedLedger
from tests.sealed_log import SealedLog
from tests.servers import FreshDatabases
from tests.tools.absent_server import server_absent
from tests.tools.timestamp_authority import Authority


@pytest.fixture
def seals(tmp_path: Path) -> list[Seal]:
    """Give two seals of a log."""
    log = SealedLog()
    for _ in range(2):
        log.grow(3)
        log.seal_all(tmp_path / "home")
    return log.seals


@pytest.fixture
def authority(tmp_path: Path) -> Iterator[Authority]:
    if shutil.which("openssl") is None:
        server_absent("the program openssl is not there")
    started = Authority(tmp_path / "authority")
    yield started
    started.close()


def git(folder: Path, *words: str) -> str:
    done = subprocess.run(
        ["git", "-C", str(folder), *words], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_a_file_has_every_seal_once(tmp_path: Path, seals: list[Seal]) -> None:
    """Behind one another, however often the last one is given."""
    anchor = FileAnchor(tmp_path / "elsewhere")
    for seal in (seals[0], seals[0], seals[1], seals[1]):
        anchor.publish(seal)
    written = (tmp_path / "elsewhere" / "falconpay" / "tests.checkpoints").read_text()
    assert written == "".join(f"{seal.note}\n" for seal in seals)


def test_a_file_that_takes_a_part_of_a_seal_takes_none(tmp_path: Path, seals: list[Seal]) -> None:
    """As a disk does that is nearly full; what is there stays one that can be read."""
    folder = tmp_path / "elsewhere"
    FileAnchor(folder).publish(seals[0])
    file = folder / "falconpay" / "tests.checkpoints"
    whole = file.read_bytes()
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (len(whole) + 20, hard))
    try:
        with pytest.raises(AnchorFailed, match="make room"):
            FileAnchor(folder).publish(seals[1])
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert file.read_bytes() == whole
    FileAnchor(folder).publish(seals[1])
    assert file.read_text() == "".join(f"{seal.note}\n" for seal in seals)


def test_a_folder_that_takes_no_file(tmp_path: Path, seals: list[Seal]) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(AnchorFailed, match="takes no seals"):
        FileAnchor(tmp_path / "file").publish(seals[0])


def test_a_repository_has_a_commit_for_each_seal(tmp_path: Path, seals: list[Seal]) -> None:
    """Which is pushed, so that somebody else has it, too."""
    remote, folder = tmp_path / "remote.git", tmp_path / "repository"
    git(tmp_path, "init", "--quiet", "--bare", str(remote))
    git(tmp_path, "init", "--quiet", str(folder))
    git(folder, "remote", "add", "origin", str(remote))
    git(folder, "config", "push.autoSetupRemote", "true")
    anchor = GitAnchor(folder)
    for seal in (seals[0], seals[0], seals[1]):
        anchor.publish(seal)
    subjects = git(remote, "log", "--all", "--reverse", "--format=%s").splitlines()
    assert subjects == [f"falconpay/tests up to position {size}" for size in (3, 6)]
    shown = git(folder, "show", "HEAD:falconpay/tests.checkpoint")
    assert shown == seals[1].note


def test_what_is_no_repository(tmp_path: Path, seals: list[Seal]) -> None:
    with pytest.raises(AnchorFailed, match="git init"):
        GitAnchor(tmp_path).publish(seals[0])


def test_a_remote_that_is_away(tmp_path: Path, seals: list[Seal]) -> None:
    """The commit is there, and goes along with the next push."""
    folder, remote = tmp_path / "repository", tmp_path / "remote.git"
    git(tmp_path, "init", "--quiet", str(folder))
    git(folder, "remote", "add", "origin", str(remote))
    git(folder, "config", "push.autoSetupRemote", "true")
    with pytest.raises(AnchorFailed, match="git push failed"):
        GitAnchor(folder).publish(seals[0])
    git(tmp_path, "init", "--quiet", "--bare", str(remote))
    GitAnchor(folder).publish(seals[0])
    assert git(remote, "log", "--all", "--format=%s").count("\n") == 1


def test_a_time_stamp_is_one_for_openssl(
    tmp_path: Path, authority: Authority, seals: list[Seal]
) -> None:
    """The two files that are kept are what `openssl ts -verify` takes."""
    folder = tmp_path / "timestamps"
    anchor = TimestampAnchor(authority.url, folder, authority.root)
    for seal in (seals[0], seals[0], seals[1]):
        anchor.publish(seal)
    assert authority.asked == 2
    for seal in seals:
        name = f"falconpay-tests-{seal.checkpoint.size}"
        message, answer = folder / f"{name}.checkpoint", folder / f"{name}.tsr"
        assert message.read_text() == seal.note
        assert authority.verifies(message, answer)
        message.write_text(f"{seal.note} ")
        assert not authority.verifies(message, answer)


def test_a_time_stamp_of_a_stranger_is_not_kept(
    tmp_path: Path, authority: Authority, seals: list[Seal]
) -> None:
    """With the certificates of another authority, or an answer to another question."""
    stranger = Authority(tmp_path / "stranger")
    folder = tmp_path / "timestamps"
    with pytest.raises(AnchorFailed, match="not signed by a known authority"):
        TimestampAnchor(authority.url, folder, stranger.root).publish(seals[0])
    stranger.close()
    authority.failing = True
    with pytest.raises(AnchorFailed, match="something else"):
        TimestampAnchor(authority.url, folder, None).publish(seals[0])
    with pytest.raises(AnchorFailed, match="does not answer"):
        TimestampAnchor(stranger.url, folder, None).publish(seals[0])
    authority.failing = False
    with pytest.raises(AnchorFailed, match="no certificates"):
        TimestampAnchor(authority.url, folder, tmp_path / "absent").publish(seals[0])
    assert not folder.exists()


class Anchored(Sealed):
    """Databases whose sealer has anchors."""

    anchors = ""

    @property
    def environ(self) -> dict[str, str]:
        """The environment of such a process."""
        return {**super().environ, "FALCONPAY_SEAL_ANCHORS": Anchored.anchors}


def test_a_failing_anchor_stops_nothing(databases: FreshDatabases, tmp_path: Path) -> None:
    """Seals and other anchors go on, figures and status say which one fails, and it catches up."""
    world = SealedLedger(databases)
    Anchored.anchors = f"file:{tmp_path / 'good'},git:{tmp_path / 'bad'}"
    anchored = Anchored(databases.settings, databases.secrets, databases.admin)
    good = tmp_path / "good" / "falconpay" / "main.checkpoints"
    with roles(anchored, "sealer") as (sealer,):
        until(world.sealed_up_to(world.write(10)))
        last = world.write(10)
        until(world.sealed_up_to(last))
        until(lambda: good.exists() and good.read_text().endswith(f"{world.notes()[-1]}\n"))
        until(lambda: bool(failing_anchors(sealer.port)))
        (told,) = failing_anchors(sealer.port)
        assert "The anchor git of the ledger main fails; it has seals up to position 0" in told
        assert sealer.ready()
        page = httpx.get(f"http://127.0.0.1:{sealer.port}/metrics").text
        assert f'falconpay_anchor_size{{anchor="file",ledger="main"}} {float(last)}' in page
        git(tmp_path, "init", "--quiet", str(tmp_path / "bad"))
        until(lambda: not failing_anchors(sealer.port))
        assert sealer.terminate() == 0
    subject = git(tmp_path / "bad", "log", "-1", "--format=%s")
    assert subject == f"falconpay/main up to position {last}\n"
