"""In which order a command has files written to the disk and gives them their names."""

import re
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from tests.books import ROOT
from tests.outside_programs import program

CALLS = "trace=fsync,fdatasync,rename,renameat,renameat2"
SYNCED = re.compile(r"f(?:data)?sync\(\d+<([^>]*)>")
NAMED = re.compile(r'rename\w*\(.*?"[^"]*".*?"([^"]*)"')


def disk_steps(
    words: Sequence[str], environ: Mapping[str, str], folder: Path, log: Path
) -> list[tuple[str, str]]:
    """Run a command that ends well; return what it did to a folder and the files there.

    Each step is `on disk` or `named`, and the name of the file; the folder itself is `.`.
    """
    done = subprocess.run(
        [program("strace"), "-f", "-y", "-qq", "-e", CALLS, "-o", str(log), *words],
        cwd=ROOT,
        env=environ,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    steps = []
    for line in log.read_text().splitlines():
        for kind, found in (("on disk", SYNCED.search(line)), ("named", NAMED.search(line))):
            if found is not None and Path(found[1]).is_relative_to(folder):
                steps.append((kind, str(Path(found[1]).relative_to(folder))))
    return steps
