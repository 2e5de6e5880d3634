"""`./falcon export`: writes the book to a file, for other tools to check."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import IO, Annotated

import typer

from infrastructure.secrets import Secrets
from infrastructure.settings import Settings
from interfaces.cli.chosen_ledger import settings_of
from interfaces.cli.failure import WRONG_USAGE, Failure
from interfaces.cli.whole_file import whole_file


class Format(StrEnum):
    """The forms in which the book can be written."""

    JSONL = "jsonl"


def command(
    file: Annotated[Path, typer.Argument(help="The file to write, or - for the standard output.")],
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
            "--force", envvar="FALCONPAY_EXPORT_FORCE", help="Replace a file that is there."
        ),
    ] = False,
    ledger: Annotated[
        str | None, typer.Option(envvar="FALCONPAY_LEDGER", help="Of which ledger.")
    ] = None,
) -> None:
    """Write the book to a file, for other tools to check.

    With jsonl a head line names the ledger and the positions; each line after it is an event as
    audits show it, with its canonical bytes.
    """
    assert form is Format.JSONL, "it is the only form yet"
    count = _export(settings_of(ledger), file, begin, end, force)
    if str(file) != "-":
        typer.echo(f"Wrote {count:,} events to {file}.", err=True)


def _export(settings: Settings, file: Path, begin: str | None, end: str | None, force: bool) -> int:
    from infrastructure.event_log.reader import EventReader
    from interfaces.replay.book import event_lines, head_line
    from interfaces.replay.positions import PlaceInvalid, first_at, last_at, parse_place
    from interfaces.replay.snapshot import snapshot

    try:
        first_place = None if begin is None else parse_place(begin, "--from")
        last_place = None if end is None else parse_place(end, "--to")
    except PlaceInvalid as invalid:
        raise Failure(str(invalid), WRONG_USAGE) from None
    with (
        snapshot(settings, Secrets(settings.home), "ledger") as connection,
        _output(file, force) as output,
    ):
        reader = EventReader(connection)
        first, last = first_at(connection, first_place), last_at(reader, last_place)
        if first > last and (begin is not None or end is not None):
            raise Failure(
                f"There are no events from position {first} to {last}: the ledger"
                f" {settings.ledger} has 1 to {reader.head()}.",
                WRONG_USAGE,
            )
        output.write(head_line(settings.ledger, first, last))
        for line in event_lines(reader, first, last):
            output.write(line)
    return last - first + 1


@contextmanager
def _output(file: Path, force: bool) -> Iterator[IO[bytes]]:
    if str(file) != "-":
        with whole_file(file, force) as output:
            yield output
        return
    yield sys.stdout.buffer
    sys.stdout.buffer.flush()
