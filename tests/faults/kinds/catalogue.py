"""All kinds of faults that a campaign draws from."""

from tests.faults.kinds import Kind, broker, clock, disk, network, points, processes

KINDS: tuple[Kind, ...] = (
    *processes.KINDS,
    *points.KINDS,
    *network.KINDS,
    *broker.KINDS,
    *disk.KINDS,
    *clock.KINDS,
)
