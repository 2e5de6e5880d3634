"""What a movement is for: as its payer says, else by rules of the settings."""

from collections.abc import Mapping, Sequence

from projections.wallet_reports.cash_flow import FlowRow

MAX_LENGTH = 50
"""How much of what a payer wrote is a category: it is part of cursors, which are not long."""


class Categories:
    """Rules that give a category to what has none: `counterparty:REFERENCE` and `kind:KIND`."""

    def __init__(self, rules: Mapping[str, str]) -> None:
        """Take the rules of the settings."""
        self._rules = rules

    def of(self, row: FlowRow) -> str:
        """Return the category of what moved; without any rule it is the kind of payment.

        What the payer wrote comes first, then the reference of a system wallet on the other side.
        """
        by_counterparty = self._rules.get(f"counterparty:{row.counterparty}")
        by_kind = self._rules.get(f"kind:{row.kind}", row.kind)
        return (row.category or "")[:MAX_LENGTH] or by_counterparty or by_kind

    @property
    def references(self) -> Sequence[str]:
        """The references of system wallets that have a rule."""
        begin = "counterparty:"
        return [name.removeprefix(begin) for name in self._rules if name.startswith(begin)]

    @property
    def written(self) -> str:
        """The rules as a text, which other rules do not have."""
        return repr(sorted(self._rules.items()))
