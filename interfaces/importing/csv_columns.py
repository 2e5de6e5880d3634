"""Profile `csv`: any table of transactions with a header, its columns named by options."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from domain.money import Currencies, CurrencyUnknown
from interfaces.importing import cells
from interfaces.importing.cells import CellInvalid
from interfaces.importing.rows import BadLine, FileUnfit, Row


@dataclass(frozen=True, slots=True)
class Columns:
    """The names of the columns in the header; those that may be missing are none."""

    key: str = "id"
    account: str = "account"
    date: str = "date"
    amount: str = "amount"
    currency: str | None = None
    kind: str | None = None
    description: str | None = None
    balance: str | None = None

    def wanted(self) -> list[str]:
        """Return all names that the header must have."""
        named = (self.key, self.account, self.date, self.amount, self.currency)
        more = (self.kind, self.description, self.balance)
        return [name for name in (*named, *more) if name is not None]


@dataclass(frozen=True, slots=True)
class CsvLayout:
    """How the file is written: its columns, separator, dates, and what columns leave open.

    `date_layout` is one of `strptime`; amounts are signed, above zero comes into the account.
    """

    columns: Columns
    delimiter: str = ","
    date_layout: str = "%Y-%m-%d"
    decimal_comma: bool = False
    currency: str | None = None


class CsvColumns:
    """Reads one transaction a line; a cell with a line break in it is a bad line."""

    name = "csv"
    encoding = "utf-8"
    rounding = 0

    def __init__(self, layout: CsvLayout, currencies: Currencies) -> None:
        """Take the layout and the currencies that the ledger knows."""
        self._layout = layout
        self._columns = layout.columns
        self._currencies = currencies

    def rows(self, lines: Iterable[str]) -> Iterator[Row | BadLine]:
        """Yield each line after the header; raises `FileUnfit` when a column is not in that."""
        numbered = enumerate(lines, 1)
        header = self._header(next(numbered, (1, ""))[1])
        for number, line in numbered:
            if not line.strip():
                continue
            try:
                found = cells.split(line, self._layout.delimiter, len(header))
                yield self._row(number, dict(zip(header, found, strict=True)))
            except CellInvalid as fault:
                yield BadLine(number, str(fault))

    def _header(self, line: str) -> list[str]:
        line = line.removeprefix("\ufeff").rstrip("\r\n")
        try:
            header = cells.split(line, self._layout.delimiter)
        except CellInvalid:
            header = []
        missing = [name for name in self._columns.wanted() if header.count(name) != 1]
        if missing:
            raise FileUnfit(
                f"The first line of the file does not name the column {missing[0]!r} once, but"
                f" reads {line[:200]!r}: name columns and separator by the options"
                " --...-column and --delimiter."
            )
        return header

    def _row(self, number: int, found: dict[str, str]) -> Row:
        columns = self._columns
        currency = found[columns.currency].strip() if columns.currency else self._layout.currency
        try:
            digits = self._currencies.digits(currency or "")
        except CurrencyUnknown as fault:
            raise CellInvalid(str(fault)) from None
        minor = self._amount(found[columns.amount], digits)
        if minor == 0:
            raise CellInvalid(f"{columns.amount} is zero.")
        balance = found[columns.balance] if columns.balance else ""
        return Row(
            line=number,
            key=cells.key(found[columns.key].strip(), columns.key),
            account=cells.key(found[columns.account].strip(), columns.account, 64),
            day=cells.day(found[columns.date].strip(), self._layout.date_layout, self._example()),
            amount=minor,
            currency=currency or "",
            kind=self._kind(found),
            description=self._description(found),
            balance=self._amount(balance, digits) if balance.strip() else None,
        )

    def _amount(self, text: str, digits: int) -> int:
        text = text.strip()
        return cells.signed_amount(
            text.replace(",", ".") if self._layout.decimal_comma else text, digits
        )

    def _kind(self, found: dict[str, str]) -> str:
        column = self._columns.kind
        kind = found[column].strip() if column else ""
        return cells.key(kind, column or "", 64) if kind else "other-banks"

    def _description(self, found: dict[str, str]) -> str | None:
        column = self._columns.description
        return cells.words(found[column], column, 140) if column else None

    def _example(self) -> str:
        return f"2026-01-31 (layout {self._layout.date_layout})"
