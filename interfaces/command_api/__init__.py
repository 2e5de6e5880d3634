"""The command API: everything that changes the ledger over HTTP."""
