"""A ledger that others disturb: what is stored is held against the model in the order stored."""

from collections.abc import Iterable, Iterator, Sequence
from uuid import UUID

from application.commands import Answer, AtomicBatch, BatchOutcome, Outcome, Submission, Work
from domain.identifiers import bits
from domain.recorded import EventMetadata, RecordedEvent
from domain.refusals import KeyReused, Rejection
from infrastructure.event_codec import EventCodec
from tests.property.ends import end_of, end_of_event
from tests.property.ledger_machine import LedgerMachine
from tests.property.model_parts import DAY, DONE, microseconds

CODEC = EventCodec()


def submissions_of(works: Iterable[Work]) -> Iterator[Submission]:
    """Return every command with a key, those in batches too."""
    for work in works:
        if isinstance(work, Submission):
            yield work
        elif isinstance(work, AtomicBatch):
            yield from (item for item in work.items if item is not None)


class SettlingMachine(LedgerMachine):
    """Does not know beforehand how commands end, but that their order explains all ends.

    A command that was answered is stored exactly once, one that was not at most once.
    """

    def __init__(self) -> None:
        super().__init__()
        self.known: dict[tuple[UUID, str], Submission] = {}
        self.pending: list[Work] = []
        self.crossing = False
        # The model hears when something was recorded, which may be a while after it was decided.
        self.comparison.slack = DAY + 60_000_000

    def settle(self, works: Sequence[Work], outcomes: Sequence[Outcome]) -> None:
        """Repeat on the model what has been stored since, then judge the outcomes by it."""
        for submission in submissions_of(works):
            self.known[submission.stream, submission.fingerprint] = submission
        self.follow()
        for work, outcome in zip(works, outcomes, strict=True):
            self._judge(work, outcome)
        self.check_balances()

    def follow(self) -> None:
        """Do on the model, in the order of positions, what the store says was done."""
        new = list(self.rows(self.fold.position))
        self.comparison.read(new)
        group: list[tuple[RecordedEvent, EventMetadata]] = []
        for row in new:
            metadata = CODEC.decode_metadata(row.metadata)
            if metadata.index == 0:
                group = []
            if metadata.fingerprint is not None:
                group.append((row, metadata))
            if metadata.index == metadata.count - 1:
                self._repeat(group)

    def _repeat(self, begun: list[tuple[RecordedEvent, EventMetadata]]) -> None:
        self.model.book.now = microseconds(begun[0][0].recorded_at)
        items = [self.known[bits(row.stream_id), str(m.fingerprint)] for row, m in begun]
        stored = [end_of_event(CODEC.decode(row.type, row.data)) for row, _ in begun]
        assert not any(item.stream in self.model.keys for item in items), "a key took effect twice"
        if len(items) > 1:
            assert self.model.submit_all(items) == (False, [DONE] * len(items))
            assert stored == [DONE] * len(items)
        else:
            assert self.model.submit(items[0]) == (stored[0], False)

    def _judge(self, work: Work, outcome: Outcome) -> None:
        if isinstance(work, Submission) and isinstance(outcome, Answer):
            assert self.model.keys[work.stream] == (work.fingerprint, end_of(outcome))
            self.ended[self.class_of(work, end_of(outcome), outcome.replayed)] += 1
            self.keep(work, outcome)
        elif isinstance(work, Submission):
            known = self.model.keys.get(work.stream)
            if isinstance(outcome, KeyReused):
                assert known is not None
            same = known is not None and known[0] == work.fingerprint
            self.unrecorded(work, outcome, same)
        elif isinstance(work, AtomicBatch) and isinstance(outcome, BatchOutcome):
            if not outcome.refused:
                for item in submissions_of([work]):
                    assert self.model.keys[item.stream] == (item.fingerprint, DONE)
            self.ended["atomic refused" if outcome.refused else "atomic done"] += 1
            self.keep_all(work, outcome)
        else:
            self.unrecorded(work, outcome, same=False)

    def unrecorded(self, work: Work, outcome: Outcome, same: bool) -> None:
        """Judge an outcome that is no answer; `same` tells that this very request is stored."""
        # What was sent to both writers may be turned away by one before the other one does it.
        turned_away = self.crossing and isinstance(outcome, Rejection)
        assert turned_away or not same, "a stored request is answered from the store"
        end = end_of(outcome)
        kind = self.class_of(work, end, False) if isinstance(work, Submission) else "dry run"
        self.ended[kind] += 1
