"""Roles that follow the ledger: relay and projector, and the health that they show."""
