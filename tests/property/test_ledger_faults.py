"""Whatever the store does, a command has its effect once, and what was answered is stored."""

from collections.abc import Sequence
from random import Random

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import initialize, rule

from application.clock import ClockGuard
from application.commands import Outcome, Unanswered, Work
from application.ledger import Ledger
from application.ports import LedgerStore
from domain.holds import CaptureHold, ReleaseHold
from domain.payments import MakePayment
from domain.recorded import RecordedEvent
from tests.given import ISO
from tests.property.cast import ANNA, BEN
from tests.property.drawn_requests import CHANCES
from tests.property.ledger_machine import run
from tests.property.settling_machine import SettlingMachine
from tests.simulated_store import Fault, SimulatedBook, SimulatedStore

EVENING = 1_899_936_000.0 + 86_400 - 30
"""Half a minute before a midnight of UTC, in seconds."""

STEPS = (0, 0, 1, 5, 60, 86_400)
"""How many seconds pass at the worst moment."""

AT_LOAD = [Fault.AWAY, Fault.CONFLICT]
PATIENCE_SECONDS = 4.0


class FaultyLedger(SettlingMachine):
    """Two writers on one book: one whose store fails as drawn, one that cuts in between."""

    def __init__(self) -> None:
        super().__init__()
        self.clock = EVENING
        self.step = 0
        self.book = SimulatedBook(lock_seconds=0, clock=lambda: self.clock)
        self.now = 0.0
        self.faults: list[Fault | None] = []
        self.meddling: list[Work] = []
        self.meddled: list[Outcome] = []
        self.defects: list[Exception] = []
        self.faulty = self.ledger(SimulatedStore(self.book, self.fault, self.meddle))
        self.other = self.ledger(SimulatedStore(self.book))

    def ledger(self, store: LedgerStore) -> Ledger:
        return Ledger(
            store,
            ClockGuard(lambda: self.clock),
            digits=ISO.digits,
            report=self.defects.append,
            patience_seconds=PATIENCE_SECONDS,
            monotonic=lambda: self.now,
            pause=self.pause,
        )

    def pause(self, _seconds: float) -> None:
        self.now += PATIENCE_SECONDS / 8

    def fault(self, use: str) -> Fault | None:
        fault = self.faults.pop(0) if self.faults else None
        possible = AT_LOAD if use == "load" else list(Fault)
        if fault is not None:
            self.ended[fault.name.lower()] += 1
        return fault if fault in possible else None

    def meddle(self) -> None:
        self.clock, self.step = self.clock + self.step, 0
        works, self.meddling = self.meddling, []
        if works:
            self.meddled = self.other.execute(works)

    def rows(self, after: int) -> Sequence[RecordedEvent]:
        return self.book.rows[after:]

    def store(self) -> LedgerStore:
        return SimulatedStore(self.book)

    @initialize(chance=CHANCES)
    def begin(self, chance: Random) -> None:
        self.set_up(self.other, chance)

    @rule(data=st.data())
    def execute(self, data: st.DataObject) -> None:
        """Execute a batch whose store fails some times in a row."""
        works = self.draw_works(data)
        faults = st.lists(st.none() | st.sampled_from(Fault), max_size=9)
        self.faults = data.draw(faults, "faults")
        outcomes = self.faulty.execute(works)
        self.faults = []
        self.settle(works, outcomes)

    @rule(data=st.data(), step=st.sampled_from(STEPS))
    def cut_in(self, data: st.DataObject, step: int) -> None:
        """Let time pass, or another writer's batch get through, between locks and COMMIT."""
        self.step = step
        works, others = self.draw_works(data), self.draw_works(data)
        for work in data.draw(st.lists(st.sampled_from(works), max_size=2), "sent to both"):
            others.append(work)
        self.meddling, self.meddled = others, []
        outcomes = self.faulty.execute(works)
        meddled = self.meddled or self.other.execute(others)
        self.meddling, self.step = [], 0
        self.settle([*works, *others], [*outcomes, *meddled])

    @rule(releases=st.booleans())
    def run_out_in_between(self, releases: bool) -> None:
        """Let a hold's time pass between the locks of what is asked of it and the COMMIT."""
        hold = self.requests.hold(ANNA, "rich", "shop", 2, expires_in=5)
        self.settle([hold], self.faulty.execute([hold]))
        assert isinstance(hold.command, MakePayment)
        name = hold.command.payment_id
        command = ReleaseHold(name) if releases else CaptureHold(name, 1, final=False)
        asked = self.requests.submit(BEN, command)
        self.step = 5
        outcomes = self.faulty.execute([asked])
        self.step = 0
        self.settle([asked], outcomes)

    @rule()
    def send_again(self) -> None:
        """Send everything again that was never answered, while nothing fails."""
        self.now += 60
        works, self.pending = self.pending, []
        outcomes = self.faulty.execute(works) if works else []
        self.ended["sent again"] += len(works)
        self.settle(works, outcomes)
        assert self.pending == [], "without faults everything is answered"

    def unrecorded(self, work: Work, outcome: Outcome, same: bool) -> None:
        if isinstance(outcome, Unanswered):
            self.ended["stored unanswered" if same else "unanswered"] += 1
            self.pending.append(work)
        else:
            super().unrecorded(work, outcome, same)

    def teardown(self) -> None:
        self.send_again()
        assert self.defects == []
        super().teardown()


@pytest.mark.timeout(240)
def test_every_command_has_its_effect_once_whatever_fails() -> None:
    """Answered is stored exactly once, unanswered at most once, sent again still once."""
    reached = run(FaultyLedger, examples=60, steps=20)
    wanted = ["done", "repeat", "unanswered", "stored unanswered", "sent again"]
    wanted += ["hold-expired", "limit-exceeded", "already-approved", "already-refunded"]
    wanted += [fault.name.lower() for fault in Fault]
    assert [name for name in wanted if reached[name] < 0.002 * reached.total()] == [], reached
