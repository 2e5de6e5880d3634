"""The file of a backup: a ZIP of parts and their manifest, with one digest over all its bytes."""

import hashlib
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

import msgspec

from infrastructure.version import VERSION
from interfaces.cli.failure import CHECK_FAILED, WRONG_USAGE, Failure
from interfaces.recovery.manifest import FORMAT, Header, Manifest, Part

MANIFEST = "manifest.json"
DIGEST_CHARACTERS = 64
BLOCK_BYTES = 1 << 20


class Draft:
    """A part while it is written: counts and digests what passes."""

    def __init__(self, name: str, target: IO[bytes]) -> None:
        """Begin an empty part."""
        self._name = name
        self._target = target
        self._digest = hashlib.sha256()
        self._length = 0

    def write(self, block: bytes | bytearray | memoryview) -> None:
        """Add bytes."""
        self._target.write(block)
        self._digest.update(block)
        self._length += len(block)

    @property
    def part(self) -> Part:
        """Return what was written so far."""
        return Part(self._name, self._length, self._digest.hexdigest())


class ArchiveWriter:
    """Writes parts one after the other, then the manifest, then the digest of the whole file.

    Use it as a context, so that a file which cannot be finished is not written to later.
    """

    def __init__(self, file: IO[bytes]) -> None:
        """Take an empty file that can be sought in."""
        self._file = file
        self._zip = zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=1)

    def __enter__(self) -> "ArchiveWriter":
        """Begin."""
        return self

    def __exit__(self, *_: object) -> None:
        """Let go of the file, whether or not it was finished."""
        with suppress(OSError, ValueError):
            self._zip.close()

    @contextmanager
    def part(self, name: str) -> Iterator[Draft]:
        """Give a part to write to, of any length."""
        with self._zip.open(name, "w", force_zip64=True) as target:
            yield Draft(name, target)

    def finish(self, manifest: Manifest) -> None:
        """Write the manifest, and the digest as the ZIP's comment: the last bytes of the file."""
        self._zip.writestr(MANIFEST, msgspec.json.format(msgspec.json.encode(manifest), indent=1))
        self._zip.comment = bytes(DIGEST_CHARACTERS)
        self._zip.close()
        self._file.flush()
        with Path(self._file.name).open("rb") as written:
            digest, _ = _digest(written)
        self._file.seek(-DIGEST_CHARACTERS, 2)
        self._file.write(digest)
        self._file.flush()


class Archive:
    """A backup that is whole, to be read part by part."""

    def __init__(self, opened: zipfile.ZipFile, manifest: Manifest) -> None:
        """Take an open file and what it says of itself."""
        self._zip = opened
        self.manifest = manifest

    @contextmanager
    def part(self, part: Part) -> Iterator[IO[bytes]]:
        """Give a part to read from."""
        with self._zip.open(part.name) as source:
            yield source

    def blocks(self, part: Part) -> Iterator[bytes]:
        """Yield the bytes of a part; raises `Failure` when they are not those of the manifest."""
        digest = hashlib.sha256()
        with self._zip.open(part.name) as source:
            while block := source.read(BLOCK_BYTES):
                digest.update(block)
                yield block
        if digest.hexdigest() != part.sha256:
            raise Failure(
                f"The part {part.name} has another SHA-256 than the manifest.", CHECK_FAILED
            )


@contextmanager
def open_archive(path: Path) -> Iterator[Archive]:
    """Open a backup after its digest has been compared, byte by byte.

    Raises `Failure` when it is damaged, no backup, or of a newer version.
    """
    try:
        with path.open("rb") as file:
            digest, told = _digest(file)
    except OSError as error:
        raise Failure(f"{path} cannot be read: {error.strerror}.", WRONG_USAGE) from None
    if not zipfile.is_zipfile(path) or digest != told:
        raise Failure(
            f"{path} is damaged or no backup of FalconPay: its bytes have another SHA-256 than it"
            " says; nothing was changed. Use another copy or another backup.",
            CHECK_FAILED,
        )
    with zipfile.ZipFile(path) as opened:
        written = opened.read(MANIFEST)
        header = msgspec.json.decode(written, type=Header)
        if header.format > FORMAT:
            raise Failure(
                f"{path} was written by FalconPay {header.version}, whose backups this version"
                f" ({VERSION}) cannot read: restore it with that version or a later one.",
                CHECK_FAILED,
            )
        yield Archive(opened, msgspec.json.decode(written, type=Manifest))


def _digest(file: IO[bytes]) -> tuple[bytes, bytes]:
    """Return the digest of all but the last characters, and those."""
    file.seek(0, 2)
    left = max(0, file.tell() - DIGEST_CHARACTERS)
    file.seek(0)
    digest = hashlib.sha256()
    while left and (block := file.read(min(left, BLOCK_BYTES))):
        digest.update(block)
        left -= len(block)
    return digest.hexdigest().encode(), file.read()
