"""The simulated database as a server: connections get lost, and transactions outlive them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from uuid import UUID

from application.commands import RecordedAnswer
from application.ports import Appended, Changes, Conflict, Loaded, OutcomeUnknown, StoreUnavailable
from domain.identifiers import WalletId
from tests.simulated_store import SimulatedBook, SimulatedStore
from tests.simulation.scheduler import FiberCondition, Scheduler

IDLE_SECONDS = 1.0
"""When the server ends a transaction whose client says nothing."""

LOCK_SECONDS = 1.5
STATEMENT_SECONDS = 2.5


@dataclass(frozen=True)
class Weather:
    """How often each thing goes wrong, from 0 to 1 for each use."""

    away: float = 0.0
    conflict: float = 0.0
    lost_before: float = 0.0
    lost_after: float = 0.0
    in_flight: float = 0.0


class Poisoned(Exception):
    """What the store says to a command that can never be stored."""


@dataclass
class Server:
    """One database with its clock; `begins_at` is in seconds UTC.

    With `alone` nobody else writes, so that no conflict comes but by chance of the weather.
    `poison` has the streams that cannot be stored; `steps_ahead` says that the clock will step;
    `stored_by` names the process whose COMMIT began a stream, and `untold` has the streams of
    COMMITs that happened and were not answered. The clock steps by `steps_when_lost` when an
    answer to COMMIT is lost, once.
    """

    scheduler: Scheduler
    begins_at: float
    weather: Weather
    alone: bool = False
    poison: set[UUID] = field(default_factory=set)
    stored_by: dict[UUID, str] = field(default_factory=dict)
    untold: set[UUID] = field(default_factory=set)
    clock_offset: float = 0.0
    steps_ahead: bool = False
    steps_when_lost: float = 0.0
    stepped_at: float = 0.0
    down_until: float = 0.0
    crashes: int = 0
    open: "list[Connection]" = field(default_factory=list)
    book: SimulatedBook = field(init=False)

    def __post_init__(self) -> None:
        """Make the book, empty."""
        self.book = SimulatedBook(
            lock_seconds=LOCK_SECONDS, clock=self.clock, freed=FiberCondition(self.scheduler)
        )

    def clock(self) -> float:
        """Return the database's own time."""
        return self.begins_at + self.scheduler.now + self.clock_offset

    def step(self, seconds: float) -> None:
        """Set the clock forth or back."""
        self.scheduler.counts["clock step"] += 1
        self.scheduler.note("clock", f"steps by {seconds:+.0f} s")
        self.clock_offset += seconds
        self.stepped_at = self.scheduler.now

    def lose_answer(self, begun: set[UUID]) -> None:
        """Note what was stored without an answer, in some worlds at the worst moment."""
        self.untold |= begun
        if self.steps_when_lost:
            self.scheduler.counts["clock step at a lost COMMIT"] += 1
            self.step(self.steps_when_lost)
            self.steps_when_lost = 0.0

    def crash(self, seconds: float) -> None:
        """End all transactions that are not committed, and be away for a while."""
        self.down_until = self.scheduler.now + seconds
        self.crashes += 1
        self.scheduler.counts["server crash"] += 1
        for connection in self.open:
            connection.lose()


class Connection:
    """Implements `application.ports.LedgerStore` for one process, with a step at each hand-over."""

    def __init__(self, server: Server, name: str) -> None:
        """Take the server; a transaction begins with each load."""
        self._server = server
        self._scheduler = server.scheduler
        self._name = name
        self._transaction: SimulatedStore | None = None
        self._loading = False
        server.open.append(self)

    def beginnings(self, streams: Sequence[UUID]) -> Mapping[UUID, RecordedAnswer]:
        """Read without a lock what never changes, a while before anything is locked."""
        self._reach()
        found = SimulatedStore(self._server.book).beginnings(streams)
        self._step()
        return found

    def load(
        self, wallets: Sequence[WalletId], streams: Sequence[UUID], goes_on: Sequence[UUID] = ()
    ) -> Loaded:
        """Lock and read, as the conformance suite says."""
        self._reach()
        self._transaction = transaction = SimulatedStore(self._server.book)
        self._loading = True
        try:
            loaded = transaction.load(wallets, streams, goes_on)
        except Conflict:
            self._transaction = None
            raise
        finally:
            self._loading = False
        if self._transaction is not transaction:
            # The server went down while this one waited for a lock.
            transaction.release()
            raise StoreUnavailable
        self._scheduler.after(IDLE_SECONDS, lambda: self._idle_too_long(transaction))
        self._step()
        return loaded

    def commit(self, changes: Changes) -> Appended:
        """Store all or nothing; what is answered is another matter."""
        self._step()
        transaction, self._transaction = self._transaction, None
        if transaction is None:
            self._scheduler.counts["woke without its transaction"] += 1
            raise OutcomeUnknown
        if not self._server.poison.isdisjoint(event.stream for event in changes.events):
            transaction.release()
            raise Poisoned
        weather = self._server.weather
        if self._fails("lost before", weather.lost_before):
            transaction.release()
            raise OutcomeUnknown
        if self._fails("in flight", weather.in_flight):
            crashes = self._server.crashes
            self._scheduler.after(
                self._scheduler.random.uniform(0, STATEMENT_SECONDS),
                lambda: self._arrive(transaction, changes, crashes),
            )
            raise OutcomeUnknown
        if self._fails("conflict", weather.conflict):
            transaction.release()
            raise Conflict
        try:
            appended = transaction.commit(changes)
        except Conflict:
            self._scheduler.counts["conflict"] += 1
            self._scheduler.expect(not self._server.alone, f"{self._name}: against itself")
            self._look_under_the_locks(changes)
            raise
        self._scheduler.note(self._name, f"commits up to {len(self._server.book.rows)}")
        begun = self._sign(changes)
        if self._fails("lost after", weather.lost_after):
            self._server.lose_answer(begun)
            raise OutcomeUnknown
        self._step()
        return appended

    def _look_under_the_locks(self, changes: Changes) -> None:
        """See why a commit was in conflict: only a key may be there, nothing else has gone on."""
        book = self._server.book
        gone_on = [
            event.stream
            for event in changes.events
            if event.version > 1 and (event.stream, event.version) in book.versions
        ]
        self._scheduler.expect(not gone_on, f"{self._name}: {gone_on} went on under its locks")
        if max(changes.decided_at, book.last_recorded) >= changes.valid_before:
            self._scheduler.counts["decided too late"] += 1

    def release(self) -> None:
        """Roll back."""
        transaction, self._transaction = self._transaction, None
        if transaction is not None:
            transaction.release()

    def abandon(self) -> None:
        """Leave as a dead process does: the server keeps the locks until it notices."""
        transaction, self._transaction = self._transaction, None
        if transaction is not None:
            self._scheduler.counts["killed in a transaction"] += 1
            self._scheduler.after(
                self._scheduler.random.uniform(0, IDLE_SECONDS), transaction.release
            )
        self._server.open.remove(self)

    def lose(self) -> None:
        """End the transaction; the process is told at its next use."""
        if self._loading:
            self._transaction = None
        else:
            self.release()

    @property
    def idle(self) -> bool:
        """Whether no transaction is open."""
        return self._transaction is None

    @property
    def _down(self) -> bool:
        return self._scheduler.now < self._server.down_until

    def _reach(self) -> None:
        self._step()
        if self._fails("away", 1.0 if self._down else self._server.weather.away):
            raise StoreUnavailable

    def _step(self) -> None:
        fiber = self._scheduler.current
        assert fiber is not None
        fiber.sleep(self._scheduler.moment())

    def _idle_too_long(self, transaction: SimulatedStore) -> None:
        if self._transaction is transaction:
            self._scheduler.counts["idle too long"] += 1
            self._scheduler.note(self._name, "is ended by the server: idle with locks")
            self.release()

    def _arrive(self, transaction: SimulatedStore, changes: Changes, crashes: int) -> None:
        """Do what was on its way, or nothing, long after it was given up."""
        if crashes != self._server.crashes or self._scheduler.happens(0.3):
            transaction.release()
            return
        try:
            transaction.commit(changes)
        except Conflict:
            return
        self._server.untold |= self._sign(changes)
        self._scheduler.counts["committed after it was given up"] += 1
        self._scheduler.note(self._name, f"late: commits up to {len(self._server.book.rows)}")

    def _sign(self, changes: Changes) -> set[UUID]:
        """Note who has committed, and return the streams that begin by it."""
        begun = {event.stream for event in changes.events if event.version == 1}
        self._server.stored_by |= dict.fromkeys(begun, self._name)
        return begun

    def _fails(self, what: str, probability: float) -> bool:
        failed = self._scheduler.happens(probability)
        if failed:
            self._scheduler.counts[what] += 1
            self._scheduler.note(self._name, what)
        return failed
