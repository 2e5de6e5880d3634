"""A statement as CSV (RFC 4180), for spreadsheets and scripts."""

import csv
import io

from interfaces.statements.statement import Statement

HEADER = (
    *("date", "entry_id", "payment_id", "description", "counterparty", "amount"),
    "balance_after",
)


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
            line.description or "",
            line.counterparty,
            statement.money(line.amount),
            statement.money(line.balance_after),
        )
        for line in statement.lines
    )
    return text.getvalue().encode()
