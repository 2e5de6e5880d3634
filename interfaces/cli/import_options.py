"""The options of `./falcon import`, each with its setting in the environment."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer


class ProfileName(StrEnum):
    """The kinds of file that can be imported."""

    BERKA = "berka"
    CSV = "csv"


ImportedFile = Annotated[Path, typer.Argument(help="The file, as it is or packed by gzip.")]
ProfileOption = Annotated[
    ProfileName, typer.Option(envvar="FALCONPAY_IMPORT_PROFILE", help="What kind of file it is.")
]
NoOverdraft = Annotated[
    bool,
    typer.Option(
        "--no-overdraft",
        envvar="FALCONPAY_IMPORT_NO_OVERDRAFT",
        help="Refuse rows that would take an account below zero.",
    ),
]
SkipBad = Annotated[
    bool,
    typer.Option(
        "--skip-bad",
        envvar="FALCONPAY_IMPORT_SKIP_BAD",
        help="List bad lines instead of stopping at the first.",
    ),
]
LedgerName = Annotated[str | None, typer.Option(envvar="FALCONPAY_LEDGER", help="Of which ledger.")]
AsJson = Annotated[
    bool, typer.Option("--json", envvar="FALCONPAY_JSON", help="Print JSON for programs.")
]
IdColumn = Annotated[
    str, typer.Option(envvar="FALCONPAY_IMPORT_ID_COLUMN", help="csv: the row's own number.")
]
AccountColumn = Annotated[
    str,
    typer.Option(envvar="FALCONPAY_IMPORT_ACCOUNT_COLUMN", help="csv: the account's number."),
]
DateColumn = Annotated[
    str, typer.Option(envvar="FALCONPAY_IMPORT_DATE_COLUMN", help="csv: the value date.")
]
AmountColumn = Annotated[
    str,
    typer.Option(
        envvar="FALCONPAY_IMPORT_AMOUNT_COLUMN", help="csv: the amount, below zero is a debit."
    ),
]
CurrencyColumn = Annotated[
    str | None,
    typer.Option(envvar="FALCONPAY_IMPORT_CURRENCY_COLUMN", help="csv: the currency's code."),
]
CurrencyCode = Annotated[
    str | None,
    typer.Option(
        "--currency",
        envvar="FALCONPAY_IMPORT_CURRENCY",
        help="csv: the currency of a file that has no column for it.",
    ),
]
KindColumn = Annotated[
    str | None,
    typer.Option(
        envvar="FALCONPAY_IMPORT_KIND_COLUMN",
        help="csv: the system wallet on the other side; empty or without it: other-banks.",
    ),
]
DescriptionColumn = Annotated[
    str | None,
    typer.Option(envvar="FALCONPAY_IMPORT_DESCRIPTION_COLUMN", help="csv: a text."),
]
BalanceColumn = Annotated[
    str | None,
    typer.Option(
        envvar="FALCONPAY_IMPORT_BALANCE_COLUMN",
        help="csv: the account's balance after the row, to compare with.",
    ),
]
Delimiter = Annotated[
    str, typer.Option(envvar="FALCONPAY_IMPORT_DELIMITER", help="csv: between two cells.")
]
DateLayout = Annotated[
    str,
    typer.Option(
        envvar="FALCONPAY_IMPORT_DATE_LAYOUT", help="csv: how dates are written, as for strptime."
    ),
]
DecimalComma = Annotated[
    bool,
    typer.Option(
        "--decimal-comma",
        envvar="FALCONPAY_IMPORT_DECIMAL_COMMA",
        help="csv: amounts are written 12,34.",
    ),
]
