"""A writer's real store, with its conflicts noted, or another process in its way."""

from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar
from uuid import UUID

from application.clock import ClockGuard
from application.commands import RecordedAnswer
from application.ledger import Ledger
from application.ports import Appended, Changes, Conflict, LedgerStore, Loaded
from domain.identifiers import WalletId
from infrastructure.ledger_store.opening import suspended_too
from tests.given import ISO
from tests.written import Written

Result = TypeVar("Result")


class Watched:
    """A writer's real store, with the causes of its conflicts noted."""

    def __init__(self, writer: Written) -> None:
        """Take the writer, and make a ledger over its watched store."""
        self._store = writer.store
        self.release = writer.store.release
        self.conflicts: list[BaseException | None] = []
        self.ledger = Ledger(
            self, ClockGuard(suspended_too), digits=ISO.digits, report=writer.faults.append
        )

    def beginnings(self, streams: Sequence[UUID]) -> Mapping[UUID, RecordedAnswer]:
        """Read the first events, and note a conflict."""
        return self._noting(lambda: self._store.beginnings(streams))

    def load(
        self, wallets: Sequence[WalletId], streams: Sequence[UUID], goes_on: Sequence[UUID] = ()
    ) -> Loaded:
        """Load, and note a conflict."""
        return self._noting(lambda: self._store.load(wallets, streams, goes_on))

    def commit(self, changes: Changes) -> Appended:
        """Commit, and note a conflict."""
        return self._noting(lambda: self._store.commit(changes))

    def _noting(self, call: Callable[[], Result]) -> Result:
        try:
            return call()
        except Conflict as conflict:
            self.conflicts.append(conflict.__cause__)
            raise


class Overtaken:
    """The real store, where another process is faster than the first commit."""

    def __init__(self, store: LedgerStore, other: Callable[[], object]) -> None:
        """Take the store and what the other process does."""
        self.beginnings = store.beginnings
        self.load, self.release = store.load, store.release
        self._store = store
        self._other = other
        self.commits = 0

    def commit(self, changes: Changes) -> Appended:
        """Commit, but the first time after the other one."""
        self.commits += 1
        if self.commits == 1:
            self._other()
        return self._store.commit(changes)
