"""What an import came to: counts, differences to the file's own balances, and why."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from rich.console import Console
from rich.table import Table

from domain.money import Currencies
from interfaces.importing.balances import Cause, Difference
from interfaces.importing.rows import BadLine
from interfaces.importing.run import Tally

CAUSES: Mapping[Cause, str] = {
    "rounding": "the file's balances are rounded",
    "row-missing": "the file's balance counts money that none of its rows moves",
    "refused": "the ledger refused rows of the account",
    "other-payments": "the wallet has payments from elsewhere",
}
SHOWN = 20
"""How many differences and bad lines people are shown; JSON has them all."""


@dataclass(frozen=True, slots=True)
class Report:
    """One run of an import; `differences` is none when it ended before the file did."""

    rows: int
    tally: Tally
    accounts: int
    bad: list[BadLine]
    differences: list[Difference] | None
    seconds: float
    stopped: str | None
    """Why the run ended before the file did, as one sentence."""
    exit_code: int

    def fields(self, currencies: Currencies) -> dict[str, Any]:
        """Return the report as JSON has it."""
        found = self.differences
        return {
            "rows": self.rows,
            "accepted": self.tally.accepted,
            "refused": self.tally.refused,
            "already_there": self.tally.already_there,
            "accounts": self.accounts,
            "differences": None if found is None else len(found),
            "seconds": round(self.seconds, 3),
            "rows_per_second": round(self.tally.done / self.seconds, 1),
            "already_refused": self.tally.already_refused,
            "refusals": dict(self.tally.refusals),
            "skipped": len(self.bad),
            "stopped": self.stopped,
            "causes": dict(Counter(difference.cause for difference in found or [])),
            "differing": [_difference(difference, currencies) for difference in found or []],
            "bad": [{"line": bad.line, "reason": bad.reason} for bad in self.bad],
        }

    def show(self, console: Console, currencies: Currencies) -> None:
        """Print the report for people."""
        fields = self.fields(currencies)
        table = Table(show_header=False)
        for name in ("rows", "accepted", "refused", "already_there", "accounts", "differences"):
            count = fields[name]
            table.add_row(name.replace("_", " "), "-" if count is None else f"{count:,}")
        table.add_row("skipped", f"{len(self.bad):,}")
        table.add_row("seconds", f"{self.seconds:.1f} ({fields['rows_per_second']:,.0f} rows/s)")
        console.print(table)
        for bad in self.bad[:SHOWN]:
            console.print(f"Skipped line {bad.line}: {bad.reason}", markup=False, highlight=False)
        _more(console, len(self.bad), "lines were skipped")
        self._show_differences(console, currencies)

    def _show_differences(self, console: Console, currencies: Currencies) -> None:
        found = self.differences or []
        for cause, count in Counter(difference.cause for difference in found).items():
            console.print(
                f"{count:,} of {self.accounts:,} accounts differ from the file's own balances:"
                f" {CAUSES[cause]}.",
                highlight=False,
            )
        # Rounding is told as a number, since it says nothing about a single account.
        notable = [difference for difference in found if difference.cause != "rounding"]
        if not notable:
            return
        table = Table("account", "currency", "ledger", "file", "cause")
        for difference in notable[:SHOWN]:
            table.add_row(*(str(text) for text in _difference(difference, currencies).values()))
        console.print(table)
        _more(console, len(notable), "accounts differ")


def _difference(difference: Difference, currencies: Currencies) -> dict[str, str]:
    return {
        "account": difference.account,
        "currency": difference.currency,
        "ledger": currencies.format(difference.ledger, difference.currency),
        "file": currencies.format(difference.file, difference.currency),
        "cause": difference.cause,
    }


def _more(console: Console, count: int, what: str) -> None:
    if count > SHOWN:
        console.print(f"{count - SHOWN:,} more {what}: --json lists them all.", highlight=False)
