"""Compares with other ways to keep a ledger in PostgreSQL, in turns on one server."""

from bench.peers.comparison import figures

__all__ = ["figures"]
