"""Checkpoints: how far each projection has come, guarded so that no event is applied twice."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

import psycopg
from psycopg import sql

from domain.identifiers import event_id
from projections.contract import Applied, Cursor, Projection

State = Literal["following", "catching-up", "rebuilding", "diverged", "outdated", "found-wrong"]

READ = """
    SELECT projection, version, store, position, event_id, recorded_at, epoch FROM checkpoint
    WHERE projection = ANY(%s)"""
ADVANCE = """
    UPDATE checkpoint c
    SET position = %s, event_id = %s, recorded_at = %s, state = %s, reason = NULL,
        updated_at = clock_timestamp()
    FROM unnest(%s::text[], %s::integer[]) AS p (projection, version)
    WHERE c.projection = p.projection AND c.version = p.version
        AND c.position = %s AND c.store = %s AND c.epoch = %s
    RETURNING c.projection"""
MARK = """
    UPDATE checkpoint SET state = %s, reason = %s, updated_at = clock_timestamp()
    WHERE projection = ANY(%s) AND (state, reason) IS DISTINCT FROM (%s, %s)"""


class Superseded(Exception):
    """Another projector has moved the checkpoint: what was applied here is rolled back."""


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """The last event that a projection has applied, 0 and none before the first."""

    projection: str
    version: int
    store: UUID
    position: int
    event_id: str | None
    recorded_at: datetime | None
    epoch: int


def read_checkpoints(
    connection: psycopg.Connection[Any],
    projections: Iterable[Projection],
    store: UUID,
    epoch: int,
) -> dict[str, Checkpoint]:
    """Return each projection's checkpoint; one that has none begins at 0 of this store."""
    wanted = list(projections)
    with connection.transaction(), connection.cursor() as cursor:
        cursor.executemany(
            "INSERT INTO checkpoint (projection, version, store, epoch) VALUES (%s, %s, %s, %s)"
            " ON CONFLICT (projection) DO NOTHING",
            [(p.name, p.version, store, epoch) for p in wanted],
        )
        rows = cursor.execute(READ, [[p.name for p in wanted]]).fetchall()
    return {row[0]: Checkpoint(*row) for row in rows}


def advance(
    cursor: Cursor,
    projections: Sequence[Projection],
    store: UUID,
    epoch: int,
    expected: int,
    last: Applied,
    state: State,
) -> None:
    """Move checkpoints from the expected position to an event's; the first write of a transaction.

    Raises `Superseded` unless all of them stood where they were expected.
    """
    event = event_id(last.stream_id, last.version)
    names = [p.name for p in projections]
    versions = [p.version for p in projections]
    moved = cursor.execute(
        ADVANCE,
        [last.position, event, last.recorded_at, state, names, versions, expected, store, epoch],
    ).fetchall()
    if len(moved) != len(names):
        raise Superseded


def mark(
    connection: psycopg.Connection[Any], names: Sequence[str], state: State, reason: str | None
) -> None:
    """Say beside checkpoints how their projections are, without moving them."""
    connection.execute(MARK, [state, reason, list(names), state, reason])


def reset(connection: psycopg.Connection[Any], projection: Projection, store: UUID) -> None:
    """Forget all rows of a projection, so that it is built again from the first event."""
    with connection.transaction():
        # Millions of rows take longer than any other statement may.
        connection.execute("SET LOCAL statement_timeout = 0")
        # The checkpoint comes first: whoever writes rows has its lock.
        connection.execute(
            "INSERT INTO checkpoint (projection, version, store) VALUES (%s, %s, %s)"
            " ON CONFLICT (projection) DO UPDATE SET version = excluded.version,"
            " store = excluded.store, position = 0, event_id = NULL, recorded_at = NULL,"
            " state = 'catching-up', reason = NULL, updated_at = clock_timestamp()",
            [projection.name, projection.version, store],
        )
        for table in projection.tables:
            connection.execute(sql.SQL("DELETE FROM {}").format(sql.Identifier(table)))


def begin_epoch(
    connection: psycopg.Connection[Any], projections: Iterable[Projection], store: UUID, epoch: int
) -> None:
    """Forget the rows of all projections at once, as they tell of a past that is void."""
    with connection.transaction():
        for projection in projections:
            reset(connection, projection, store)
            connection.execute(
                "UPDATE checkpoint SET epoch = %s WHERE projection = %s", [epoch, projection.name]
            )
