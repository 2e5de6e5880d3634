"""How the ledger is reached: HTTP, workers, command line."""
