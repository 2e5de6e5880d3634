"""The launcher works from nothing, says clearly what is missing, and never leaves half a start."""

import ast
import importlib.util
import os
import shutil
import socket
import subprocess
from collections.abc import Iterator
from importlib.machinery import SourceFileLoader
from pathlib import Path
from types import ModuleType

import pytest

from tests.tools.tiny_clone import ROOT, TinyClone, make_wheel


def load_launcher() -> ModuleType:
    loader = SourceFileLoader("falcon_launcher", str(ROOT / "falcon"))
    spec = importlib.util.spec_from_loader("falcon_launcher", loader)
    assert spec is not None
    module = importlib.util.module_from_spec(spec)
    loader.exec_module(module)
    return module


launcher = load_launcher()


@pytest.fixture
def fresh(tmp_path: Path) -> TinyClone:
    clone = TinyClone(tmp_path)
    clone.make()
    return clone


@pytest.fixture(scope="module")
def pattern(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a clone that is installed, once, for tests to copy."""
    folder = tmp_path_factory.mktemp("pattern")
    clone = TinyClone(folder)
    clone.make()
    assert clone.run("one") == (0, "1 ['one']\n", "Installed FalconPay's 1 packages.\n")
    return folder


@pytest.fixture
def installed(pattern: Path, tmp_path: Path) -> TinyClone:
    shutil.copytree(pattern, tmp_path, symlinks=True, dirs_exist_ok=True)
    return TinyClone(tmp_path)


@pytest.fixture
def silent_index() -> Iterator[socket.socket]:
    """Listen as an index that takes requests and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server


def index_at(port: int) -> dict[str, str]:
    return {"PIP_INDEX_URL": f"http://127.0.0.1:{port}/simple", "PIP_CONFIG_FILE": os.devnull}


def test_an_old_python_is_told_what_is_needed() -> None:
    """Only versions from 3.11 on pass; the message names both versions."""
    assert launcher.python_refusal((3, 11, 0)) is None
    assert launcher.python_refusal((4, 0, 0)) is None
    message = launcher.python_refusal((3, 10, 13))
    assert message.startswith("Python 3.11 or newer is needed, and this python3 is 3.10: install")


def test_an_old_python_can_read_the_launcher() -> None:
    """The file holds no syntax younger than Python 3.6, or the message would never be seen."""
    ast.parse((ROOT / "falcon").read_text(), feature_version=(3, 6))


def old_pythons() -> list[str]:
    named = [shutil.which(f"python3.{minor}") for minor in range(6, 11)]
    kept = Path.home().glob(".pyenv/versions/3.[6-9].*/bin/python3")
    return [*filter(None, named), *map(str, kept)]


def test_a_real_old_python_says_so_with_exit_code_3() -> None:
    """Run by an old interpreter the launcher ends with its message and no traceback."""
    for python in old_pythons():
        if subprocess.run([python, "--version"], check=False, capture_output=True).returncode == 0:
            done = subprocess.run(
                [python, ROOT / "falcon", "up"], check=False, capture_output=True, text=True
            )
            assert done.returncode == 3
            assert done.stderr.startswith("Python 3.11 or newer is needed")
            assert done.stderr.count("\n") == 1
            return
    pytest.skip("no Python older than 3.11 is installed here")


def test_a_python_without_venv_names_the_package() -> None:
    """Debian takes the module apart; the message names what to install there."""
    message = launcher.venv_message("ensurepip")
    assert "its module ensurepip" in message
    assert "sudo apt-get install python3-venv" in message


@pytest.mark.parametrize(
    ("output", "beginning"),
    [
        ("ERROR: [Errno 28] No space left on device\n", "The disk is full: make 2 GB free"),
        ("Could not install: Disk quota exceeded; Permission denied", "The disk is full"),
        ("ERROR: THESE PACKAGES DO NOT MATCH THE HASHES FROM", "A package is not the one"),
        ("Error: [Errno 13] Permission denied: '/clone/.venv'", "The folder /clone cannot be"),
        ("[Errno 30] Read-only file system: '/clone/.venv'", "The folder /clone cannot be"),
        (
            "WARNING: Retrying after connection broken by 'NewConnectionError'\n"
            "ERROR: No matching distribution found for tiny==1",
            "The package index cannot be reached",
        ),
        ("ReadTimeoutError: Read timed out.", "The package index cannot be reached"),
        (
            "ERROR: Could not find a version that satisfies the requirement tiny==1\n"
            "ERROR: No matching distribution found for tiny==1\n",
            "The package index has no tiny==1 for this machine",
        ),
        ("Segmentation fault", "FalconPay's packages could not be installed"),
    ],
)
def test_each_failure_has_its_sentence(output: str, beginning: str) -> None:
    """What pip prints is told in one sentence, the narrower cause first."""
    message = launcher.failure_message(output, "/clone")
    assert message.startswith(beginning)
    assert "\n" not in message


def test_arguments_and_exit_code_pass_through(installed: TinyClone) -> None:
    """An installed clone hands over at once, from any folder, and gives back the CLI's code."""
    assert installed.run("fail", "--flag", "a b") == (1, "1 ['fail', '--flag', 'a b']\n", "")


def test_a_changed_lock_is_installed(installed: TinyClone) -> None:
    """After an upgrade of the clone the next start brings the packages to the new lock."""
    installed.lock.write_text(make_wheel(installed.wheels, "2"))
    assert installed.run() == (0, "2 []\n", "Installed FalconPay's 1 packages.\n")


def test_an_interrupted_installation_is_made_anew(installed: TinyClone) -> None:
    """Half a package looks installed to pip, so a .venv that was left in the middle goes."""
    (installed.root / ".venv" / "falcon-stamp").write_text(launcher.INSTALLING)
    next((installed.root / ".venv").glob("lib/*/site-packages/tiny.py")).unlink()
    code, out, err = installed.run()
    assert (code, out) == (0, "1 []\n")
    assert err.startswith("Removing a virtual environment that is not whole.\n")


def test_no_network_is_told_and_mended_by_the_next_start(fresh: TinyClone) -> None:
    """A closed index ends with code 3 and the file of pip's output; later it simply goes on."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    code, out, err = fresh.run(pip=index_at(port))
    log = fresh.root / ".venv" / "falcon-install.log"
    assert (code, out) == (3, "")
    assert err.startswith("The package index cannot be reached: connect this machine")
    assert err.endswith(f"The whole output is in {log}.\n")
    assert "Connection refused" in log.read_text()
    assert fresh.run() == (0, "1 []\n", "Installed FalconPay's 1 packages.\n")


def test_a_package_that_was_exchanged_is_refused(installed: TinyClone) -> None:
    """A wheel that is not the one locked by hash is not installed."""
    make_wheel(installed.wheels, "2")
    installed.lock.write_text(f"tiny==2 --hash=sha256:{'0' * 64}\n")
    code, _, err = installed.run()
    assert code == 3
    assert err.startswith("A package is not the one that requirements.lock names")


def test_two_first_starts_install_once(fresh: TinyClone) -> None:
    """The second of two starts waits for the first and finds everything in place."""
    starts = [fresh.start("a"), fresh.start("b")]
    ends = [start.communicate(timeout=100) for start in starts]
    assert [start.returncode for start in starts] == [0, 0]
    assert [out for out, _ in ends] == ["1 ['a']\n", "1 ['b']\n"]
    assert sum(err.count("Installed") for _, err in ends) == 1
    assert sum(err.count("Another start is installing") for _, err in ends) == 1


def test_a_start_waits_for_the_orphan_of_a_killed_one(
    installed: TinyClone, silent_index: socket.socket
) -> None:
    """After kill -9 pip still runs: nobody takes .venv from under it."""
    installed.lock.write_text(make_wheel(installed.wheels, "2"))
    killed = installed.start(pip=index_at(silent_index.getsockname()[1]))
    connection, _ = silent_index.accept()
    killed.kill()
    killed.wait()
    second = installed.start()
    with connection, pytest.raises(subprocess.TimeoutExpired):
        second.communicate(timeout=1.5)
    silent_index.close()
    out, err = second.communicate(timeout=100)
    killed.communicate()
    assert out == "2 []\n"
    assert err.startswith("Another start is installing the packages")


def in_own_mounts(script: str) -> list[str]:
    """Return a command that runs another one after mounting something only it sees."""
    before = ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c"]
    command = [*before, f'set -e; {script}; exec "$@"', "sh"]
    tried = shutil.which("unshare") and subprocess.run([*command, "true"], check=False)
    if not tried or tried.returncode:
        pytest.skip("this machine gives no mounts of one's own (unshare --user --mount)")
    return command


def test_a_full_disk_is_told(fresh: TinyClone) -> None:
    """On a real full disk the start ends with code 3 and says how much is needed."""
    kept = fresh.root.rename(fresh.root.with_name("kept"))
    fresh.root.mkdir()
    script = f"mount -t tmpfs -o size=3m none '{fresh.root}'; cp -r '{kept}/.' '{fresh.root}'"
    code, _, err = fresh.run(before=in_own_mounts(script))
    assert code == 3
    assert err.startswith(f"The disk is full: make 2 GB free for {fresh.root}")


def test_a_folder_that_cannot_be_written_is_told(fresh: TinyClone) -> None:
    """On a real read-only mount the start ends with code 3 and the remedy."""
    script = f"mount --bind '{fresh.root}' '{fresh.root}'; mount -o remount,bind,ro '{fresh.root}'"
    code, _, err = fresh.run(before=in_own_mounts(script))
    assert code == 3
    assert err.startswith(f"The folder {fresh.root} cannot be written")
