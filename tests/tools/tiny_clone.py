"""A clone with a lock of one small package, so that a first start can be watched in seconds."""

import base64
import hashlib
import os
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).parents[2]

CLI = 'import sys, tiny; print(tiny.NUMBER, sys.argv[1:]); sys.exit("fail" in sys.argv)\n'
"""What stands for the CLI: it shows which package it found and with what it was called."""


def make_wheel(folder: Path, version: str) -> str:
    """Make a wheel of one module `tiny` and return the line of a lock that names it."""
    wheel = folder / f"tiny-{version}-py3-none-any.whl"
    about = f"tiny-{version}.dist-info"
    files = {
        "tiny.py": f"NUMBER = {version!r}\n",
        f"{about}/METADATA": f"Metadata-Version: 2.1\nName: tiny\nVersion: {version}\n",
        f"{about}/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    record = [f"{about}/RECORD,,"]
    with zipfile.ZipFile(wheel, "w") as archive:
        for name, text in files.items():
            archive.writestr(name, text)
            digest = base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest())
            record.append(f"{name},sha256={digest.decode().rstrip('=')},{len(text)}")
        archive.writestr(f"{about}/RECORD", "\n".join(record))
    return f"tiny=={version} --hash=sha256:{hashlib.sha256(wheel.read_bytes()).hexdigest()}\n"


class TinyClone:
    """A copy of the launcher with a lock of one package, and that package in a folder."""

    def __init__(self, folder: Path) -> None:
        self.root = folder / "clone"
        self.wheels = folder / "wheels"
        self.lock = self.root / "requirements.lock"
        self.offline = {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(self.wheels)}

    def make(self) -> None:
        (self.root / "interfaces" / "cli").mkdir(parents=True)
        (self.root / "interfaces" / "cli" / "__main__.py").write_text(CLI)
        shutil.copy(ROOT / "falcon", self.root)
        self.wheels.mkdir()
        self.lock.write_text(make_wheel(self.wheels, "1"))

    def start(
        self, *arguments: str, pip: dict[str, str] | None = None, before: Sequence[str] = ()
    ) -> subprocess.Popen[str]:
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("PIP_", "PYTHON"))}
        return subprocess.Popen(
            [*before, sys.executable, str(self.root / "falcon"), *arguments],
            cwd=self.root.parent,
            env={**kept, "PIP_RETRIES": "1", **(self.offline if pip is None else pip)},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(
        self, *arguments: str, pip: dict[str, str] | None = None, before: Sequence[str] = ()
    ) -> tuple[int, str, str]:
        process = self.start(*arguments, pip=pip, before=before)
        out, err = process.communicate(timeout=100)
        return process.returncode, out, err
