"""Pure decisions and facts of the ledger, in the standard library only."""
