"""The disk of the database, full for a while: a small file system of its own and a ballast."""

import contextlib
import errno
import os
import subprocess
from collections.abc import Iterator
from functools import lru_cache, partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import psycopg

from tests.faults.ground import Ground, NotStruck
from tests.faults.kinds import Kind
from tests.faults.sessions import administration

SIZE = "1g"
FULL_SECONDS = 6.0
SEGMENTS = 100
"""More segments of the write-ahead log than are kept for later."""

BLOCK = b"\0" * (1 << 20)


def data_folder(home: Path) -> Path:
    """Return where the home's PostgreSQL keeps everything."""
    return home / "servers" / "postgres"


@contextlib.contextmanager
def small_disk(folder: Path, size: str = SIZE) -> Iterator[None]:
    """Give a folder a file system of its own, in memory; call it before anything is in there."""
    folder.mkdir(parents=True, exist_ok=True)
    options = f"size={size},mode=0700"
    subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)], check=True)
    try:
        yield
    finally:
        # Lazily: a process that is just ending may still be in there.
        subprocess.run(["umount", "-l", str(folder)], check=True)


@lru_cache(maxsize=1)
def no_mounts() -> str | None:
    """Say in a sentence why no small disk can be had here, or None."""
    if os.geteuid() != 0:
        return "only root may mount a small file system for the database"
    with TemporaryDirectory() as folder:
        try:
            with small_disk(Path(folder), "1m"):
                return None
        except (OSError, subprocess.CalledProcessError):
            return "this machine lets nobody mount a small file system for the database"


@contextlib.contextmanager
def full(folder: Path) -> Iterator[None]:
    """Fill the file system of a folder to its last byte, and empty it again."""
    ballast = folder / "ballast"
    try:
        with ballast.open("wb", buffering=0) as file:
            for block in (BLOCK, BLOCK[:4096], BLOCK[:1]):
                try:
                    while True:
                        file.write(block)
                except OSError as error:
                    if error.errno != errno.ENOSPC:
                        raise
        yield
    finally:
        ballast.unlink(missing_ok=True)


def next_segment(connection: psycopg.Connection[Any]) -> None:
    """Have a segment of the write-ahead log begun; on a full disk PostgreSQL may end by it."""
    connection.execute("SELECT pg_logical_emit_message(true, 'fill', 'it')")
    connection.execute("SELECT pg_switch_wal()")


def _fill(ground: Ground, panic: bool) -> None:
    folder = data_folder(ground.system.home)
    if not folder.is_mount():
        raise NotStruck("the database has no disk of its own in this run")
    with full(folder):
        if panic:
            with contextlib.suppress(NotStruck), administration(ground, "postgres") as connection:
                for _ in range(SEGMENTS):
                    next_segment(connection)
        ground.pause(FULL_SECONDS)


KINDS = (
    Kind("a full disk", partial(_fill, panic=False), no_mounts),
    Kind("a disk too full for the log", partial(_fill, panic=True), no_mounts),
)
"""The kinds of this module."""
