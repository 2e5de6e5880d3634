"""Writes a folder whole or not at all: under another name first, then renamed."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from infrastructure.disk import FULL, on_disk
from interfaces.cli.failure import WRONG_USAGE, Failure
from interfaces.cli.whole_file import failure_of


@contextmanager
def whole_folder(path: Path, force: bool, ending: str) -> Iterator[Path]:
    """Give an empty folder to write files into; it bears its name after all is on the disk.

    By `force` it takes the place of one that is there, if that holds nothing but files of the same
    ending. Raises `Failure` when it may not, and when it cannot be written; nothing is left then.
    """
    path = path.absolute()
    _check(path, force, ending)
    draft = path.with_name(f".{path.name}.{os.getpid()}.partial")
    replaced = path.with_name(f".{path.name}.{os.getpid()}.replaced")
    try:
        draft.mkdir()
        yield draft
        for file in (*draft.iterdir(), draft):
            on_disk(file)
        _check(path, force, ending)
        if path.exists():
            path.rename(replaced)
        draft.rename(path)
        on_disk(path.parent)
    except OSError as error:
        if error.filename is None and error.errno not in FULL:
            raise
        raise failure_of(path, error) from None
    finally:
        shutil.rmtree(draft, ignore_errors=True)
        if replaced.exists() and not path.exists():
            replaced.rename(path)
        shutil.rmtree(replaced, ignore_errors=True)


def _check(path: Path, force: bool, ending: str) -> None:
    if not path.exists():
        return
    if not path.is_dir() or path.is_symlink():
        raise Failure(f"{path} is there and is no folder: name one.", WRONG_USAGE)
    if not force:
        raise Failure(
            f"{path} is there already: name another folder, or replace it by --force.", WRONG_USAGE
        )
    if any(each.is_dir() or each.suffix != ending for each in path.iterdir()):
        raise Failure(
            f"{path} holds other things than an export, which --force would take away: name"
            " another folder.",
            WRONG_USAGE,
        )
