"""All kinds of faults that a campaign draws from."""

from tests.faults.kinds import (
    Kind,
    broker,
    clock,
    disk,
    moving,
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
    *moving.KINDS,
    *network.KINDS,
    *broker.KINDS,
    *disk.KINDS,
    *clock.KINDS,
)
