"""Writing the ledger in PostgreSQL."""
