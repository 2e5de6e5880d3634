"""The ledger ends every piece of work, and one that cannot be done ends alone."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import pytest

from application.clock import ClockGuard
from application.commands import (
    Answer,
    AtomicBatch,
    BatchOutcome,
    ClockUnsure,
    Defect,
    DryRun,
    Outcome,
    Submission,
    Unavailable,
    Work,
)
from application.ledger import Ledger
from application.ports import OutcomeUnknown, StoreUnavailable
from domain.holds import CaptureHold
from domain.identifiers import payment_id, wallet_id
from domain.refusals import PaymentNotFound
from domain.wallet_rules import OpenWallet
from tests.given import ISO, OPERATOR, OWNER, transfer_of
from tests.planned_batch import key, opens
from tests.simulated_store import Fault, SimulatedBook, SimulatedStore


@dataclass
class Scene:
    """A ledger over a simulated store; faults are those of its uses, one after the other."""

    faults: list[Fault | None] = field(default_factory=list)
    book: SimulatedBook = field(default_factory=SimulatedBook)
    uses: list[str] = field(default_factory=list)
    reported: list[Exception] = field(default_factory=list)
    now: float = 0.0
    pauses: list[float] = field(default_factory=list)
    clock: Callable[[], float] = lambda: 0.0

    def execute(self, *works: Work) -> list[Outcome]:
        store = SimulatedStore(self.book, self._fault)
        ledger = Ledger(
            store,
            ClockGuard(self.clock),
            digits=ISO.digits,
            report=self.reported.append,
            monotonic=lambda: self.now,
            pause=self._pause,
        )
        outcomes = ledger.execute(works)
        assert self.book.holders == {}, "no wallet stays locked"
        return outcomes

    def _fault(self, use: str) -> Fault | None:
        self.uses.append(use)
        return self.faults.pop(0) if self.faults else None

    def _pause(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.now += 1.0


def poison(number: int) -> Submission:
    """Return a command whose event cannot be stored: a lone surrogate has no UTF-8."""
    work = opens(number)
    assert isinstance(work.command, OpenWallet)
    return replace(work, command=replace(work.command, name="\ud800"))


@pytest.mark.parametrize("place", range(5))
def test_a_poisonous_command_ends_alone(place: int) -> None:
    """The batch is cut in two until only the command at fault is left; it is reported once."""
    scene = Scene()
    works: list[Work] = [opens(number) for number in range(5)]
    works[place] = poison(place)
    ends = [type(outcome) for outcome in scene.execute(*works)]
    assert ends == [Defect if index == place else Answer for index in range(5)]
    assert [type(fault) for fault in scene.reported] == [UnicodeEncodeError]
    assert len(scene.book.rows) == 4


def test_an_atomic_batch_with_poison_ends_as_one() -> None:
    """It is one command, so nothing of it is done."""
    scene = Scene()
    (outcome,) = scene.execute(AtomicBatch((opens(1), poison(2))))
    assert isinstance(outcome, Defect)
    assert scene.book.rows == []


def test_a_lost_commit_that_happened_is_answered_from_the_store() -> None:
    """Nothing is done twice, and the first answer is no repeat."""
    scene = Scene([None, Fault.LOST_AFTER])
    (outcome,) = scene.execute(opens(1))
    assert isinstance(outcome, Answer)
    assert not outcome.replayed
    assert scene.uses == ["load", "commit", "load"]
    assert len(scene.book.rows) == 1


def test_a_lost_commit_that_did_not_happen_is_done_once_more() -> None:
    scene = Scene([None, Fault.LOST_BEFORE])
    (outcome,) = scene.execute(opens(1))
    assert isinstance(outcome, Answer)
    assert not outcome.replayed
    assert scene.uses == ["load", "commit", "load", "commit"]
    assert len(scene.book.rows) == 1


def test_a_repeat_beside_what_was_lost_is_still_a_repeat() -> None:
    """Only what this batch itself attempted is answered as done for the first time."""
    scene = Scene()
    scene.execute(opens(1))
    scene.faults = [None, Fault.LOST_AFTER]
    repeated, fresh = scene.execute(opens(1), opens(2))
    assert isinstance(repeated, Answer)
    assert isinstance(fresh, Answer)
    assert (repeated.replayed, fresh.replayed) == (True, False)


def test_a_conflict_is_tried_again_and_then_cut_in_two() -> None:
    """Two tries as a whole, then the halves; pauses before each new try."""
    scene = Scene([None, Fault.CONFLICT] * 2)
    outcomes = scene.execute(opens(1), opens(2))
    assert all(isinstance(outcome, Answer) for outcome in outcomes)
    assert scene.uses.count("commit") == 4
    assert len(scene.pauses) == 2


def test_a_command_that_always_conflicts_is_unanswered_and_no_defect() -> None:
    scene = Scene([Fault.CONFLICT] * 9)
    (outcome,) = scene.execute(opens(1))
    assert type(outcome) is Unavailable
    assert scene.reported == []


@pytest.mark.parametrize("fault", [Fault.AWAY, Fault.LOST_BEFORE])
def test_a_store_that_stays_away_ends_in_time(fault: Fault) -> None:
    """When patience ends, every command is unanswered; nobody waits for ever."""
    scene = Scene([None if fault is Fault.LOST_BEFORE else fault, fault] * 50)
    outcomes = scene.execute(opens(1), opens(2), opens(3))
    assert [type(outcome) for outcome in outcomes] == [Unavailable] * 3
    assert scene.now == 4.0
    assert [type(loss) for loss in scene.reported] == [
        StoreUnavailable if fault is Fault.AWAY else OutcomeUnknown
    ]


def test_a_clock_that_jumped_decides_nothing() -> None:
    """Every command of the batch is told so, and the wallets are free again."""
    passed = [0.0, 1.0]
    scene = Scene(clock=lambda: passed[0])
    store = SimulatedStore(scene.book)
    ledger = Ledger(store, ClockGuard(scene.clock), digits=ISO.digits, report=scene.reported.append)
    assert isinstance(ledger.execute([opens(1)])[0], Answer)
    scene.book.clock = lambda: 10.0**10
    outcomes = ledger.execute([opens(2), opens(3)])
    assert [type(outcome) for outcome in outcomes] == [ClockUnsure] * 2
    assert len(scene.book.rows) == 1
    assert not scene.book.holders


def test_what_may_have_been_done_is_not_said_to_be_undone() -> None:
    """The clock jumps between a COMMIT whose answer was lost and the look for it."""
    scene = Scene()
    faults: list[Fault | None] = [None, None, None, Fault.LOST_AFTER]
    store = SimulatedStore(scene.book, lambda _use: faults.pop(0) if faults else None)

    def jump(_seconds: float) -> None:
        scene.book.clock = lambda: 10.0**10

    guard = ClockGuard(scene.clock)
    ledger = Ledger(store, guard, digits=ISO.digits, report=scene.reported.append, pause=jump)
    assert isinstance(ledger.execute([opens(1)])[0], Answer)
    outcomes = ledger.execute([opens(2), DryRun(transfer_of(5), OWNER)])
    assert [type(outcome) for outcome in outcomes] == [Unavailable, ClockUnsure]
    assert len(scene.book.rows) == 2


def test_nothing_is_written_for_what_is_already_answered() -> None:
    """Repeats cost a load and a release, no commit."""
    scene = Scene()
    scene.execute(opens(1))
    scene.uses.clear()
    (outcome,) = scene.execute(opens(1))
    assert isinstance(outcome, Answer)
    assert outcome.replayed
    assert scene.uses == ["load"]


def test_an_empty_batch_is_no_batch_of_the_store() -> None:
    """An atomic batch of malformed items needs no wallets and leaves no trace."""
    scene = Scene()
    (outcome,) = scene.execute(AtomicBatch((None,)))
    assert outcome == BatchOutcome(refused=True, results=(None,))
    assert scene.book.rows == []
    assert key(1) not in scene.book.firsts


BANK, SHOP, HELD = wallet_id(key(11)), wallet_id(key(12)), payment_id(key(13))


def booked(scene: Scene) -> None:
    """Let a bank hold 100 for a shop."""
    bank = opens(11)
    assert isinstance(bank.command, OpenWallet)
    of_nobody = replace(bank.command, kind="system", overdraft_limit=None)
    hold = replace(
        transfer_of(100, payment_id=HELD, source_wallet_id=BANK, destination_wallet_id=SHOP),
        kind="hold",
    )
    works = [
        replace(bank, command=of_nobody, caller=OPERATOR),
        opens(12),
        Submission(hold, OPERATOR, key(13), "hold"),
    ]
    for work in works:
        assert isinstance(scene.execute(work)[0], Answer)
    scene.uses.clear()


CAPTURE = Submission(CaptureHold(HELD, 40, final=True), OWNER, key(14), "capture 40")


def test_what_goes_on_a_payment_finds_out_first_which_wallets_it_locks() -> None:
    """One more look, unlocked, at what never changes; then as for any other command."""
    scene = Scene()
    booked(scene)
    (outcome,) = scene.execute(CAPTURE)
    assert isinstance(outcome, Answer)
    assert scene.uses == ["load", "load", "commit"]
    assert (scene.book.heads[BANK].posted, scene.book.heads[BANK].held) == (-40, 0)
    assert scene.book.heads[SHOP].posted == 40


@pytest.mark.parametrize("lost", [Fault.LOST_BEFORE, Fault.LOST_AFTER])
def test_a_lost_capture_is_done_once(lost: Fault) -> None:
    """Whether the COMMIT happened or not, the answer is that of a first time."""
    scene = Scene()
    booked(scene)
    scene.faults = [None, None, lost]
    (outcome,) = scene.execute(CAPTURE)
    assert isinstance(outcome, Answer)
    assert not outcome.replayed
    assert outcome.opening is not None
    assert scene.book.heads[SHOP].posted == 40
    (again,) = scene.execute(CAPTURE)
    assert again == replace(outcome, replayed=True)
    assert scene.book.heads[SHOP].posted == 40


def test_a_payment_that_is_not_there_locks_nothing_and_stores_nothing() -> None:
    scene = Scene()
    (outcome,) = scene.execute(CAPTURE)
    assert isinstance(outcome, PaymentNotFound)
    assert scene.book.rows == []
