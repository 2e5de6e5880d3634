"""Everything that shows the ledger keeps its promises."""
