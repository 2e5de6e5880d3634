"""Reads rows back from what `COPY ... (FORMAT binary)` gave, without a server."""

import struct
from collections.abc import Callable, Iterator, Sequence
from datetime import date, timedelta
from io import BufferedReader, RawIOBase
from typing import IO, Any, BinaryIO, Final, cast

from interfaces.recovery.manifest import Table

SIGNATURE: Final = b"PGCOPY\n\xff\r\n\0"
_EPOCH = date(2000, 1, 1)
_COUNT, _LENGTH = struct.Struct(">h"), struct.Struct(">i")


def _integer(field: bytes) -> int:
    return int.from_bytes(field, "big", signed=True)


_DECODE: dict[str, Callable[[bytes], Any]] = {
    "int2": _integer,
    "int4": _integer,
    "int8": _integer,
    "date": lambda field: (_EPOCH + timedelta(days=_integer(field))).isoformat(),
    "bool": lambda field: field != b"\0",
    "text": bytes.decode,
}


class CopyUnreadable(ValueError):
    """A part is not what PostgreSQL's COPY writes."""


def rows(source: IO[bytes], table: Table, wanted: Sequence[str]) -> Iterator[tuple[Any, ...]]:
    """Yield the wanted columns of each row, in the order given.

    Types that are not whole numbers, days, truth values or text stay in PostgreSQL's binary form.
    Raises `CopyUnreadable`.
    """
    names = [column.name for column in table.columns]
    kinds = {column.name: column.type for column in table.columns}
    picked = [(names.index(name), _DECODE.get(kinds[name])) for name in wanted]
    # A part of a ZIP is a raw stream as far as reading goes, but its type does not say so.
    with BufferedReader(cast("RawIOBase", source), 1 << 20) as stream:
        head = stream.read(len(SIGNATURE) + 8)
        if not head.startswith(SIGNATURE) or head[len(SIGNATURE) :] != bytes(8):
            raise CopyUnreadable(f"{table.part.name} does not begin as COPY does")
        while (count := _COUNT.unpack(_exactly(stream, 2))[0]) != -1:
            fields = [_field(stream) for _ in range(count)]
            yield tuple(
                fields[place] if decode is None or fields[place] is None else decode(fields[place])
                for place, decode in picked
            )


def _field(stream: BinaryIO) -> Any:
    length = _LENGTH.unpack(_exactly(stream, 4))[0]
    return None if length == -1 else _exactly(stream, length)


def _exactly(stream: BinaryIO, length: int) -> bytes:
    found = stream.read(length)
    if len(found) != length:
        raise CopyUnreadable("the rows end in their middle")
    return found
