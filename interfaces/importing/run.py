"""Runs an import: rows in their order, batch by batch, each to its outcome."""

import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Protocol
from uuid import UUID

from application.commands import Answer, ClockUnsure, Outcome, Submission, Unanswered, Work
from domain.payment_events import PaymentDeclined
from domain.refusals import KeyReused, Rejection
from domain.wallet_rules import OpenWallet
from interfaces.importing.balances import Account, FileBalances
from interfaces.importing.order import BadLineFound
from interfaces.importing.rows import BadLine, Row
from interfaces.importing.submissions import Submissions

BATCH = 250
"""Commands a batch: enough that one commit serves many, few enough that locks are short."""

PATIENCE_SECONDS = 20.0
"""How long to go on asking a database that is away; a server is back within ten."""


class ImportStopped(RuntimeError):
    """The ledger takes no more rows now; the message is one sentence with the remedy."""


class OtherTerms(ValueError):
    """An account was imported before with another overdraft limit."""


class Executes(Protocol):
    """The ledger as an import sees it."""

    def execute(self, works: Sequence[Work]) -> list[Outcome]:
        """Return the outcome of each piece of work, in order."""
        ...


@dataclass(slots=True)
class Tally:
    """What became of the rows so far; `accepted_minor` is what wallets got from them in all."""

    accepted: int = 0
    refused: int = 0
    already_there: int = 0
    already_refused: int = 0
    refusals: Counter[str] = field(default_factory=Counter)
    accepted_minor: dict[Account, int] = field(default_factory=lambda: defaultdict(int))
    bad: list[BadLine] = field(default_factory=list)

    @property
    def done(self) -> int:
        """How many rows have an outcome."""
        return self.accepted + self.refused + self.already_there


_Item = tuple[Submission, Row | None]


class Import:
    """One run of an import; what was stored before it ended stays, and the next run goes on."""

    def __init__(
        self,
        ledger: Executes,
        submissions: Submissions,
        balances: FileBalances,
        *,
        skip_bad: bool,
        progress: Callable[[int], None],
        patience_seconds: float = PATIENCE_SECONDS,
    ) -> None:
        """Take the ledger, and `progress`, which is told how many rows have an outcome."""
        self._ledger = ledger
        self._submissions = submissions
        self._balances = balances
        self._skip_bad = skip_bad
        self._progress = progress
        self._patience = patience_seconds
        self._unsure: set[UUID] = set()
        self.tally = Tally()

    def run(self, days: Iterable[Sequence[Row]]) -> None:
        """Import all days.

        Raises `BadLineFound` for a row that contradicts what was imported before, `OtherTerms`
        and `ImportStopped`; whatever has an outcome by then is in the tally and in the ledger.
        """
        for batch in self._batches(days):
            self._execute(batch)

    def _batches(self, days: Iterable[Sequence[Row]]) -> Iterator[list[_Item]]:
        batch: list[_Item] = []
        try:
            for rows in days:
                self._balances.add_day(rows)
                for row in rows:
                    submissions = self._submissions.of(row)
                    batch.extend((opening, None) for opening in submissions[:-1])
                    batch.append((submissions[-1], row))
                    if len(batch) >= BATCH:
                        yield batch
                        batch = []
        except BadLineFound:
            # The days before a bad line are whole, so they are imported before it is told.
            yield batch
            raise
        yield batch

    def _execute(self, batch: list[_Item]) -> None:
        waiting = batch
        give_up_at = time.monotonic() + self._patience
        while waiting:
            outcomes = self._ledger.execute([submission for submission, _ in waiting])
            left: list[_Item] = []
            for item, outcome in zip(waiting, outcomes, strict=True):
                if isinstance(outcome, Unanswered):
                    self._unsure.add(item[0].stream)
                    left.append(item)
                else:
                    self._settle(item, outcome)
            if left and time.monotonic() >= give_up_at:
                raise ImportStopped(_why(outcomes))
            waiting = left
        self._progress(self.tally.done)

    def _settle(self, item: _Item, outcome: Outcome) -> None:
        submission, row = item
        if isinstance(outcome, Answer):
            if row is not None:
                self._count(submission, row, outcome)
        elif isinstance(outcome, KeyReused):
            self._contradicted(submission, row)
        elif isinstance(outcome, Rejection):
            raise AssertionError(f"an import's wallets are there for it: {outcome!r}")
        else:
            where = f"Line {row.line}" if row else "An account's wallet"
            raise ImportStopped(f"{where} cannot be stored.")

    def _count(self, submission: Submission, row: Row, answer: Answer) -> None:
        tally = self.tally
        # What this run sent without hearing an answer is its own doing, not an earlier run's.
        before = answer.replayed and submission.stream not in self._unsure
        if before:
            tally.already_there += 1
            tally.already_refused += answer.refused
        elif isinstance(answer.event, PaymentDeclined):
            tally.refused += 1
            tally.refusals[answer.event.code] += 1
        else:
            tally.accepted += 1
        if not answer.refused:
            tally.accepted_minor[row.account, row.currency] += row.amount

    def _contradicted(self, submission: Submission, row: Row | None) -> None:
        if row is None:
            assert isinstance(submission.command, OpenWallet)
            raise OtherTerms(
                f"Account {submission.command.reference} was imported before with another overdraft"
                " limit: give or leave out --no-overdraft as then, or name another --ledger."
            )
        bad = BadLine(row.line, f"Transaction {row.key} was imported before with other content.")
        if not self._skip_bad:
            raise BadLineFound(bad)
        self.tally.bad.append(bad)


def _why(outcomes: Sequence[Outcome]) -> str:
    if any(isinstance(outcome, ClockUnsure) for outcome in outcomes):
        return "The database's clock has jumped: run the same command again in two minutes."
    return (
        "The database does not answer any more: look at ./falcon status, then run the same"
        " command again, which goes on from here."
    )
