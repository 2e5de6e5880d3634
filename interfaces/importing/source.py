"""Reads a file's lines, packed by gzip or not, one at a time."""

import gzip
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from interfaces.importing.rows import BadLine, FileUnfit, Profile, Row

MAX_LINE = 65536
"""Bytes of the longest line; what is longer is no list of transactions."""


def read_rows(path: Path, profile: Profile) -> Iterator[Row | BadLine]:
    """Yield what a file holds, in its order; raises `FileUnfit`."""
    return profile.rows(_lines(path, profile.encoding))


def _lines(path: Path, encoding: str) -> Iterator[str]:
    """Yield decoded lines; bytes that cannot be decoded become lone surrogates."""
    number = 1
    try:
        with _opened(path) as file:
            while line := file.readline(MAX_LINE + 1):
                if len(line) > MAX_LINE:
                    raise FileUnfit(
                        f"Line {number} of {path} is longer than {MAX_LINE} bytes:"
                        " give a text file of transactions, one a line."
                    )
                yield line.decode(encoding, "surrogateescape")
                number += 1
    except (EOFError, zlib.error, gzip.BadGzipFile):
        raise FileUnfit(
            f"{path} is a damaged gzip file, from line {number} on: bring a whole copy."
        ) from None
    except OSError as error:
        raise FileUnfit(f"{path} cannot be read: {error.strerror or error}.") from None


def _opened(path: Path) -> IO[bytes] | gzip.GzipFile:
    file = path.open("rb")
    magic = file.read(2)
    file.seek(0)
    if magic != b"\x1f\x8b":
        return file
    file.close()
    return gzip.open(path, "rb")
