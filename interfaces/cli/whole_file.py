"""Writes a file whole or not at all: under another name first, then renamed."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from infrastructure.disk import FULL, on_disk
from interfaces.cli.failure import DEPENDENCY_MISSING, WRONG_USAGE, Failure


@contextmanager
def whole_file(path: Path, force: bool, mode: int = 0o666) -> Iterator[IO[bytes]]:
    """Give a file to write to; it bears its name only after all of it is on the disk.

    `mode` is what its rights are at most; those that the umask takes are taken from it.
    Raises `Failure` when the file is there already and not to be replaced, and when it cannot be
    written; then nothing is left of it.
    """
    _check(path, force)
    draft = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        draft.touch(mode, exist_ok=False)
        with draft.open("wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        _check(path, force)
        draft.replace(path)
        on_disk(path.absolute().parent)
    except OSError as error:
        if error.filename is None and error.errno not in FULL:
            raise
        raise failure_of(path, error) from None
    finally:
        draft.unlink(missing_ok=True)


def _check(path: Path, force: bool) -> None:
    if path.exists() and not path.is_file():
        raise Failure(f"{path} is there and is no file: name one.", WRONG_USAGE)
    if path.exists() and not force:
        raise Failure(
            f"{path} is there already: name another file, or replace it by --force.", WRONG_USAGE
        )


def failure_of(path: Path, error: OSError) -> Failure:
    """Return how to end where something cannot be written."""
    if error.errno in FULL:
        return Failure(
            f"There is no room for {path}, and nothing is left of it: make room, then run the same"
            " command again.",
            DEPENDENCY_MISSING,
        )
    return Failure(f"{path} cannot be written: {error.strerror}.", WRONG_USAGE)
