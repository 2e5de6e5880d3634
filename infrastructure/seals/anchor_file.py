"""The anchor `file`: every seal behind the one before, in a file in a folder of its own."""

import errno
import os
from pathlib import Path

from application.anchoring import AnchorFailed
from application.sealing import Seal


class FileAnchor:
    """Appends to `FOLDER/ORIGIN.checkpoints`; the folder may be on another machine's disk."""

    kind = "file"

    def __init__(self, folder: Path) -> None:
        """Take the folder; nothing is made yet."""
        self._folder = folder

    def publish(self, seal: Seal) -> None:
        """Append a seal with an empty line behind it, unless it is the last one there."""
        path = self._folder / f"{seal.checkpoint.origin}.checkpoints"
        entry = f"{seal.note}\n".encode()
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            if _ends_with(path, entry):
                return
            _append(path, entry)
        except OSError as problem:
            raise AnchorFailed(
                f"The folder {self._folder} takes no seals ({problem.strerror}): make room and give"
                " the sealer the right to write there."
            ) from None


def _append(path: Path, entry: bytes) -> None:
    """Append all of an entry or nothing; raises `OSError`."""
    file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    try:
        size = os.fstat(file).st_size
        # A disk that is nearly full takes a part of it, and says so by the count alone.
        if os.write(file, entry) != len(entry):
            os.ftruncate(file, size)
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        os.fsync(file)
    finally:
        os.close(file)


def _ends_with(path: Path, entry: bytes) -> bool:
    if not path.exists():
        return False
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - len(entry)))
        return file.read() == entry
