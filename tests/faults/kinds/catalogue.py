"""All kinds of faults that a campaign draws from."""

from tests.faults.kinds import (
    Kind,
    broker,
    clock,
    disk,
    network,
    operations,
    points,
    processes,
    sealing,
)

KINDS: tuple[Kind, ...] = (
    *processes.KINDS,
    *points.KINDS,
    *sealing.KINDS,
    *operations.KINDS,
    *network.KINDS,
    *broker.KINDS,
    *disk.KINDS,
    *clock.KINDS,
)
