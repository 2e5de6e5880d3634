"""Faults from outside under load, and the independent checker that judges what is left."""
