"""What can be asked of the ledger, and the ports that asking needs."""
