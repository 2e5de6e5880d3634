"""`./falcon import`: brings a file of bank transactions through the ledger, and reports."""

import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from domain.money import Currencies, CurrencyUnknown
from infrastructure.secrets import Secrets
from infrastructure.settings import Settings
from interfaces.cli import import_options as options
from interfaces.cli.chosen_ledger import settings_of
from interfaces.cli.failure import CHECK_FAILED, WRONG_USAGE, Failure
from interfaces.cli.operation_note import note

if TYPE_CHECKING:
    from interfaces.importing.csv_columns import CsvLayout
    from interfaces.importing.report import Report
    from interfaces.importing.rows import Profile
    from interfaces.importing.session import Steps, Terms


def command(
    file: options.ImportedFile,
    profile: options.ProfileOption,
    no_overdraft: options.NoOverdraft = False,
    skip_bad: options.SkipBad = False,
    as_json: options.AsJson = False,
    ledger: options.LedgerName = None,
    id_column: options.IdColumn = "id",
    account_column: options.AccountColumn = "account",
    date_column: options.DateColumn = "date",
    amount_column: options.AmountColumn = "amount",
    currency_column: options.CurrencyColumn = None,
    currency: options.CurrencyCode = None,
    kind_column: options.KindColumn = None,
    description_column: options.DescriptionColumn = None,
    balance_column: options.BalanceColumn = None,
    delimiter: options.Delimiter = ",",
    date_layout: options.DateLayout = "%Y-%m-%d",
    decimal_comma: options.DecimalComma = False,
) -> None:
    """Import bank transactions through the ledger of the running system.

    Twice is once: what is in already stays as it is, and a run that was stopped goes on.
    """
    from domain.operation_events import FileImported
    from infrastructure.operation_notes import now
    from interfaces.importing.csv_columns import Columns, CsvLayout
    from interfaces.importing.session import Terms, known_currencies

    columns = Columns(
        key=id_column,
        account=account_column,
        date=date_column,
        amount=amount_column,
        currency=currency_column,
        kind=kind_column,
        description=description_column,
        balance=balance_column,
    )
    layout = CsvLayout(columns, delimiter, date_layout, decimal_comma, currency)
    settings = settings_of(ledger)
    currencies = known_currencies(settings, Secrets(settings.home))
    reader = _profile(profile, layout, currencies)
    report = _import(file, reader, settings, Terms(not no_overdraft, skip_bad))
    tally = report.tally
    counts = report.rows, tally.accepted, tally.refused, tally.already_there
    note(settings, FileImported(now(), file.name, profile.value, *counts))
    _show(report, currencies, as_json)
    if report.stopped is not None:
        raise Failure(report.stopped, report.exit_code)


def _import(file: Path, profile: "Profile", settings: Settings, terms: "Terms") -> "Report":
    from interfaces.importing.rows import FileUnfit
    from interfaces.importing.session import import_file

    # What the driver says of a lost connection, the report says in a sentence.
    logging.getLogger("psycopg").addHandler(logging.NullHandler())
    try:
        with _progress() as steps:
            return import_file(file, profile, settings, Secrets(settings.home), terms, steps)
    except FileUnfit as unfit:
        raise Failure(str(unfit), WRONG_USAGE) from None
    except KeyboardInterrupt:
        raise Failure("Stopped: the same command goes on from here.", CHECK_FAILED) from None


def _profile(name: options.ProfileName, layout: "CsvLayout", currencies: Currencies) -> "Profile":
    from interfaces.importing.berka import Berka
    from interfaces.importing.csv_columns import CsvColumns

    if name is options.ProfileName.BERKA:
        return Berka()
    if len(layout.delimiter) != 1:
        raise Failure(f"--delimiter is {layout.delimiter!r}: give one character.", WRONG_USAGE)
    if (layout.currency is None) == (layout.columns.currency is None):
        raise Failure(
            "Say either --currency, for the whole file, or --currency-column.", WRONG_USAGE
        )
    try:
        if layout.currency is not None:
            currencies.digits(layout.currency)
    except CurrencyUnknown as unknown:
        raise Failure(f"--currency {unknown}", WRONG_USAGE) from None
    return CsvColumns(layout, currencies)


@contextmanager
def _progress() -> "Iterator[Steps]":
    """Show how far the import is, with rate and time left, where a person is looking."""
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
    )

    from interfaces.importing.session import Steps

    console = Console(stderr=True)
    bar = Progress(
        TextColumn("importing"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[rate]} rows/s"),
        TimeRemainingColumn(),
        console=console,
        disable=not console.is_terminal,
        transient=True,
    )
    with bar:
        task = bar.add_task("rows", total=None, rate="-")

        def advance(done: int) -> None:
            speed = bar.tasks[task].speed
            bar.update(task, completed=done, rate=f"{speed:,.0f}" if speed else "-")

        yield Steps(begin=lambda rows: bar.update(task, total=rows), advance=advance)


def _show(report: "Report", currencies: Currencies, as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps(report.fields(currencies), indent=2))
        return
    from rich.console import Console

    report.show(Console(highlight=False, soft_wrap=True), currencies)
