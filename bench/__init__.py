"""Measures what this machine reaches: each figure beside its goal, on a throw-away home."""
