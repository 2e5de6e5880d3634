"""What queries of the log and of the read models' progress answer."""

from typing import Annotated

from msgspec import Meta

from interfaces.query_api.answers import (
    Count,
    InstantText,
    JsonObject,
    NextCursor,
    PositionNumber,
    Shape,
)


class StoredEvent(Shape, kw_only=True):
    """An event exactly as it is stored; `leaf_hash` is its leaf in the ledger's Merkle tree."""

    position: Annotated[int, Meta(ge=1)]
    event_id: str
    stream_id: str
    version: Annotated[int, Meta(ge=1)]
    type: str
    recorded_at: InstantText
    data: JsonObject
    metadata: JsonObject
    leaf_hash: Annotated[str, Meta(extra_json_schema={"contentEncoding": "base64"})]


class ProjectionState(Shape, kw_only=True):
    """How far a read model is behind the ledger, in events and in the age of the oldest."""

    name: str
    version: Annotated[int, Meta(ge=1)]
    position: PositionNumber
    lag_events: Count
    lag_seconds: Annotated[float, Meta(ge=0)]
    state: str


class StoredEvents(Shape, kw_only=True):
    """A page of events in the order of their positions."""

    items: list[StoredEvent]
    next_cursor: NextCursor


class Projections(Shape, kw_only=True):
    """A page of read models by name."""

    items: list[ProjectionState]
    next_cursor: NextCursor
