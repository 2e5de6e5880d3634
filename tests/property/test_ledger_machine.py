"""The ledger over the simulated store does what a model in plain integers says."""

from collections.abc import Sequence
from random import Random

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import initialize, rule

from application.clock import ClockGuard
from application.ledger import Ledger
from application.ports import LedgerStore
from domain.recorded import RecordedEvent
from tests.given import ISO
from tests.property.drawn_requests import CHANCES
from tests.property.ledger_machine import LedgerMachine, run
from tests.property.reach import check_reach
from tests.simulated_store import SimulatedBook, SimulatedStore

EVENING = 1_899_936_000.0 + 23 * 3_600
"""An hour before a midnight of UTC, in seconds."""

STEPS = (0, 0, 0, 1, 1, 60, 600, 3_600, 86_400)
"""How many seconds pass between two batches."""


def _no_fault_is_expected(fault: Exception) -> None:
    raise AssertionError("a command ended as a defect") from fault


class SimulatedLedger(LedgerMachine):
    """Two writers that take turns on one book."""

    def __init__(self) -> None:
        super().__init__()
        self.clock = EVENING
        self.book = SimulatedBook(clock=lambda: self.clock)
        self.ledgers = [
            Ledger(
                SimulatedStore(self.book),
                ClockGuard(lambda: self.clock),
                digits=ISO.digits,
                report=_no_fault_is_expected,
                pause=lambda _seconds: None,
            )
            for _ in range(2)
        ]

    def rows(self, after: int) -> Sequence[RecordedEvent]:
        return self.book.rows[after:]

    def store(self) -> LedgerStore:
        return SimulatedStore(self.book)

    @initialize(chance=CHANCES)
    def begin(self, chance: Random) -> None:
        self.set_up(self.ledgers[0], chance)

    @rule(data=st.data(), writer=st.integers(0, 1), later=st.sampled_from(STEPS))
    def execute(self, data: st.DataObject, writer: int, later: int) -> None:
        self.clock += later
        self.execute_exactly(self.ledgers[writer], self.draw_works(data))


@pytest.mark.timeout(240)
def test_the_ledger_does_what_the_model_says() -> None:
    """Every end of every command, in batches of any mixture; each class is reached often."""
    check_reach(run(SimulatedLedger, examples=60, steps=50))
