"""Seals: keys and notes, where they are stored, and where else they are shown."""
