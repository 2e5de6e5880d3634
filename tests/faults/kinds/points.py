"""Processes stopped at named points of their work, found from outside without hooks in them."""

from tests.faults.kinds import Kind

KINDS: tuple[Kind, ...] = ()
