"""Plans one batch: every command decided in arrival order, and the events that come of it."""

from collections import ChainMap
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from uuid import UUID

from application.commands import (
    Answer,
    AtomicBatch,
    BatchOutcome,
    DryRun,
    ItemOutcome,
    NotExecuted,
    Outcome,
    RecordedAnswer,
    Submission,
    Work,
    WouldComplete,
)
from application.continued import Continued
from application.deciding import Decision
from application.decisions import decide, try_payment
from application.metadata import ANSWER_VERSION, command_id, first_metadata
from application.ports import Appended, Changes, Loaded, PlannedEvent
from application.state import State
from application.subjects import Beginnings, shown
from domain.identifiers import WalletId
from domain.instants import Instant, next_midnight
from domain.recorded import EventMetadata
from domain.refusals import KeyReused, Refusal, Rejection
from domain.values import dataclass
from domain.wallets import Wallet


@dataclass(frozen=True, slots=True)
class Deferred:
    """An answer of this batch, complete as soon as its events have their positions."""

    submission: Submission
    decision: Decision
    last: int
    """Where the command's last event stands among the batch's, from 0."""
    replayed: bool = False


@dataclass(frozen=True, slots=True)
class _Items:
    """The results of an atomic batch, complete as soon as events have their positions."""

    refused: bool
    results: tuple[ItemOutcome | Deferred, ...]


ItemResult = Answer | Deferred | Rejection | Refusal | None
"""What comes of one item of an atomic batch; `None` where it was malformed."""


class BatchPlan:
    """A batch under decision; wallets and keys stand as the accepted commands leave them."""

    def __init__(
        self,
        loaded: Loaded,
        attempted: set[UUID],
        digits: Callable[[str], int],
        beginnings: Beginnings | None = None,
    ) -> None:
        """Begin with what was loaded; answers to keys attempted by this batch are no replays.

        `digits` knows the minor digits of each currency; `beginnings` are the first events of the
        streams that the batch goes on.
        """
        self._loaded = loaded
        self._attempted = attempted
        self._beginnings = beginnings or {}
        self._wallets = dict(loaded.wallets)
        self._digits = digits
        self._continued = Continued(self._beginnings, loaded)
        # It shows what the batch changes, so one is enough.
        self._state = self._continued.state(self._wallets, digits)
        self._valid_before: Instant = next_midnight(loaded.decided_at)
        self._changed: dict[WalletId, Wallet] = {}
        self._keys: dict[UUID, Deferred] = {}
        self._events: list[PlannedEvent] = []
        self._closed: list[tuple[str, UUID]] = []
        self._slots: list[Outcome | Deferred | _Items] = []

    def add(self, work: Work) -> None:
        """Decide one piece of work, whatever comes of it."""
        try:
            self._slots.append(self._decide(work))
        except (Rejection, Refusal) as no:
            self._slots.append(no)

    def changes(self) -> Changes | None:
        """Return what is to be stored, or none when nothing is."""
        if not self._events:
            return None
        known, now = self._loaded.wallets, self._loaded.decided_at
        changed = [w for w in self._changed.values() if w.wallet_id in known]
        return Changes(
            changed=changed,
            ruled=[w for w in changed if w.rules is not known[w.wallet_id].rules],
            opened=[w for w in self._changed.values() if w.wallet_id not in known],
            events=self._events,
            decided_at=now,
            valid_before=self._valid_before,
            closed_through=self._continued.closed_through,
            closed=self._closed,
        )

    def outcomes(self, appended: Appended | None) -> list[Outcome]:
        """Return each piece of work's outcome in the order of adding."""
        outcomes: list[Outcome] = []
        for slot in self._slots:
            if isinstance(slot, Deferred):
                outcomes.append(self._complete(slot, appended))
            elif isinstance(slot, _Items):
                results = (
                    self._complete(r, appended) if isinstance(r, Deferred) else r
                    for r in slot.results
                )
                outcomes.append(BatchOutcome(refused=slot.refused, results=tuple(results)))
            else:
                outcomes.append(slot)
        return outcomes

    def _decide(self, work: Work) -> Outcome | Deferred | _Items:
        now = self._loaded.decided_at
        if isinstance(work, Submission):
            known = self._answered(work, self._keys)
            if known is not None:
                return known
            self._accept([(work, decide(work, self._state, now))])
            return self._keys[work.stream]
        if isinstance(work, DryRun):
            try_payment(work.command, work.caller, self._state, now)
            return WouldComplete(work.command, now)
        return self._atomic(work)

    def _answered(
        self, work: Submission, keys: Mapping[UUID, Deferred]
    ) -> Answer | Deferred | None:
        """Return the answer that a key has already, in this batch or in the store."""
        decided = keys.get(work.stream)
        if decided is not None:
            if decided.submission.fingerprint != work.fingerprint:
                raise KeyReused
            return replace(decided, replayed=True)
        stored = self._loaded.answers.get(work.stream)
        if stored is None:
            return None
        if stored.metadata.fingerprint != work.fingerprint:
            raise KeyReused
        return Answer(
            stream=work.stream,
            event=stored.event,
            position=stored.last_position,
            recorded_at=stored.recorded_at,
            answer_version=stored.metadata.answer_version or ANSWER_VERSION,
            replayed=work.stream not in self._attempted,
            opening=self._opening(work, None),
        )

    def _accept(self, decided: Sequence[tuple[Submission, Decision]]) -> None:
        """Merge the decisions of one command: its events stand side by side, all or none."""
        begin = len(self._events)
        count = sum(len(decision.events) for _, decision in decided)
        name = command_id(decided[0][0])
        for work, decision in decided:
            for place, (stream, version, event) in enumerate(decision.events):
                index = len(self._events) - begin
                metadata = (
                    EventMetadata(name, index, count)
                    if place
                    else first_metadata(work, decision.right, name, index, count)
                )
                self._events.append(PlannedEvent(stream, version, event, metadata))
            for wallet in decision.wallets:
                self._wallets[wallet.wallet_id] = self._changed[wallet.wallet_id] = wallet
            self._continued.merge(decision)
            if decision.closes is not None:
                self._closed.append((decision.closes, work.stream))
                self._state = self._continued.state(self._wallets, self._digits)
            if decision.valid_before is not None:
                self._valid_before = min(self._valid_before, decision.valid_before)
            self._keys[work.stream] = Deferred(work, decision, begin + count - 1)

    def _complete(self, deferred: Deferred, appended: Appended | None) -> Answer:
        assert appended is not None, "what was planned has been appended"
        return Answer(
            stream=deferred.submission.stream,
            event=deferred.decision.events[0][2],
            position=appended.first_position + deferred.last,
            recorded_at=appended.recorded_at,
            answer_version=ANSWER_VERSION,
            replayed=deferred.replayed,
            opening=self._opening(deferred.submission, appended),
        )

    def _opening(self, work: Submission, appended: Appended | None) -> RecordedAnswer | None:
        """Return the first event of what an answer shows, where that is not the answer itself."""
        stream = shown(work.command)
        if stream is None:
            return None
        stored = self._loaded.answers.get(stream) or self._beginnings.get(stream)
        if stored is not None or appended is None:
            return stored
        opening = self._keys[stream]
        return RecordedAnswer(
            opening.decision.events[0][2],
            EventMetadata(command_id(opening.submission), 0, 1),
            appended.first_position + opening.last,
            appended.recorded_at,
        )

    def _atomic(self, batch: AtomicBatch) -> _Items:
        """Decide all items on a draft of the wallets; merge it only when none is refused."""
        draft = ChainMap({}, self._wallets)
        state = self._continued.state(draft, self._digits)
        keys = dict(self._keys)
        results: list[ItemResult] = []
        new: list[tuple[Submission, Decision]] = []
        for item in batch.items:
            result = self._try_item(item, state, keys)
            if isinstance(result, Deferred) and not result.replayed:
                keys[result.submission.stream] = result
                new.append((result.submission, result.decision))
                draft.update({wallet.wallet_id: wallet for wallet in result.decision.wallets})
            results.append(result)
        if any(_refuses(result) for result in results):
            return _Items(refused=True, results=tuple(_not_executed(r) for r in results))
        if new:
            self._accept(new)
        return _Items(refused=False, results=tuple(self._placed(result) for result in results))

    def _try_item(
        self,
        item: Submission | None,
        state: State,
        keys: Mapping[UUID, Deferred],
    ) -> ItemResult:
        if item is None:
            return None
        try:
            known = self._answered(item, keys)
            if known is not None:
                return known
            decision = decide(item, state, self._loaded.decided_at)
        except Rejection as rejection:
            return rejection
        return decision.refusal or Deferred(item, decision, 0)

    def _placed(self, result: ItemResult) -> Answer | Deferred:
        """Return an item's result with the place that its events have got in the batch."""
        if isinstance(result, Deferred):
            placed = self._keys[result.submission.stream]
            return replace(placed, replayed=result.replayed)
        assert isinstance(result, Answer), "no item of this batch is refused"
        return result


def _refuses(result: ItemResult) -> bool:
    if isinstance(result, Deferred):
        return result.decision.refusal is not None
    return result.refused if isinstance(result, Answer) else True


def _not_executed(result: ItemResult) -> ItemOutcome | Deferred:
    """Return an item's result in a refused batch: what is on record is shown as it is there."""
    if isinstance(result, Deferred | Answer):
        return result if _refuses(result) else NotExecuted()
    return result
