"""What the ledger needs of a store, and how a store says that something went wrong."""

from collections.abc import Mapping, Sequence
from typing import Protocol
from uuid import UUID

from application.commands import RecordedAnswer
from domain.events import Event
from domain.identifiers import WalletId
from domain.instants import Instant
from domain.recorded import EventMetadata
from domain.values import dataclass
from domain.wallets import Wallet


class StoreUnavailable(Exception):
    """The store cannot be reached, and nothing of the batch was done."""


class OutcomeUnknown(Exception):
    """The connection was lost at COMMIT: the batch is stored whole or not at all."""


class Conflict(Exception):
    """Another transaction came in between, and nothing of the batch was done: run it again."""


@dataclass(frozen=True, slots=True)
class Loaded:
    """What a batch is decided on; the wallets stay locked until the commit or release.

    `clock` is the store's clock in seconds, `decided_at` the later of it and the last event's time.
    `lasts` has the version and the last event of each stream that the batch goes on. Up to the day
    `closed_through` periods are closed for value dates.
    """

    wallets: Mapping[WalletId, Wallet]
    answers: Mapping[UUID, RecordedAnswer]
    lasts: Mapping[UUID, tuple[int, Event]]
    clock: float
    decided_at: Instant
    closed_through: str | None = None


@dataclass(frozen=True, slots=True)
class PlannedEvent:
    """An event with its place in its stream, before it has a position."""

    stream: UUID
    version: int
    event: Event
    metadata: EventMetadata


@dataclass(frozen=True, slots=True)
class Changes:
    """All that one batch stores, in order; not valid any more at `valid_before`.

    Of the wallets that have changed, `ruled` are those of which more changed than money. `closed`
    has the last days of periods that the batch closes and the streams that say so; the changes hold
    only where no other period than up to `closed_through`, these included, is closed.
    """

    changed: Sequence[Wallet]
    ruled: Sequence[Wallet]
    opened: Sequence[Wallet]
    events: Sequence[PlannedEvent]
    decided_at: Instant
    valid_before: Instant
    closed_through: str | None = None
    closed: Sequence[tuple[str, UUID]] = ()


@dataclass(frozen=True, slots=True)
class Appended:
    """Where a batch's events stand: consecutive from the first position, all of one time."""

    first_position: int
    recorded_at: Instant


class LedgerStore(Protocol):
    """A transactional store of events and wallets; one batch at a time.

    Each method raises `StoreUnavailable`, `Conflict`, or, only `commit`, `OutcomeUnknown`; after
    any exception the transaction is over.
    """

    def beginnings(self, streams: Sequence[UUID]) -> Mapping[UUID, RecordedAnswer]:
        """Return the first events of streams, which never change: no lock is needed."""
        ...

    def load(
        self, wallets: Sequence[WalletId], streams: Sequence[UUID], goes_on: Sequence[UUID] = ()
    ) -> Loaded:
        """Lock the wallets in id order, then read the clock and the streams' first events.

        Of the streams that the batch goes on, the last events are read, too.
        """
        ...

    def commit(self, changes: Changes) -> Appended:
        """Store all changes in one transaction, durably when this returns."""
        ...

    def release(self) -> None:
        """End the transaction without any change."""
        ...
