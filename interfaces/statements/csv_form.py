"""A statement as CSV (RFC 4180), for spreadsheets and scripts.

Descriptions are written by whoever pays, so none of them may be a formula of whoever reads.
"""

import csv
import io

from interfaces.statements.statement import Statement

HEADER = (
    *("date", "entry_id", "payment_id", "description", "counterparty", "amount"),
    "balance_after",
)

FORMULAS = ("=", "+", "-", "@", "\uff1d", "\uff0b", "\uff0d", "\uff20")
"""What spreadsheets take for the beginning of a formula, in its full width, too (CWE-1236)."""


def write(statement: Statement) -> bytes:
    """Return a header line and a line an entry; amounts are signed."""
    text = io.StringIO(newline="")
    rows = csv.writer(text)
    rows.writerow(HEADER)
    rows.writerows(
        (
            line.value_date.isoformat(),
            line.entry_id,
            line.payment_id,
            as_text(line.description or ""),
            line.counterparty,
            statement.money(line.amount),
            statement.money(line.balance_after),
        )
        for line in statement.lines
    )
    return text.getvalue().encode()


def as_text(description: str) -> str:
    """Return a description as spreadsheets take for text: an apostrophe goes before a formula."""
    return f"'{description}" if description.startswith(FORMULAS) else description
