"""Programs that we did not write, which read what we write."""

import gzip
import os
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path

from xmlschema import XMLSchema

from tests.tools.absent_server import server_absent

PACKAGES = {
    "hledger": "hledger",
    "pdftotext": "poppler-utils",
    "pdftoppm": "poppler-utils",
    "strace": "strace",
}
"""The Debian package of each program that no Python package brings."""

UTF_8 = {"LANG": "C.UTF-8", "LC_ALL": "C.UTF-8"}


def program(name: str) -> str:
    """Return where a program is; without it the test is skipped, and fails where CI runs it."""
    beside = Path(sys.executable).parent
    found = shutil.which(name, path=f"{beside}{os.pathsep}{os.environ.get('PATH', os.defpath)}")
    if found is None:
        server_absent(f"{name} is not installed: apt-get install {PACKAGES.get(name, name)}")
    return found


def output_of(name: str, *words: object, accepted: bool = True) -> str:
    """Run a program and return what it says; it must end well, or badly if not `accepted`."""
    done = subprocess.run(
        [program(name), *map(str, words)],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, **UTF_8},
    )
    assert (done.returncode == 0) is accepted, done.stdout + done.stderr
    return done.stdout


@cache
def camt_schema() -> XMLSchema:
    """Return the schema of ISO 20022 itself, as its registration authority generates it."""
    packed = (Path(__file__).parent / "published" / "camt.053.001.08.xsd.gz").read_bytes()
    return XMLSchema(gzip.decompress(packed).decode())
