"""The ledger: runs batches against the store until each piece of work has its outcome."""

import random
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from uuid import UUID

from application.batch import BatchPlan
from application.clock import ClockGuard
from application.commands import (
    AtomicBatch,
    ClockUnsure,
    Defect,
    DryRun,
    Outcome,
    RecordedAnswer,
    Submission,
    Unavailable,
    Work,
)
from application.ports import Conflict, LedgerStore, OutcomeUnknown, StoreUnavailable
from application.subjects import goes_on, opened, wallets_of
from domain.identifiers import WalletId

TRIES = 2
"""How often a batch is run before it is cut in two to find what makes it fail."""


class Ledger:
    """Decides and stores work in batches; one caller at a time, as the store has one connection."""

    def __init__(
        self,
        store: LedgerStore,
        clock: ClockGuard,
        *,
        digits: Callable[[str], int],
        report: Callable[[Exception], None],
        patience_seconds: float = 4.0,
        monotonic: Callable[[], float] = time.monotonic,
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        """Take the store, the clock's guard, and how long to try while the store is away.

        `digits` knows the minor digits of each currency of the ledger.
        `report` is told of every exception that ends a command as a `Defect`, and of the last
        loss of the store when patience has ended.
        """
        self._store = store
        self._clock = clock
        self._digits = digits
        self._patience = patience_seconds
        self._monotonic = monotonic
        self._pause = pause
        self._report = report

    def execute(self, works: Sequence[Work]) -> list[Outcome]:
        """Return the outcome of each piece of work, in order; accepted ones are durable.

        Never raises for what the store does: work without a decision ends as `Unanswered`,
        a command that fails on its own again and again as `Defect`.
        """
        return self._execute(works, self._monotonic() + self._patience, set())

    def _execute(
        self, works: Sequence[Work], deadline: float, attempted: set[UUID]
    ) -> list[Outcome]:
        fault: Exception = Conflict()
        loss: Exception | None = None
        failures = 0
        while failures < TRIES:
            if self._monotonic() >= deadline:
                if loss is not None:
                    self._report(loss)
                return [Unavailable()] * len(works)
            try:
                return self._run(works, attempted)
            except ClockUnsure as unsure:
                # What an earlier run lost at COMMIT may be done: then it is not said to be undone.
                return [
                    unsure if attempted.isdisjoint(_keys(work)) else Unavailable() for work in works
                ]
            except (StoreUnavailable, OutcomeUnknown) as lost:
                # What was lost at COMMIT is looked up by the next run under its locks, before
                # anything is decided again.
                loss = lost
                self._pause(random.uniform(0.02, 0.1))  # noqa: S311 - jitter, no secret
            except Conflict as conflict:
                fault, failures = conflict, failures + 1
                self._pause(random.uniform(0.0, 0.01) * failures)  # noqa: S311 - jitter
            except Exception as exception:  # noqa: BLE001 - one poisonous command must end alone
                fault, failures = exception, TRIES
        return self._bisect(works, deadline, attempted, fault)

    def _bisect(
        self, works: Sequence[Work], deadline: float, attempted: set[UUID], fault: Exception
    ) -> list[Outcome]:
        if len(works) == 1:
            if isinstance(fault, Conflict):
                return [Unavailable()]
            self._report(fault)
            return [Defect()]
        middle = len(works) // 2
        return [
            *self._execute(works[:middle], deadline, attempted),
            *self._execute(works[middle:], deadline, attempted),
        ]

    def _run(self, works: Sequence[Work], attempted: set[UUID]) -> list[Outcome]:
        subjects = _subjects(works)
        beginnings = self._store.beginnings(subjects) if subjects else {}
        wallets, streams = _needs(works, beginnings)
        loaded = self._store.load(wallets, streams, list(beginnings))
        try:
            self._clock.check(loaded.clock)
            plan = BatchPlan(loaded, attempted, self._digits, beginnings)
            for work in works:
                plan.add(work)
            changes = plan.changes()
        except BaseException:
            self._store.release()
            raise
        if changes is None:
            self._store.release()
            return plan.outcomes(None)
        try:
            appended = self._store.commit(changes)
        except OutcomeUnknown:
            attempted.update(event.stream for event in changes.events if event.version == 1)
            raise
        return plan.outcomes(appended)


def _keys(work: Work) -> list[UUID]:
    """Return the streams that the keys of a piece of work begin."""
    items = work.items if isinstance(work, AtomicBatch) else (work,)
    return [item.stream for item in items if isinstance(item, Submission)]


def _submissions(works: Sequence[Work]) -> Iterator[Submission | DryRun]:
    for work in works:
        if isinstance(work, AtomicBatch):
            yield from filter(None, work.items)
        else:
            yield work


def _subjects(works: Sequence[Work]) -> list[UUID]:
    """Return the streams of the payments that commands go on."""
    return list({stream for work in _submissions(works) if (stream := goes_on(work.command))})


def _needs(
    works: Sequence[Work], beginnings: Mapping[UUID, RecordedAnswer]
) -> tuple[list[WalletId], list[UUID]]:
    """Return the wallets to lock, in id order, and the streams whose first event matters."""
    wallets: set[WalletId] = set()
    streams: set[UUID] = set()
    for work in _submissions(works):
        wallets.update(wallets_of(work.command, beginnings))
        if isinstance(work, Submission):
            streams.add(work.stream)
            stream = opened(work.command)
            if stream is not None:
                streams.add(stream)
    return sorted(wallets), list(streams)
