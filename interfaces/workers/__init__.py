"""Roles that follow the ledger: relay, projector, payments, sealer, and how they tell health."""
