"""Starts every server and role of a home on one machine, and starts again what dies."""
