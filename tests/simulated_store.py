"""A store of the ledger in memory that fails at will, held to what PostgreSQL's store does."""

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from enum import Enum
from uuid import UUID

from application.commands import RecordedAnswer
from application.ports import (
    Appended,
    Changes,
    Conflict,
    Loaded,
    OutcomeUnknown,
    PlannedEvent,
    StoreUnavailable,
)
from domain.events import Event
from domain.identifiers import WalletId, stream_id
from domain.instants import Instant, instant
from domain.recorded import RecordedEvent
from domain.wallets import Wallet
from infrastructure.event_codec import EventCodec


class Fault(Enum):
    """What may go wrong in one use of the store."""

    AWAY = "the store cannot be reached, nothing was done"
    CONFLICT = "another transaction came in between, nothing was done"
    LOST_BEFORE = "the connection was lost at COMMIT, which did not happen"
    LOST_AFTER = "the connection was lost at COMMIT, which happened"


Faults = Callable[[str], Fault | None]
"""Says what goes wrong in this use of `load` or `commit`."""


@dataclass
class SimulatedBook:
    """What all connections share: events, heads and locks; the clock is UTC seconds."""

    lock_seconds: float = 1.0
    clock: Callable[[], float] = time.time
    codec: EventCodec = field(default_factory=EventCodec)
    rows: list[RecordedEvent] = field(default_factory=list)
    heads: dict[WalletId, Wallet] = field(default_factory=dict)
    firsts: dict[UUID, RecordedEvent] = field(default_factory=dict)
    lasts: dict[UUID, RecordedEvent] = field(default_factory=dict)
    versions: set[tuple[UUID, int]] = field(default_factory=set)
    closed_through: str | None = None
    holders: dict[WalletId, "SimulatedStore"] = field(default_factory=dict)
    freed: threading.Condition = field(default_factory=threading.Condition)

    @property
    def last_recorded(self) -> Instant:
        """The time of the last event, before all times when there is none."""
        return self.rows[-1].recorded_at if self.rows else Instant("")

    def closed_after(self, changes: Changes) -> str | None:
        """Return the last closed day as it would be with the changes."""
        days = [self.closed_through, *(day for day, _ in changes.closed)]
        return max((day for day in days if day is not None), default=None)

    def append(self, events: Sequence[PlannedEvent], recorded_at: Instant) -> int:
        """Add all events at the end, or none where one cannot be encoded; return where."""
        first = len(self.rows) + 1
        rows = [
            self._row(first + index, planned, recorded_at) for index, planned in enumerate(events)
        ]
        self.rows += rows
        self.versions |= {(planned.stream, planned.version) for planned in events}
        for planned, row in zip(events, rows, strict=True):
            if planned.version == 1:
                self.firsts[planned.stream] = row
            self.lasts[planned.stream] = row
        return first

    def _row(self, position: int, planned: PlannedEvent, recorded_at: Instant) -> RecordedEvent:
        type_name, state = self.codec.encode(planned.event)
        return RecordedEvent(
            position=position,
            stream_id=stream_id(type_name, planned.stream),
            version=planned.version,
            type=type_name,
            data=state,
            metadata=self.codec.encode_metadata(planned.metadata),
            recorded_at=recorded_at,
        )

    def answer(self, stream: UUID) -> RecordedAnswer:
        """Return the event that begins a stream, read from its bytes."""
        row = self.firsts[stream]
        return RecordedAnswer(
            event=self.codec.decode(row.type, row.data),
            metadata=self.codec.decode_metadata(row.metadata),
            position=row.position,
            recorded_at=row.recorded_at,
        )

    def last(self, stream: UUID) -> tuple[int, Event]:
        """Return the version and the last event of a stream, read from its bytes."""
        row = self.lasts[stream]
        return row.version, self.codec.decode(row.type, row.data)


class SimulatedStore:
    """Implements `application.ports.LedgerStore`: one connection to a book.

    `faults` is asked before each use; `between` runs between a load and its commit.
    """

    def __init__(
        self,
        book: SimulatedBook,
        faults: Faults = lambda _use: None,
        between: Callable[[], None] = lambda: None,
    ) -> None:
        self._book = book
        self._faults = faults
        self._between = between
        self._locked: set[WalletId] | None = None

    def beginnings(self, streams: Sequence[UUID]) -> dict[UUID, RecordedAnswer]:
        """Return what never changes."""
        self._fail(self._faults("load"))
        with self._book.freed:
            return {each: self._book.answer(each) for each in streams if each in self._book.firsts}

    def load(
        self, wallets: Sequence[WalletId], streams: Sequence[UUID], goes_on: Sequence[UUID] = ()
    ) -> Loaded:
        """Lock the wallets that exist, one by one in id order, and read."""
        assert self._locked is None, "one batch at a time"
        self._fail(self._faults("load"))
        book = self._book
        with book.freed:
            self._locked = set()
            for name in sorted(wallets):
                self._lock(name)
            now = book.clock()
            moment = instant(datetime.fromtimestamp(now, UTC))
            return Loaded(
                wallets={name: book.heads[name] for name in wallets if name in book.heads},
                answers={each: book.answer(each) for each in streams if each in book.firsts},
                lasts={each: book.last(each) for each in goes_on if each in book.lasts},
                clock=now,
                closed_through=book.closed_through,
                decided_at=max(moment, book.last_recorded),
            )

    def commit(self, changes: Changes) -> Appended:
        """Store all or nothing, whatever is answered."""
        if self._locked is None:
            raise StoreUnavailable
        self._between()
        fault = self._faults("commit")
        if fault is not Fault.LOST_AFTER:
            self._fail(fault)
        with self._book.freed:
            try:
                appended = self._store(changes)
            finally:
                self._end()
        if fault is Fault.LOST_AFTER:
            raise OutcomeUnknown
        return appended

    def release(self) -> None:
        """End the transaction without any change."""
        with self._book.freed:
            self._end()

    def _lock(self, name: WalletId) -> None:
        assert self._locked is not None
        book = self._book
        if name not in book.heads:
            return
        if not book.freed.wait_for(lambda: name not in book.holders, book.lock_seconds):
            self._end()
            raise Conflict
        book.holders[name] = self
        self._locked.add(name)

    def _store(self, changes: Changes) -> Appended:
        book, locked = self._book, self._locked
        assert locked is not None
        assert {wallet.wallet_id for wallet in changes.changed} <= locked, "changed unlocked"
        recorded_at = max(changes.decided_at, book.last_recorded)
        planned = [(event.stream, event.version) for event in changes.events]
        if (
            recorded_at >= changes.valid_before
            or book.closed_after(changes) != changes.closed_through
            or len(set(planned)) < len(planned)
            or not book.versions.isdisjoint(planned)
            or any(wallet.wallet_id in book.heads for wallet in changes.opened)
        ):
            raise Conflict
        first = book.append(changes.events, recorded_at)
        book.closed_through = changes.closed_through
        for wallet in changes.changed:
            rules = book.heads[wallet.wallet_id].rules
            book.heads[wallet.wallet_id] = replace(wallet, rules=rules)
        for wallet in (*changes.ruled, *changes.opened):
            book.heads[wallet.wallet_id] = wallet
        return Appended(first, recorded_at)

    def _fail(self, fault: Fault | None) -> None:
        if fault is None:
            return
        self.release()
        raise {
            Fault.AWAY: StoreUnavailable,
            Fault.CONFLICT: Conflict,
            Fault.LOST_BEFORE: OutcomeUnknown,
        }[fault]

    def _end(self) -> None:
        for name in self._locked or ():
            del self._book.holders[name]
        self._locked = None
        self._book.freed.notify_all()
