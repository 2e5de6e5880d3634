"""Where an archive lies: a folder of this machine, or of any object store that fsspec reaches."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, Any

import fsspec

from interfaces.cli.failure import DEPENDENCY_MISSING, WRONG_USAGE, Failure


class Place:
    """A folder of files that bear their names only when they are whole."""

    def __init__(self, url: str) -> None:
        """Take a path, or a URL such as `s3://bucket/folder`; raises `Failure`."""
        self.url = url
        try:
            self._files, self._folder = fsspec.core.url_to_fs(url)
        except ImportError as missing:
            raise Failure(
                f"{url} needs a package that is not installed: {missing}.", DEPENDENCY_MISSING
            ) from None
        except ValueError as unknown:
            raise Failure(f"{url} is no place for an archive: {unknown}.", WRONG_USAGE) from None

    def names(self, ending: str) -> list[str]:
        """Return the names of whole files, in order."""
        with self._reached():
            if not self._files.exists(self._folder):
                return []
            paths = [path.rsplit("/", 1)[-1] for path in self._files.ls(self._folder, detail=False)]
        return sorted(path for path in paths if path.endswith(ending) and path[0] != ".")

    def read(self, name: str) -> bytes:
        """Return all of a small file."""
        with self.reading(name) as file:
            return bytes(file.read())

    @contextmanager
    def reading(self, name: str) -> Iterator[IO[bytes]]:
        """Give a file to read from, wherever in it."""
        with self._reached(), self._files.open(f"{self._folder}/{name}", "rb") as file:
            yield file

    @contextmanager
    def writing(self, name: str) -> Iterator[tuple[str, IO[bytes]]]:
        """Give a draft to write to, and its name, under which it can be read when it is closed.

        It takes its own name in the end; nothing is left of it where anything fails.
        """
        draft = f".{name}.partial"
        path = f"{self._folder}/{draft}"
        with self._reached():
            self._files.makedirs(self._folder, exist_ok=True)
            try:
                with self._files.open(path, "wb") as file:
                    yield draft, file
                    file.close()
                self._files.mv(path, f"{self._folder}/{name}")
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
            raise Failure(
                f"{self.url} cannot be used ({problem.strerror or problem}): make room, or give the"
                " right to read and write there.",
                DEPENDENCY_MISSING,
            ) from None
