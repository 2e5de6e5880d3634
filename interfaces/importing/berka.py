"""Profile `berka`: the transactions of the PKDD'99 financial data set, of a Czech bank."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from functools import lru_cache

from interfaces.importing import cells
from interfaces.importing.cells import CellInvalid
from interfaces.importing.rows import BadLine, FileUnfit, Row

COLUMNS = [
    *("trans_id", "account_id", "date", "type", "operation"),
    *("amount", "balance", "k_symbol", "bank", "account"),
]
SIGNS: Mapping[str, int] = {"PRIJEM": 1, "VYDAJ": -1, "VYBER": -1}
"""By `type`: a credit or a debit of the account."""

KINDS_BY_SYMBOL: Mapping[str, str] = {
    "UROK": "interest",
    "SANKC. UROK": "interest",
    "SLUZBY": "fees",
}
"""Whom the bank itself charges or pays, by `k_symbol`; these come before the operation."""

KINDS_BY_OPERATION: Mapping[str, str] = {
    "VKLAD": "cash",
    "VYBER": "cash",
    "VYBER KARTOU": "cash",
    "PREVOD Z UCTU": "other-banks",
    "PREVOD NA UCET": "other-banks",
}


class Berka:
    """Reads `trans.asc`: separated by semicolons, a header, amounts in CZK, dates as YYMMDD."""

    name = "berka"
    encoding = "latin-1"
    rounding = 10
    """The bank's own balances are kept to 0.10 CZK, so each row may be that far off."""

    def rows(self, lines: Iterable[str]) -> Iterator[Row | BadLine]:
        """Yield each line after the header; raises `FileUnfit` when that is another one."""
        numbered = enumerate(lines, 1)
        header = next(numbered, (1, ""))[1]
        if header.rstrip("\r\n").replace('"', "").split(";") != COLUMNS:
            raise FileUnfit(
                "The file is not of the profile berka: its first line should name the columns"
                f" {';'.join(COLUMNS)}."
            )
        for number, line in numbered:
            if not line.strip():
                continue
            try:
                yield _row(number, line)
            except CellInvalid as fault:
                yield BadLine(number, str(fault))


def _row(number: int, line: str) -> Row:
    found = cells.split(line, ";", len(COLUMNS))
    key, account, day, type_name, operation, amount, balance, symbol, bank, partner = found
    sign = SIGNS.get(type_name)
    if sign is None:
        raise CellInvalid(f"type {type_name[:40]!r} is none of {', '.join(SIGNS)}.")
    minor = cells.signed_amount(amount, 2)
    if minor <= 0:
        raise CellInvalid(f"amount {amount!r} is not above zero.")
    return Row(
        line=number,
        key=cells.key(key, "trans_id"),
        account=cells.key(account, "account_id", 64),
        day=_day(day),
        amount=sign * minor,
        currency="CZK",
        kind=_kind(operation, symbol.strip()),
        description=cells.words(f"{operation} {symbol}", "operation and k_symbol", 140),
        metadata=_partner(bank, partner),
        balance=cells.signed_amount(balance, 2),
    )


def _day(text: str) -> date:
    # All of the data set is of the 1990s, so two digits of a year leave no doubt.
    return cells.day(f"19{text}" if len(text) == 6 else text[:40], "%Y%m%d", "930131")


@lru_cache(maxsize=512)
def _kind(operation: str, symbol: str) -> str:
    kind = KINDS_BY_SYMBOL.get(symbol) or KINDS_BY_OPERATION.get(operation)
    if kind is None:
        raise CellInvalid(f"operation {operation[:40]!r} with k_symbol {symbol[:40]!r} is unknown.")
    return kind


def _partner(bank: str, account: str) -> dict[str, str] | None:
    if not bank and not account:
        return None
    named = {
        "bank": cells.words(bank, "bank", 40),
        "account": cells.words(account, "account", 40),
    }
    return {name: text for name, text in named.items() if text} or None
