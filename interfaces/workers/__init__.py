"""Roles that follow the ledger: relay, projector, payments, sealer, and the health that they show."""
