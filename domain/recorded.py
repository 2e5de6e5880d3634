"""An event as it is recorded: its bytes, its place in the one order, and who caused it."""

from domain.events import Side
from domain.identifiers import StreamId
from domain.instants import Instant
from domain.values import dataclass


@dataclass(frozen=True, slots=True)
class Actor:
    """Who gave a command, with which client and by which right."""

    sub: str
    client_id: str
    right: Side


@dataclass(frozen=True, slots=True)
class EventMetadata:
    """What is kept beside an event: its command, its place in it, and on the first the actor.

    `index` counts from 0 within the `count` events of a command, which stand side by side.
    """

    command_id: str
    index: int
    count: int
    actor: Actor | None = None
    answer_version: int | None = None
    fingerprint: str | None = None
    traceparent: str | None = None


@dataclass(frozen=True, slots=True)
class RecordedEvent:
    """One row of the event store, not decoded; positions and versions count from 1."""

    position: int
    stream_id: StreamId
    version: int
    type: str
    data: bytes
    metadata: bytes
    recorded_at: Instant
