"""Where an archive lies: a folder of this machine, or of any object store that fsspec reaches."""

import fcntl
import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any
from urllib.parse import urlsplit

import fsspec
from fsspec.implementations.local import LocalFileSystem

from infrastructure.archive.failure import ArchiveAway, ArchiveDamaged, NoArchive
from infrastructure.disk import FULL, on_disk

OWN = frozenset(
    ("builtins", "domain", "application", "infrastructure", "interfaces", "psycopg", "pyarrow")
)
"""Where errors are from that are not a store's, though they pass through here."""

DRAFT = ".partial"
"""What the name of a file ends with that is being written; it begins with a point."""


class Place:
    """A folder of files that bear their names only when they are whole, and on the disk."""

    def __init__(self, url: str) -> None:
        """Take a path, or a URL such as `s3://bucket/folder`; raises `ArchiveUnusable`."""
        self.url = url
        try:
            with self._reached():
                self._files, self._folder = fsspec.core.url_to_fs(url)
        except ImportError as missing:
            raise ArchiveAway(f"{url} needs a package that is not installed: {missing}.") from None
        except ValueError as unknown:
            raise NoArchive(f"{url} is no place for an archive: {unknown}.") from None
        self._local = isinstance(self._files, LocalFileSystem)

    def address(self) -> str:
        """Return where others find it, for the ledger to keep; raises `NoArchive`.

        A path is made absolute. A place with a password in its name, or that ends with this
        process, is none that could be kept.
        """
        # A store may stand before another one, as in `simplecache::s3://bucket/folder`.
        parts = [urlsplit(part) for part in self.url.split("::")]
        if any(part.scheme == "memory" for part in parts):
            raise NoArchive(f"{self.url} ends with this command: name a place that stays.")
        if any(part.password for part in parts):
            raise NoArchive(
                "The archive's name holds a password, and the ledger would keep it: leave it out,"
                " and give it as the documents of the place's package say."
            )
        return str(Path(self._folder).absolute()) if self._local else self.url

    @property
    def name(self) -> str:
        """Return what the folder itself is called."""
        return self._folder.rstrip("/").rpartition("/")[2] or self.url

    @contextmanager
    def alone(self, home: Path) -> Iterator[None]:
        """Keep other writers away as long as this is open; raises `ArchiveAway` for one.

        In a folder of this machine whoever writes there is kept away, in an object store, which
        knows no locks, whoever writes from the same home. A lock ends with the process that has it.
        """
        named = hashlib.sha256(self.url.encode()).hexdigest()[:16]
        lock = Path(self._folder, ".lock") if self._local else home / "run" / f"archive-{named}"
        with self._reached():
            _make(lock.parent)
            file = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
        try:
            _lock(file, self.url)
            yield
        finally:
            os.close(file)

    def names(self, ending: str) -> list[str]:
        """Return the names of whole files, in order."""
        return [name for name in self._names() if name.endswith(ending) and name[0] != "."]

    def drafts(self) -> list[str]:
        """Return the names of files that were begun; without another writer nobody ends them."""
        return [name for name in self._names() if name.endswith(DRAFT) and name[0] == "."]

    def _names(self) -> list[str]:
        with self._reached():
            # Another process may have added to it since a store's list was kept.
            self._files.invalidate_cache()
            if not self._files.exists(self._folder):
                return []
            paths = self._files.ls(self._folder, detail=False)
        return sorted(name for path in paths if (name := path.rsplit("/", 1)[-1]))

    def read(self, name: str) -> bytes:
        """Return all of a small file."""
        with self.reading(name) as file:
            return bytes(file.read())

    @contextmanager
    def reading(self, name: str) -> Iterator[IO[bytes]]:
        """Give a file to read from, wherever in it; raises `ArchiveUnusable`."""
        with self._reached():
            try:
                opened = self._files.open(f"{self._folder}/{name}", "rb")
            except FileNotFoundError:
                raise ArchiveDamaged(
                    f"{name} is missing in {self.url}: put it back from a copy."
                ) from None
            with opened as file:
                yield file

    @contextmanager
    def writing(self, name: str) -> Iterator[tuple[str, IO[bytes]]]:
        """Give a draft to write to, and its name, under which it can be read when it is closed.

        It takes its own name in the end, when it is on the disk, and that is on the disk, too, when
        this returns; nothing is left of it where anything fails.
        """
        draft = f".{name}{DRAFT}"
        path = f"{self._folder}/{draft}"
        with self._reached():
            self._files.makedirs(self._folder, exist_ok=True)
            try:
                with self._files.open(path, "wb") as file:
                    yield draft, file
                    file.close()
                # An object store keeps what it has taken; a folder has to be asked for it.
                if self._local:
                    on_disk(Path(path))
                self._files.mv(path, f"{self._folder}/{name}")
                if self._local:
                    on_disk(Path(self._folder))
            finally:
                if self._files.exists(path):
                    self._files.rm(path)

    def remove(self, name: str) -> None:
        """Take a file away."""
        with self._reached():
            self._files.rm(f"{self._folder}/{name}")

    @contextmanager
    def _reached(self) -> Iterator[Any]:
        try:
            yield
        except OSError as problem:
            said = problem.strerror or " ".join(str(problem).split())
            remedy = "see that it is there, and that it may be read and written"
            if problem.errno in FULL:
                remedy = "make room, then run the same command again"
            sentence = f"{self.url} cannot be used ({said}): {remedy}."
            raise ArchiveAway(sentence) from None
        except Exception as problem:
            # A store's package has errors of its own for what is away, such as botocore's.
            if type(problem).__module__.partition(".")[0] in OWN:
                raise
            raise ArchiveAway(
                f"{self.url} cannot be used ({type(problem).__name__}): see that it is there, and"
                " that it may be read and written."
            ) from None


def _lock(file: int, url: str) -> None:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise ArchiveAway(
            f"Another run is writing to the archive {url}: run this one when that has ended."
        ) from None


def _make(folder: Path) -> None:
    """Make a folder and those above it, which are on the disk when this returns."""
    missing = [each for each in (folder, *folder.parents) if not each.exists()]
    folder.mkdir(parents=True, exist_ok=True)
    for each in reversed(missing):
        on_disk(each.parent)
