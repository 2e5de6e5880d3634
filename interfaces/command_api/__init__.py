"""The commands of the ledger over HTTP, a process of its own."""
