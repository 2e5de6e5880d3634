"""Writing the ledger in PostgreSQL: locks, heads, the append, and what a commit may answer."""
