"""Seeded faults: what each patch says of itself, and how it is tried on a copy of the tree."""

import hashlib
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

ROOT = Path(__file__).parents[2]
PATCHES = Path(__file__).parent / "seeded"
SAMPLE = 3
ASKED = os.environ.get("FALCONPAY_SEEDED")
SECONDS = 90
"""How long one named test may take; the longest takes a third of it."""


@dataclass(frozen=True)
class Seeded:
    """One patch with what it says of itself."""

    path: Path

    @property
    def name(self) -> str:
        return self.path.stem

    @property
    def promise(self) -> str:
        """What is broken by it, in one sentence."""
        return self._told("Promise")

    @property
    def caught_by(self) -> str:
        """The test that must fail, as pytest names it."""
        return self._told("Caught by")

    @property
    def ends_with(self) -> set[str]:
        """With which exceptions the test may end: an assertion, unless the patch names another."""
        named = re.search(r"^Ends with: (\w+)$", self.path.read_text(), re.MULTILINE)
        return {named[1]} if named else {"AssertionError", "Failed"}

    @property
    def file(self) -> str:
        """The one file that it changes."""
        (file,) = re.findall(r"^\+\+\+ b/(.+)$", self.path.read_text(), re.MULTILINE)
        return str(file)

    @property
    def line(self) -> int:
        """The line of that file where the patch begins."""
        match = re.search(r"^@@ -(\d+)", self.path.read_text(), re.MULTILINE)
        assert match is not None, f"{self.path.name} changes nothing"
        return int(match[1])

    def _told(self, what: str) -> str:
        match = re.search(rf"^{what}: (.+)$", self.path.read_text(), re.MULTILINE)
        assert match is not None, f"{self.path.name} does not say {what!r}"
        return match[1]

    def apply(self, folder: Path, *options: str) -> None:
        """Put the patch into a copy, or with `--reverse` take it out."""
        done = subprocess.run(
            ["git", "apply", *options, str(self.path)],
            cwd=folder,
            # A repository around the copy would make git look for the files in there.
            env={**os.environ, "GIT_CEILING_DIRECTORIES": str(folder.parent)},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, (
            f"{self.path.name} fits no more: make it again for what stands there now."
            f" {done.stderr.strip()}"
        )


SEEDED = [Seeded(path) for path in sorted(PATCHES.glob("*.patch"))]


def sampled() -> set[str]:
    """Return the names of this commit's sample, or the one that is asked for."""
    if ASKED is not None:
        return {ASKED}
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


@dataclass(frozen=True)
class Result:
    """How one test ended: `passed`, `skipped`, `error`, `timeout`, or with which exception."""

    test: str
    ended: str
    told: str


def run(folder: Path, *tests: str, seconds: int = SECONDS) -> list[Result]:
    """Run tests in a copy, each with so much time, and return how each ended."""
    report = folder / "seeded-report.xml"
    report.unlink(missing_ok=True)
    environ = {name: text for name, text in os.environ.items() if name != "FALCONPAY_SEEDED"}
    done = subprocess.run(
        [
            *(sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--no-header"),
            *(f"--timeout={seconds}", f"--junitxml={report}", *tests),
        ],
        cwd=folder,
        # Roles that a test starts are those of the copy, too.
        env={**environ, "PYTHONPATH": str(folder)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert report.exists(), done.stdout[-3000:] + done.stderr[-1000:]
    # The report is to be trusted: pytest has just written it.
    return [_result(case) for case in ElementTree.parse(report).getroot().iter("testcase")]


def _result(case: ElementTree.Element) -> Result:
    test = str(case.get("name"))
    for kind in ("error", "skipped", "failure"):
        found = case.find(kind)
        if found is None:
            continue
        told = found.get("message") or ""
        if kind != "failure":
            return Result(test, kind, told)
        if "from pytest-timeout" in told:
            return Result(test, "timeout", told)
        # The last line says where, and the name of what was raised there.
        last = (found.text or "").rstrip().rpartition("\n")[2]
        return Result(test, last.rpartition(": ")[2], told)
    return Result(test, "passed", "")
