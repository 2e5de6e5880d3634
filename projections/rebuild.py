"""Builds one projection's rows anew, in tables of their own, while others serve."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import psycopg

from domain.identifiers import event_id
from domain.instants import moment
from projections.checkpoints import Checkpoint, State, advance, mark, read_checkpoints
from projections.contract import Applied, Projection
from projections.sources import Store
from projections.worker import whole_commands

FOUND_WRONG: State = "found-wrong"
"""The state of rows that a comparison has not confirmed: they are never gone on from."""


class Build:
    """Rows that grow from the event store over a connection which reaches their tables alone.

    The connection is in autocommit; its search_path is the schema of the new tables, which have a
    checkpoint of their own. What a commit says stays, so a build goes on where another has ended.
    """

    def __init__(
        self,
        projection: Projection,
        connection: psycopg.Connection[Any],
        store: Store,
        limit: int = 20_000,
    ) -> None:
        """Take what to build, where, and from what; `limit` is how many events a commit has."""
        self._projection = projection
        self._connection = connection
        self._store = store
        self._limit = limit
        self._checkpoint = self._read()

    @property
    def position(self) -> int:
        """The last position whose event is in the rows."""
        return self._checkpoint.position

    def _read(self) -> Checkpoint:
        place = (self._store.store_id(), self._store.epoch())
        found = read_checkpoints(self._connection, [self._projection], *place)
        return found[self._projection.name]

    def may_go_on(self) -> bool:
        """Say whether the rows are of this version and of the store's own past."""
        known = self._checkpoint
        ((state,),) = self._connection.execute(
            "SELECT state FROM checkpoint WHERE projection = %s", [known.projection]
        )
        return (
            state != FOUND_WRONG
            and known.version == self._projection.version
            and stands_in(known, self._store)
        )

    def advance_to(self, position: int) -> Iterator[int]:
        """Apply all events up to a position at which a command ends, and tell each one reached."""
        while self.position < position:
            self._apply(self._next(position))
            yield self.position

    def condemn(self, reason: str) -> None:
        """Note that the rows are wrong, so that nobody goes on from them."""
        mark(self._connection, [self._projection.name], FOUND_WRONG, reason)

    def _next(self, until: int) -> Sequence[Applied]:
        """Return whole commands behind the last position, at least one."""
        limit = self._limit
        while True:
            wanted = min(limit, until - self.position)
            whole = whole_commands(self._store.after(self.position, wanted))
            if whole:
                return whole
            assert limit < until - self.position, "what is built ends with the end of a command"
            limit *= 2

    def _apply(self, events: Sequence[Applied]) -> None:
        known, last = self._checkpoint, events[-1]
        assert events[0].position == known.position + 1, "events are applied without a hole"
        with self._connection.transaction(), self._connection.cursor() as cursor:
            place = (known.store, known.epoch, known.position)
            advance(cursor, [self._projection], *place, last, "catching-up")
            self._projection.apply(events, cursor)
        self._checkpoint = replace(
            known,
            position=last.position,
            event_id=event_id(last.stream_id, last.version),
            recorded_at=moment(last.recorded_at),
        )


def stands_in(checkpoint: Checkpoint, store: Store) -> bool:
    """Say whether what a checkpoint has seen last is in the store, in its present epoch."""
    if (checkpoint.store, checkpoint.epoch) != (store.store_id(), store.epoch()):
        return False
    if checkpoint.position == 0:
        return True
    found = store.after(checkpoint.position - 1, 1)
    return bool(found) and (
        found[0].position,
        event_id(found[0].stream_id, found[0].version),
        moment(found[0].recorded_at),
    ) == (checkpoint.position, checkpoint.event_id, checkpoint.recorded_at)
