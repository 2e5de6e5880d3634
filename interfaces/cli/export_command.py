"""`./falcon export`: writes the book to a file or a folder, for other tools to check."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import IO, TYPE_CHECKING, Annotated, Any

import typer

from infrastructure.secrets import Secrets
from infrastructure.settings import Settings
from interfaces.cli.chosen_ledger import settings_of
from interfaces.cli.failure import DEPENDENCY_MISSING, WRONG_USAGE, Failure
from interfaces.cli.operation_note import note
from interfaces.cli.whole_file import whole_file
from interfaces.cli.whole_folder import whole_folder

if TYPE_CHECKING:
    import psycopg

    from infrastructure.event_log.reader import EventReader


class Format(StrEnum):
    """The forms in which the book can be written."""

    JSONL = "jsonl"
    PARQUET = "parquet"
    HLEDGER = "hledger"
    BEANCOUNT = "beancount"


@dataclass(frozen=True, slots=True)
class _Chosen:
    """What is exported: positions of a ledger, both included, in one snapshot."""

    connection: "psycopg.Connection[Any]"
    reader: "EventReader"
    ledger: str
    first: int
    last: int


def command(
    file: Annotated[
        Path,
        typer.Argument(
            help="The file to write, or - for the standard output; with parquet a folder."
        ),
    ],
    form: Annotated[
        Format,
        typer.Option("--format", envvar="FALCONPAY_EXPORT_FORMAT", help="In which form."),
    ] = Format.JSONL,
    begin: Annotated[
        str | None,
        typer.Option(
            "--from",
            envvar="FALCONPAY_EXPORT_FROM",
            metavar="TIME|POSITION",
            help="The first event, included; by default the first of all.",
        ),
    ] = None,
    end: Annotated[
        str | None,
        typer.Option(
            "--to",
            envvar="FALCONPAY_EXPORT_TO",
            metavar="TIME|POSITION",
            help="The last event, included; by default the last of all.",
        ),
    ] = None,
    force: Annotated[
        bool,
        typer.Option(
            "--force",
            envvar="FALCONPAY_EXPORT_FORCE",
            help="Replace a file that is there, or a folder of an earlier export.",
        ),
    ] = False,
    ledger: Annotated[
        str | None, typer.Option(envvar="FALCONPAY_LEDGER", help="Of which ledger.")
    ] = None,
) -> None:
    """Write the book to a file or a folder, for other tools to check.

    With jsonl a head line names the ledger, the positions and the last seal; each line after it is
    an event as audits show it, with its canonical bytes. With parquet it is a folder with a file a
    day. With hledger and beancount each wallet is an account under its class, debits above zero;
    commands are whole, and the end states every balance.
    """
    count = _export(settings_of(ledger), file, form, begin, end, force)
    if str(file) != "-":
        typer.echo(f"Wrote {count:,} events to {file}.", err=True)


def _export(
    settings: Settings, file: Path, form: Format, begin: str | None, end: str | None, force: bool
) -> int:
    from domain.operation_events import BookExported
    from infrastructure.event_log.reader import EventReader
    from infrastructure.operation_notes import now
    from interfaces.replay.positions import PlaceInvalid, first_at, last_at, parse_place
    from interfaces.replay.snapshot import snapshot

    try:
        first_place = None if begin is None else parse_place(begin, "--from")
        last_place = None if end is None else parse_place(end, "--to")
    except PlaceInvalid as invalid:
        raise Failure(str(invalid), WRONG_USAGE) from None
    with snapshot(settings, Secrets(settings.home), "ledger") as connection:
        reader = EventReader(connection)
        first, last = first_at(connection, first_place), last_at(reader, last_place)
        if first > last and (begin is not None or end is not None):
            raise Failure(
                f"There are no events from position {first} to {last}: the ledger"
                f" {settings.ledger} has 1 to {reader.head()}.",
                WRONG_USAGE,
            )
        chosen = _Chosen(connection, reader, settings.ledger, first, last)

        def put_on_record() -> None:
            note(settings, BookExported(now(), file.name, form.value, first, last))

        if form is Format.PARQUET:
            return _write_folder(chosen, file, force, put_on_record)
        with _output(file, force) as output:
            put_on_record()
            if form is Format.JSONL:
                return _write_lines(chosen, output)
            return _write_journal(chosen, form, output)


def _write_lines(chosen: _Chosen, output: IO[bytes]) -> int:
    from interfaces.replay.book import event_lines, head_line
    from interfaces.replay.sealed_part import sealed_part

    first, last = chosen.first, chosen.last
    output.write(head_line(chosen.ledger, first, last, sealed_part(chosen.connection, first, last)))
    for line in event_lines(chosen.reader, first, last):
        output.write(line)
    return last - first + 1


def _write_journal(chosen: _Chosen, form: Format, output: IO[bytes]) -> int:
    from infrastructure.event_codec import EventCodec
    from infrastructure.event_log.currencies import stored_currencies
    from interfaces.exporting import beancount_book, hledger_book
    from interfaces.exporting.book import Part
    from interfaces.replay.positions import widened
    from interfaces.statements.statement import Inexpressible

    first, last = chosen.first, chosen.last
    if first <= last:
        first, last = widened(chosen.reader, first, last, EventCodec())
    currencies = stored_currencies(chosen.connection)
    part = Part(chosen.connection, chosen.ledger, currencies, first, last)
    lines = (hledger_book if form is Format.HLEDGER else beancount_book).book_lines(part)
    try:
        for line in lines:
            output.write(line.encode() + b"\n")
    except Inexpressible as reason:
        raise Failure(
            f"{reason} Choose another --format, or less by --from.", WRONG_USAGE
        ) from None
    return last - first + 1


def _write_folder(chosen: _Chosen, folder: Path, force: bool, begun: Callable[[], None]) -> int:
    from infrastructure.event_log.currencies import stored_currencies
    from interfaces.replay.book import events_between

    if str(folder) == "-":
        raise Failure("Parquet is a folder: name one instead of -.", WRONG_USAGE)
    try:
        from interfaces.exporting.parquet_book import write_days
    except ModuleNotFoundError as missing:
        raise Failure(
            f"Parquet needs the package {missing.name}: install falconpay[parquet].",
            DEPENDENCY_MISSING,
        ) from None
    events = events_between(chosen.reader, chosen.first, chosen.last)
    with whole_folder(folder, force, ".parquet") as draft:
        begun()
        return write_days(events, stored_currencies(chosen.connection), draft)


@contextmanager
def _output(file: Path, force: bool) -> Iterator[IO[bytes]]:
    if str(file) != "-":
        with whole_file(file, force) as output:
            yield output
        return
    yield sys.stdout.buffer
    sys.stdout.buffer.flush()
