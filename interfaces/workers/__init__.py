"""Roles that follow the ledger: relay, projector, payments, and the health that they show."""
