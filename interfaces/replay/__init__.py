"""Replay: folds the stored events anew, sharing no fold with the ledger or the read models."""
