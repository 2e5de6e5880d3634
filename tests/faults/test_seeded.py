"""Every protection is missed when it is taken away: patches that break the product on purpose.

Each file in `seeded/` takes one protection out, and names the promise and the test that must
then fail. Every run of the tests tries three of them, chosen by the commit, a long run all.
`FALCONPAY_SEEDED=NAME` chooses one.
"""

import hashlib
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PATCHES = Path(__file__).parent / "seeded"
PAGE = ROOT / "docs/explanation/seeded-faults.md"
SAMPLE = 3
SECONDS = 90


@dataclass(frozen=True)
class Seeded:
    """One patch with what it says of itself."""

    path: Path

    @property
    def name(self) -> str:
        return self.path.stem

    def told(self, what: str) -> str:
        match = re.search(rf"^{what}: (.+)$", self.path.read_text(), re.MULTILINE)
        assert match is not None, f"{self.path.name} does not say {what!r}"
        return match[1]

    @property
    def files(self) -> list[str]:
        return re.findall(r"^\+\+\+ b/(.+)$", self.path.read_text(), re.MULTILINE)


SEEDED = [Seeded(path) for path in sorted(PATCHES.glob("*.patch"))]


def sampled() -> set[str]:
    """Return the names of this commit's sample, or the one that is asked for."""
    asked = os.environ.get("FALCONPAY_SEEDED")
    if asked:
        return {asked}
    head = subprocess.run(
        ["git", "rev-parse", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    names = sorted(
        (seeded.name for seeded in SEEDED),
        key=lambda name: hashlib.sha256(f"{head.stdout}{name}".encode()).digest(),
    )
    return set(names[:SAMPLE])


def tree(folder: Path) -> Path:
    """Copy what git knows and would know, without what is ignored."""
    listed = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard", "-z"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    for name in filter(None, listed.stdout.split("\0")):
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, folder / name)
    if (ROOT / ".venv").exists():
        (folder / ".venv").symlink_to(ROOT / ".venv")
    return folder


@pytest.fixture(scope="module")
def copied(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give one copy of the tree, which each test leaves as it was."""
    return tree(tmp_path_factory.mktemp("seeded"))


@pytest.fixture
def broken(copied: Path, seeded: Seeded) -> Iterator[Path]:
    """Give the copy with the patch in it."""
    apply(seeded, copied)
    yield copied
    apply(seeded, copied, "--reverse")


def apply(seeded: Seeded, folder: Path, *options: str) -> None:
    done = subprocess.run(
        ["git", "apply", *options, str(seeded.path)],
        cwd=folder,
        # A repository around the copy would make git look for the files in there.
        env={**os.environ, "GIT_CEILING_DIRECTORIES": str(folder.parent)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, (
        f"{seeded.path.name} fits no more: make it again for what stands there now."
        f" {done.stderr.strip()}"
    )


def each(*, marked: bool) -> list[object]:
    chosen = sampled()
    return [
        pytest.param(
            seeded,
            id=seeded.name,
            marks=[pytest.mark.slow] if marked and seeded.name not in chosen else [],
        )
        for seeded in SEEDED
    ]


def test_there_are_enough() -> None:
    assert len(SEEDED) >= 20
    assert sampled() <= {seeded.name for seeded in SEEDED}


@pytest.mark.parametrize("seeded", each(marked=False))
def test_every_patch_fits_and_compiles(broken: Path, seeded: Seeded) -> None:
    """What a patch leaves is still a program; only its protection is gone."""
    assert seeded.told("Promise").endswith(".")
    assert (ROOT / seeded.told("Caught by").split("::")[0]).is_file()
    for name in seeded.files:
        if name.endswith(".py"):
            compile((broken / name).read_text(), name, "exec")


@pytest.mark.timeout(SECONDS + 90)
@pytest.mark.parametrize("seeded", each(marked=True))
def test_a_seeded_fault_is_found(broken: Path, seeded: Seeded) -> None:
    """The named test fails by itself, and nothing else stands in its way."""
    named = seeded.told("Caught by")
    done = subprocess.run(
        [
            *(sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider"),
            *(f"--timeout={SECONDS}", "--no-header", named),
        ],
        cwd=broken,
        env={name: text for name, text in os.environ.items() if name != "FALCONPAY_SEEDED"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert f"FAILED {named}" in done.stdout, (
        f"{seeded.name} survives {named}:\n{done.stdout[-3000:]}{done.stderr[-1000:]}"
    )
    assert "ERROR " not in done.stdout, done.stdout[-3000:]


def test_the_page_tells_all_of_them() -> None:
    """`python -m tests.faults.seeded_page` writes it."""
    from tests.faults.seeded_page import page

    assert PAGE.read_text() == page()
