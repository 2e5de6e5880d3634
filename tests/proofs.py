"""Checks files as an outsider does: in a Python of its own that sees nothing but cryptography."""

import json
import subprocess
import sys
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import cryptography

from tests.tools.tiny_clone import ROOT

CHECKER = ROOT / "interfaces" / "cli" / "proof_check.py"

ALONE = """
import sys
sys.path = [path for path in sys.path if "site-packages" not in path and path]
sys.path.append(sys.argv.pop(1))
import runpy
runpy.run_path(sys.argv.pop(1), run_name="__main__")
"""
"""Runs a file in an interpreter whose only packages are those in one folder."""


@dataclass(frozen=True, slots=True)
class Checked:
    """How the checker ended, and what it said."""

    code: int
    said: dict[str, Any]


@cache
def _packages(folder: Path) -> Path:
    """Make a folder with cryptography and what it needs, and nothing else."""
    site = Path(cryptography.__file__).parents[1]
    for name in ("cryptography", "cffi", "_cffi_backend*", "pycparser", "typing_extensions.py"):
        for path in site.glob(name):
            (folder / path.name).symlink_to(path)
    return folder


def check(file: Path, packages: Path, *options: str) -> Checked:
    """Check a file; `packages` is an empty folder of the test session."""
    packages.mkdir(parents=True, exist_ok=True)
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", ALONE, str(_packages(packages)), str(CHECKER),
         str(file), "--json", *options],
        capture_output=True,
        text=True,
        env={},
        cwd=file.parent,
        check=False,
    )  # fmt: skip
    assert "Traceback" not in done.stderr, done.stderr
    return Checked(done.returncode, json.loads(done.stdout) if done.stdout else {})
