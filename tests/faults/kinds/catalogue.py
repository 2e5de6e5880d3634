"""All kinds of faults that a campaign draws from."""

from tests.faults.kinds import Kind, points, processes

KINDS: tuple[Kind, ...] = (*processes.KINDS, *points.KINDS)
