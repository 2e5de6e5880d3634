"""Bulk import of bank transactions: reading files by profile and submitting them to the ledger."""
