"""The worker that feeds all projections of a process: each event once, in order, whole commands."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any
from uuid import UUID

import psycopg

from domain.identifiers import event_id
from domain.instants import moment
from projections.checkpoints import (
    Checkpoint,
    State,
    advance,
    begin_epoch,
    mark,
    read_checkpoints,
    reset,
)
from projections.contract import Applied, Projection
from projections.sources import Source, Store
from projections.transactions import FEW, transaction

CHECK_SECONDS = 1.0
"""How often the store is asked whether it still has what was applied."""

SILENCE_SECONDS = 5.0
"""How long a source may bring nothing that the store has before it has to look again."""


class Halted(Exception):
    """Nothing may be applied until somebody acts; the message says why and the remedy."""

    state: State


class Diverged(Halted):
    """The read models have seen events that the store does not have."""

    state: State = "diverged"


class EpochBegun(Halted):
    """The ledger's past was replaced and its topic with it: connect anew, and begin."""

    state: State = "catching-up"


class Outdated(Halted):
    """A newer version of this code has written the read models."""

    state: State = "outdated"


class Worker:
    """Applies a ledger's events to projections over one connection in autocommit.

    Projections at the highest checkpoint follow the source together; one that is behind them
    catches up from the store, a chunk between two of the others, and then joins them.
    """

    def __init__(
        self,
        projections: Sequence[Projection],
        connection: psycopg.Connection[Any],
        store: Store,
        source: Source,
        *,
        epoch: int = 1,
        limit: int = 50_000,
        few: int = FEW,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """Take what to feed, where the rows go, and where events come from; touch nothing yet.

        `epoch` is that of the store for which the source was made; `limit` is how many events
        are applied in one transaction, whole commands apart, and `few` in a pipeline.
        """
        self._projections = {p.name: p for p in projections}
        self._connection = connection
        self._store = store
        self._source = source
        self._limit = limit
        self._few = few
        self._monotonic = monotonic
        self._store_id = UUID(int=0)
        self._epoch = epoch
        self._checkpoints: dict[str, Checkpoint] = {}
        self._incoming: list[Applied] = []
        self._pending: list[Applied] = []
        self._last = 0
        self._head = 0
        self._check_due = 0.0
        self._heard = 0.0

    @property
    def checkpoints(self) -> Mapping[str, Checkpoint]:
        """How far each projection is."""
        return self._checkpoints

    @property
    def head(self) -> int:
        """The store's last position when it was last looked at, or what came since."""
        return max(self._head, self._last)

    def begin(self) -> None:
        """Read the checkpoints and go on from there; raises `Halted`."""
        self._store_id = self._store.store_id()
        known = self._read_checkpoints()
        if any(checkpoint.epoch < self._epoch for checkpoint in known.values()):
            begin_epoch(self._connection, self._projections.values(), self._store_id, self._epoch)
            known = self._read_checkpoints()
        for name, projection in self._projections.items():
            if known[name].version > projection.version:
                raise self._halt(Outdated(_NEWER.format(name=name)))
            if known[name].version < projection.version:
                reset(self._connection, projection, self._store_id)
        self._checkpoints = self._read_checkpoints()
        self._go_on_from(max(c.position for c in self._checkpoints.values()))
        self.check()
        for projection in self._projections.values():
            behind = self._checkpoints[projection.name].position < self._last
            state: State = "catching-up" if behind else "following"
            mark(self._connection, [projection.name], state, None)

    def _read_checkpoints(self) -> dict[str, Checkpoint]:
        wanted = self._projections.values()
        return read_checkpoints(self._connection, wanted, self._store_id, self._epoch)

    def step(self, wait_seconds: float) -> int:
        """Apply what has come, waiting a while for something; return how many events it was.

        Raises `Superseded` when another projector was first, then `begin` again; `Halted`.
        """
        if self._monotonic() >= self._check_due:
            self.check()
        caught_up = self._catch_up()
        self._gather(0.0 if caught_up else wait_seconds)
        whole = whole_commands(self._pending)
        if whole:
            self._apply(self._at(self._live_position()), whole, "following")
            del self._pending[: len(whole)]
        return caught_up + len(whole)

    def check(self) -> None:
        """Compare the checkpoints with the store; raises `Diverged` when they do not fit."""
        self._check_due = self._monotonic() + CHECK_SECONDS
        store_id = self._store.store_id()
        if self._store.epoch() != self._epoch:
            raise EpochBegun("A new epoch has begun: the read models are built again.")
        self._head = self._store.head()
        for checkpoint in {c.position: c for c in self._checkpoints.values()}.values():
            self._compare(checkpoint, store_id)
        if self._head > self._last and self._monotonic() - self._heard > SILENCE_SECONDS:
            self._go_on_from(self._live_position())

    def _compare(self, checkpoint: Checkpoint, store_id: UUID) -> None:
        position = checkpoint.position
        if checkpoint.store != store_id:
            raise self._halt(Diverged(_OTHER_STORE.format(other=store_id, ours=checkpoint.store)))
        if checkpoint.epoch > self._epoch:
            sentence = _OTHER_EPOCH.format(other=self._epoch, ours=checkpoint.epoch)
            raise self._halt(Diverged(sentence))
        if position == 0:
            return
        events = self._store.after(position - 1, 1)
        if not events or events[0].position != position:
            raise self._halt(Diverged(_TOO_SHORT.format(head=self._head, position=position)))
        # The same wallet may be at the same version there in another past, at another time.
        at = moment(events[0].recorded_at)
        found = (event_id(events[0].stream_id, events[0].version), at)
        if found != (checkpoint.event_id, checkpoint.recorded_at):
            raise self._halt(Diverged(_OTHER_EVENT.format(position=position)))

    def _halt(self, halted: Halted) -> Halted:
        mark(self._connection, list(self._projections), halted.state, str(halted))
        return halted

    def _go_on_from(self, position: int) -> None:
        self._incoming.clear()
        self._pending.clear()
        self._last = position
        self._heard = self._monotonic()
        self._source.seek(position)

    def _live_position(self) -> int:
        return max(c.position for c in self._checkpoints.values())

    def _at(self, position: int) -> list[Projection]:
        return [
            p for n, p in self._projections.items() if self._checkpoints[n].position == position
        ]

    def _catch_up(self) -> int:
        """Apply one chunk to those furthest behind, never past where the others are."""
        position = min(c.position for c in self._checkpoints.values())
        live = self._live_position()
        if position == live:
            return 0
        limit = self._limit
        while True:
            events = self._store.after(position, min(limit, live - position))
            whole = whole_commands(events)
            if whole:
                joins = whole[-1].position == live
                self._apply(self._at(position), whole, "following" if joins else "catching-up")
                return len(whole)
            assert limit < live - position, "every checkpoint is at the end of a command"
            limit *= 2

    def _gather(self, wait_seconds: float) -> None:
        """Move what the source brings behind what is pending, holes filled from the store."""
        if not self._incoming:
            taken = self._source.take(self._limit, wait_seconds)
            self._incoming.extend(taken.events)
            if taken.doubtful:
                self._accept(self._store.after(self._last, self._limit))
        while self._incoming:
            first = self._incoming[0].position
            if first == self._last + 1:
                run = _consecutive(self._incoming)
                self._accept(self._incoming[:run])
                del self._incoming[:run]
            elif first <= self._last:
                # It has been applied already: the source brought it twice.
                del self._incoming[0]
            else:
                self._fill(first)
                return

    def _fill(self, position: int) -> None:
        """Read what is missing before a position from the store, a chunk at a time."""
        missing = self._store.after(self._last, self._limit)
        if not missing:
            self.check()
            raise self._halt(Diverged(_TOO_SHORT.format(head=self._head, position=position)))
        self._accept(missing)

    def _accept(self, events: Sequence[Applied]) -> None:
        if events:
            self._pending.extend(events)
            self._last = events[-1].position
            self._heard = self._monotonic()

    def _apply(
        self, projections: Sequence[Projection], events: Sequence[Applied], state: State
    ) -> None:
        """Apply whole commands to projections that stand at one place, in one transaction."""
        before = self._checkpoints[projections[0].name]
        last = events[-1]
        assert events[0].position == before.position + 1, "events are applied without a hole"
        with transaction(self._connection, pipelined=len(events) <= self._few) as cursor:
            advance(cursor, projections, self._store_id, self._epoch, before.position, last, state)
            for projection in projections:
                projection.apply(events, cursor)
        reached = event_id(last.stream_id, last.version)
        for projection in projections:
            self._checkpoints[projection.name] = replace(
                self._checkpoints[projection.name],
                position=last.position,
                event_id=reached,
                recorded_at=moment(last.recorded_at),
            )


def _consecutive(events: Sequence[Applied]) -> int:
    """Return how many events follow each other without a hole from the first on."""
    expected = events[0].position
    for count, event in enumerate(events):
        if event.position != expected + count:
            return count
    return len(events)


def whole_commands(events: Sequence[Applied]) -> Sequence[Applied]:
    """Return the events up to the last that ends a command."""
    for place in range(len(events), 0, -1):
        if events[place - 1].index == events[place - 1].count - 1:
            return events[:place]
    return []


_REMEDY = (
    " If the store was restored from an older copy, restore a newer one; to keep this one, run"
    " ./falcon recover, which begins a new topic and new read models."
)
_OTHER_STORE = (
    "The read models were built from the store {ours} and the ledger is the store {other}."
    + _REMEDY
)
_OTHER_EPOCH = (
    "The read models were built in epoch {ours} and the ledger is in epoch {other}." + _REMEDY
)
_TOO_SHORT = "The store ends at position {head} and {position} has been seen already." + _REMEDY
_OTHER_EVENT = (
    "The store has another event at position {position} than the one that was applied." + _REMEDY
)
_NEWER = "The read model {name} was written by a newer version: start that version or a later one."
