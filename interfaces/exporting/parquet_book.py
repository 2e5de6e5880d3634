"""The book as Parquet: a file for each day on which something was recorded, one row an event.

Amounts are decimals with as many digits behind the point as the ledger's most divided currency
has, so one column tells all currencies exactly.
"""

from collections.abc import Iterator
from datetime import datetime
from decimal import Context, Decimal
from pathlib import Path
from typing import IO, Any

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq

from domain.identifiers import event_id
from domain.instants import moment
from domain.money import Currencies
from domain.recorded import RecordedEvent

CHUNK = 10_000
"""How many rows are in memory at a time; each chunk is a row group."""

PRECISION = 38
EFFECTS = {
    "wallet.credited.v1": (1, 0),
    "wallet.debited.v1": (-1, 0),
    "wallet.funds_held.v1": (0, 1),
    "wallet.hold_captured.v1": (-1, -1),
    "wallet.hold_released.v1": (0, -1),
}
"""What an amount does to posted and held."""

_EXACT = Context(prec=PRECISION)


class _Place(msgspec.Struct):
    """What metadata tells of an event's place in its command."""

    command_id: str
    index: int
    count: int


class _Moved(msgspec.Struct):
    """What a movement tells; the amount in minor units."""

    payment_id: str
    amount: int
    currency: str
    counterparty: str | None = None
    effective_at: str | None = None


_place = msgspec.json.Decoder(_Place).decode
_moved = msgspec.json.Decoder(_Moved).decode


def schema(scale: int) -> pa.Schema:
    """Return the columns; `posted` and `held` are what the event changes, null where it does not.

    `data` and `metadata` are the stored JSON.
    """
    decimal, name = pa.decimal128(PRECISION, scale), pa.dictionary(pa.int32(), pa.string())
    return pa.schema(
        [
            ("position", pa.int64()),
            ("event_id", pa.string()),
            ("stream_id", name),
            ("version", pa.int64()),
            ("type", name),
            ("recorded_at", pa.timestamp("us", "UTC")),
            ("command_id", pa.string()),
            ("index", pa.int32()),
            ("count", pa.int32()),
            ("payment_id", pa.string()),
            ("currency", name),
            ("posted", decimal),
            ("held", decimal),
            ("counterparty", name),
            ("effective_at", pa.timestamp("us", "UTC")),
            ("data", pa.string()),
            ("metadata", pa.string()),
        ]
    )


def write_days(events: Iterator[RecordedEvent], currencies: Currencies, folder: Path) -> int:
    """Write the events into a folder, a file a day (UTC); return how many there were."""
    rows, count = Rows(currencies), 0
    day, file = "", None
    try:
        for chunk in _chunks_of_days(events):
            if chunk[0].recorded_at[:10] != day:
                if file is not None:
                    file.close()
                day = chunk[0].recorded_at[:10]
                file = DayFile((folder / f"{day}.parquet").open("wb"), rows.schema)
            assert file is not None, "there is a file since the first day"
            file.write(rows.table(chunk))
            count += len(chunk)
    finally:
        if file is not None:
            file.close()
    return count


def _chunks_of_days(events: Iterator[RecordedEvent]) -> Iterator[list[RecordedEvent]]:
    chunk: list[RecordedEvent] = []
    for event in events:
        if chunk and (len(chunk) == CHUNK or event.recorded_at[:10] != chunk[0].recorded_at[:10]):
            yield chunk
            chunk = []
        chunk.append(event)
    if chunk:
        yield chunk


class DayFile:
    """A file of one day, written a row group at a time."""

    def __init__(self, file: IO[bytes], columns: pa.Schema) -> None:
        """Take the open file; it is closed with this."""
        self._file = file
        self._writer = pq.ParquetWriter(file, columns, compression="zstd")

    def write(self, table: pa.Table) -> None:
        """Add a row group."""
        self._writer.write_table(table)

    def close(self) -> None:
        """Write the end and close the file."""
        try:
            self._writer.close()
        finally:
            self._file.close()


class Rows:
    """Makes tables of events."""

    def __init__(self, currencies: Currencies) -> None:
        """Take the currencies whose amounts there may be."""
        self._currencies = currencies
        self.schema = schema(currencies.most_digits)

    def table(self, events: list[RecordedEvent]) -> pa.Table:
        """Return some events as a table."""
        columns = zip(*map(self._row, events), strict=True)
        arrays = [
            pa.array(column, type=field.type)
            for column, field in zip(columns, self.schema, strict=True)
        ]
        return pa.Table.from_arrays(arrays, schema=self.schema)

    def _row(self, event: RecordedEvent) -> tuple[Any, ...]:
        place = _place(event.metadata)
        head = (
            event.position,
            event_id(event.stream_id, event.version),
            event.stream_id,
            event.version,
            event.type,
            moment(event.recorded_at),
            place.command_id,
            place.index,
            place.count,
        )
        stored = (event.data.decode(), event.metadata.decode())
        effects = EFFECTS.get(event.type)
        if effects is None:
            return (*head, None, None, None, None, None, None, *stored)
        moved = _moved(event.data)
        posted, held = (self._decimal(sign * moved.amount, moved.currency) for sign in effects)
        at = None if moved.effective_at is None else datetime.fromisoformat(moved.effective_at)
        named = (moved.payment_id, moved.currency, posted, held, moved.counterparty, at)
        return (*head, *named, *stored)

    def _decimal(self, minor: int, currency: str) -> Decimal:
        return Decimal(minor).scaleb(-self._currencies.digits(currency), _EXACT)
